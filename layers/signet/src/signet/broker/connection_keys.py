"""A connection's keys as the management API shows them (contract, section 4)."""

from signet.broker.certification import certificate_pem
from signet.broker.keyring import FormerKey, Keyring, PublishedKey
from signet.broker.resource_version import rfc3339
from signet.broker.rotation import Bounds, retires_at
from signet.errors import Rejected
from signet.jose.jwk import PublicJwk


def keys_document(keyring: Keyring, bounds: Bounds) -> list[dict[str, object]]:
    """Write all keys, the newest first: those that are published, then those that were."""
    states = {"next": keyring.next, "current": keyring.current, "previous": keyring.previous}
    published = [
        _shown(key, state, retires_at(keyring, key, bounds) if state == "previous" else None)
        for state, key in states.items()
        if key is not None
    ]
    former = [(key, "retired") for key in keyring.retired]
    former += [(key, "revoked") for key in keyring.revoked]
    former.sort(key=lambda pair: pair[0].left_at, reverse=True)
    return published + [_shown(key, state, key.left_at) for key, state in former]


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


def _shown(key: PublishedKey | FormerKey, state: str, retires_at: int | None) -> dict[str, object]:
    probe = key.probe if isinstance(key, PublishedKey) else None
    return {
        "kid": key.kid,
        "state": state,
        "alg": key.alg,
        "created_at": rfc3339(key.created_at),
        "published_at": rfc3339(key.published_at),
        "activated_at": _time(key.activated_at),
        "retires_at": _time(retires_at),
        "probe": ({"result": probe.result, "at": rfc3339(probe.at)} if probe is not None else None),
    }


def _time(seconds: int | None) -> str | None:
    return rfc3339(seconds) if seconds is not None else None
