"""Refresh at /token: one refresh token becomes the next one and fresh tokens [RFC 6749 6].

Waits, as a code's: assertion and proof are used up beside the read of the grant; the token is
rotated beside the access token's signature; then the ID token is signed while both are recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from signet.broker.attempt import attempt
from signet.broker.client import Client
from signet.broker.client_authentication import ClientAuthentication, VerifiedClient
from signet.broker.consumption import UseOfRefreshToken
from signet.broker.grant import Grant, RefreshFamily
from signet.broker.live_grant import why_ended
from signet.broker.login_ended import login_ended
from signet.broker.ports import Audit, Clients, Clock, Connections, Entropy, Grants, Together
from signet.broker.proofs import Proofs
from signet.broker.redemption import RedeemCode
from signet.broker.refresh_token import Lifetimes, RefreshToken, check_token, invalid_token
from signet.errors import Rejected, SignetError
from signet.oauth.dpop import CheckedProof
from signet.oauth.token_request import (
    OFFLINE_ACCESS,
    REFRESH_TOKEN,
    RefreshRequest,
    narrowed_scope,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """The use case behind /token for `grant_type=refresh_token`; `tokens` makes what goes out."""

    issuer: str
    authentication: ClientAuthentication
    proofs: Proofs
    clients: Clients
    connections: Connections
    grants: Grants
    tokens: RedeemCode
    lifetimes: Lifetimes
    audit: Audit
    clock: Clock
    entropy: Entropy
    together: Together

    def __call__(
        self,
        parameters: Mapping[str, str],
        *,
        authorization: str | None,
        dpop: str | None = None,
    ) -> dict[str, object]:
        """Authenticate the client, rotate the token, and return the token response [5.1].

        Raises:
            Denied: `invalid_client`. Rejected: an error of RFC 6749 5.2, `invalid_dpop_proof`,
                `use_dpop_nonce`.
            Unavailable: nothing was given out; the client may try again with the same token.
        """
        verified = self.authentication.verify(
            parameters, authorization=authorization, endpoint=f"{self.issuer}/token"
        )
        # Before anything is used up: a client that is given a nonce comes again with its token.
        proof = self.proofs.check_dpop_at_token(dpop, verified.client)
        request = attempt(lambda: _checked(parameters, verified.client))
        token = None if isinstance(request, SignetError) else RefreshToken.parse(request.token)
        _, grant = self.together(
            lambda: self._use_up(verified, proof),
            lambda: self.grants.get(token.grant_id) if token is not None else None,
        )
        if isinstance(request, SignetError):
            raise request
        if token is None or grant is None or grant.refresh is None:
            raise invalid_token("no refresh token of ours")
        if not token.is_of(grant, client_id=verified.client.client_id):
            # Another client's, or of no family: nothing is ended by whoever guesses (OP-046).
            raise invalid_token("no refresh token of this client")
        jkt = proof.jkt if proof is not None else None
        self._check(grant, grant.refresh, token, jkt)
        granted = _still_granted(grant, verified.client)
        scope = narrowed_scope(request.scope, granted=granted)
        # A grant of no key stays one of no key: this access token alone is bound to a new one.
        bound = replace(grant, scope=scope, dpop_jkt=jkt)
        return self._rotate(bound, grant.refresh, token, verified.client)

    def _use_up(self, verified: VerifiedClient, proof: CheckedProof | None) -> None:
        self.together(
            lambda: self.authentication.use_up(verified), lambda: self.proofs.use_up(proof)
        )

    def _check(
        self, grant: Grant, family: RefreshFamily, token: RefreshToken, jkt: str | None
    ) -> None:
        """Hold the token against every rule; one that was used before ends its family."""
        now = self.clock.now()
        try:
            check_token(family, token, now=now)
        except Rejected as problem:
            self.grants.revoke(grant.id)
            if not grant.revoked:
                self.audit.record(login_ended(grant, time=now, reason=problem.private))
            raise
        if grant.dpop_jkt is not None and jkt != grant.dpop_jkt:
            # Before anything is rotated [RFC 9449 5]; whoever has the token alone ends nothing.
            raise invalid_token("the DPoP proof is absent or of another key")
        ended = why_ended(grant, clients=self.clients, connections=self.connections)
        if ended is not None:
            raise invalid_token(ended)

    def _rotate(
        self,
        grant: Grant,
        family: RefreshFamily,
        token: RefreshToken,
        client: Client,
    ) -> dict[str, object]:
        now = self.clock.now()
        use = UseOfRefreshToken(
            grants=self.grants,
            used=token,
            refresh_token=token.successor(self.entropy.token()),
            now=now,
            idle_until=self.lifetimes.idle_until(family, now=now),
        )
        # The ID token is about the same login; the nonce was that login's own [OIDC Core 12.2].
        return self.tokens.issue(replace(grant, nonce=None), client, use, now=now)


def _still_granted(grant: Grant, client: Client) -> tuple[str, ...]:
    """Keep of what was granted what the client may still ask for, as an administrator decided.

    Raises:
        Rejected: `invalid_grant`: it may not stay signed in any more.
    """
    granted = tuple(name for name in grant.scope if name in client.scopes)
    if OFFLINE_ACCESS not in granted:
        raise invalid_token("the client may not have offline_access any more")
    return granted


def _checked(parameters: Mapping[str, str], client: Client) -> RefreshRequest:
    if REFRESH_TOKEN not in client.grant_types:
        raise Rejected("unauthorized_client", "This client may not use this grant type.")
    return RefreshRequest.parse(parameters)
