"""Verify an access token that Signet itself signed [RFC 9068 4]."""

from signet.broker.keyring import ISSUER, missing
from signet.broker.ports import Keyrings
from signet.broker.signing import own_keys
from signet.errors import Denied
from signet.jose.jws import SignedClaims, verify
from signet.oauth.access_token import TYP, invalid_token


def verify_own(token: str, keyrings: Keyrings) -> SignedClaims:
    """Verify a token's signature and kind.

    Raises:
        Denied: `invalid_token`. Misconfigured: there is no issuer's keyring.
    """
    keyring = keyrings.get(ISSUER)
    if keyring is None:
        raise missing(ISSUER)
    try:
        return verify(
            token, keys=own_keys(keyring), alg=keyring.current.alg, types=frozenset({TYP})
        )
    except Denied as error:
        raise invalid_token(error.private) from error
