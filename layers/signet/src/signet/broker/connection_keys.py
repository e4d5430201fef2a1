"""A connection's keys as the management API shows them (contract, section 4)."""

from signet.broker.certification import certificate_pem
from signet.broker.keyring import Keyring, PublishedKey
from signet.broker.resource_version import rfc3339
from signet.errors import Rejected
from signet.jose.jwk import PublicJwk


def keys_document(keyring: Keyring) -> list[dict[str, object]]:
    """Write all keys, the newest first; the current one has signed since it was published."""
    states = {"next": keyring.next, "current": keyring.current, "previous": keyring.previous}
    return [_shown(key, state) for state, key in states.items() if key is not None]


def find_key(keyring: Keyring, kid: str) -> PublishedKey:
    """Return a key by its thumbprint [RFC 7638].

    Raises:
        Rejected: `not_found`.
    """
    for key in keyring.published():
        if key.kid == kid:
            return key
    raise Rejected("not_found", "There is no such key.")


def public_pem(key: PublishedKey) -> str:
    """Write a key's public half as SubjectPublicKeyInfo in PEM [RFC 7468 13]."""
    return PublicJwk.parse(key.jwk).as_pem()


def find_certificate(key: PublishedKey) -> str:
    """Return a key's certificate in PEM [RFC 7468 5].

    Raises:
        Rejected: `not_found`.
    """
    if key.certificate is None:
        raise Rejected("not_found", "This key has no certificate.")
    return certificate_pem(key.certificate)


def _shown(key: PublishedKey, state: str) -> dict[str, object]:
    published_at = rfc3339(key.published_at)
    return {
        "kid": key.kid,
        "state": state,
        "alg": key.alg,
        "created_at": rfc3339(key.created_at),
        "published_at": published_at,
        "activated_at": published_at if state == "current" else None,
        "retires_at": None,
        "probe": None,
    }
