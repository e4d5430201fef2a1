"""Take an application's request out of its signed request object [RFC 9101]."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.ports import Clock
from signet.broker.remote_keys import RemoteKeys
from signet.errors import Denied, Rejected
from signet.jose.jwks import Jwks
from signet.jose.jws import SignedClaims, verify
from signet.oauth.request_object import (
    TYPES,
    RequestObjectPolicy,
    invalid_request_object,
    read_request_object,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObjects:
    """Request objects of the clients that registered an algorithm for them."""

    issuer: str
    keys: RemoteKeys
    clock: Clock

    def read(self, parameters: Mapping[str, str], client: Client) -> Mapping[str, str]:
        """Return the object's parameters and no others; without an object, what was sent [6.3].

        Raises:
            Rejected: `invalid_request_object`. Unavailable: the client's JWKS is.
        """
        token, alg = parameters.get("request"), client.request_object_signing_alg
        if token is None or alg is None:
            return parameters
        policy = RequestObjectPolicy(
            issuer=self.issuer, client_id=client.client_id, now=self.clock.now()
        )
        return read_request_object(self._verified(token, client, alg), policy)

    def _verified(self, token: str, client: Client, alg: str) -> SignedClaims:
        try:
            if client.jwks_uri is not None:
                return self.keys.verify(
                    token,
                    url=client.jwks_uri,
                    alg=alg,
                    types=TYPES,
                    bulkhead=f"client/{client.client_id}",
                )
            keys = Jwks.parse_registered(client.jwks or {})
            return verify(token, keys=keys, alg=alg, types=TYPES)
        except (Denied, Rejected) as error:
            raise invalid_request_object(f"the signature: {error.code}") from error
