"""Choose the key that signs: the keyring's current one, and never another."""

import base64

from signet.broker.keyring import Keyring, PublishedKey, missing
from signet.broker.ports import Kms
from signet.errors import Denied, Misconfigured
from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jwks import Jwks
from signet.jose.jws import DigestSigner, SigningKey, sign, verify

_CHALLENGE_TYP = "signet-challenge+jwt"


def signing_key(
    keyring: Keyring, signer: DigestSigner, key: PublishedKey | None = None
) -> SigningKey:
    """Return the current key, ready to sign; or the one that a rotation asks for by name.

    Raises:
        Misconfigured: `keyring_missing`: its owner was removed.
    """
    if keyring.deleted_at is not None:
        raise missing(keyring.owner)
    return _with(keyring.current if key is None else key, signer)


def own_keys(keyring: Keyring) -> Jwks:
    """Return a keyring's published keys, to verify our own tokens with."""
    return Jwks.read({"keys": [dict(key.jwk) for key in keyring.published()]})


def publishable_key(kms: Kms, *, key_id: str, alg: str, challenge: str, now: int) -> PublishedKey:
    """Fetch a KMS key's public half and prove that it belongs to what KMS signs with.

    A challenge is signed and verified under the very JWK that will be published: a key that
    cannot be verified by others never enters a keyring.

    Raises:
        Misconfigured: `key_not_proved`.
        Unavailable: KMS did not answer.
    """
    jwk = PublicJwk.from_der(kms.public_key(key_id), alg=alg)
    members = jwk.as_dict()
    key = PublishedKey(
        kid=members["kid"], key_id=key_id, alg=alg, jwk=members, created_at=now, published_at=now
    )
    prove(kms, key, challenge=challenge)
    return key


def prove(signer: DigestSigner, key: PublishedKey, *, challenge: str) -> None:
    """Sign a challenge with a key, and verify it under the very JWK that is published.

    Raises:
        Misconfigured: `key_not_proved`, `signing_key`. Unavailable: KMS did not answer.
    """
    token = sign({"challenge": challenge}, key=_with(key, signer), typ=_CHALLENGE_TYP)
    try:
        verify(
            token.compact,
            keys=Jwks.read({"keys": [dict(key.jwk)]}),
            alg=algorithm(key.alg).name,
            types=frozenset({_CHALLENGE_TYP}),
        )
    except Denied as error:
        raise Misconfigured(
            "key_not_proved",
            "A new key could not be proved.",
            private="KMS's signature does not verify under KMS's public key",
        ) from error


def _with(key: PublishedKey, signer: DigestSigner) -> SigningKey:
    return SigningKey(
        kid=key.kid,
        alg=key.alg,
        key_id=key.key_id,
        signer=signer,
        certificate=base64.b64decode(key.certificate) if key.certificate is not None else None,
    )
