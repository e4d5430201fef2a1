"""Who may use a resource of ours: an access token of ours, shown as it was given out.

A bearer token by the scheme Bearer [RFC 6750 2.1], a bound one by the scheme DPoP with a proof of
its key [RFC 9449 7]. Never the one as the other: a stolen bound token would be a bearer token.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.own_access_token import verify_own
from signet.broker.ports import Clients, Clock, Keyrings
from signet.broker.proofs import Proofs
from signet.jose.jws import SignedClaims
from signet.oauth.access_token import (
    DPOP,
    AccessTokenPolicy,
    check_access_token,
    invalid_token,
    read_presented,
)
from signet.oauth.dpop import CheckedProof


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRequest:
    """What a caller shows: two headers, and for which request; `path` is below our issuer."""

    authorization: str | None
    dpop: str | None
    method: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A token that holds, and its enabled client; the proof still has to be used up."""

    token: SignedClaims
    client: Client
    proof: CheckedProof | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedResource:
    """Lets a request in, or does not."""

    issuer: str
    clients: Clients
    keyrings: Keyrings
    proofs: Proofs
    clock: Clock

    def __call__(self, request: ResourceRequest, *, audience: str, scope: str) -> Admitted:
        """Check token, scheme, client and proof, in that order; nothing is used up.

        Args:
            request: what the caller shows.
            audience: what the resource's tokens name.
            scope: what the resource needs.

        Raises:
            Denied: `invalid_token` or `insufficient_scope`.
            Rejected: `invalid_dpop_proof` or `use_dpop_nonce`. Unavailable: a store is.
        """
        scheme, token = read_presented(request.authorization)
        verified = verify_own(token, self.keyrings)
        policy = AccessTokenPolicy(
            issuer=self.issuer, audience=audience, scope=scope, now=self.clock.now()
        )
        check_access_token(verified, policy)
        check_scheme(verified.claims, scheme)
        client = self._client(verified)
        if scheme != DPOP:
            return Admitted(token=verified, client=client, proof=None)
        proof = self.proofs.check_dpop_at_resource(
            request.dpop, client, method=request.method, path=request.path, access_token=token
        )
        check_key(verified.claims, proof)
        return Admitted(token=verified, client=client, proof=proof)

    def _client(self, verified: SignedClaims) -> Client:
        """What the token says was true when it was made; this is looked up now."""
        client = self.clients.get(str(verified.claims.get("client_id", "")))
        if client is None or not client.enabled:
            raise invalid_token("the client is disabled or removed")
        return client


def check_scheme(claims: Mapping[str, object], scheme: str) -> None:
    """A bound token is shown with DPoP and any other with Bearer [RFC 9449 7.1, 7.2; OP-048]."""
    if ("cnf" in claims) != (scheme == DPOP):
        raise invalid_token("the scheme is not the token's")


def check_key(claims: Mapping[str, object], proof: CheckedProof) -> None:
    """The proof is of the key that the token is bound to [RFC 9449 4.3 (12), 6.1]."""
    if claims.get("cnf") != {"jkt": proof.jkt}:
        raise invalid_token("the proof is of another key")
