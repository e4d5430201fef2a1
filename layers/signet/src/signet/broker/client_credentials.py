"""Give a client an access token of its own at /token [RFC 6749 4.4; RFC 9068]."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.attempt import attempt, required
from signet.broker.client import MANAGEMENT_SCOPES, Client
from signet.broker.client_authentication import ClientAuthentication, VerifiedClient
from signet.broker.current_keys import CurrentKeys
from signet.broker.keyring import ISSUER, missing
from signet.broker.management_access import management_audience
from signet.broker.ports import Audit, Clock, Entropy, Keyrings, Together
from signet.broker.proofs import Proofs
from signet.broker.signature_event import signature_made
from signet.errors import Rejected
from signet.jose.jws import sign
from signet.oauth.access_token import (
    LIFETIME_SECONDS,
    TYP,
    build_client_token_claims,
    token_type,
)
from signet.oauth.dpop import CheckedProof
from signet.oauth.token_request import CLIENT_CREDENTIALS


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueClientToken:
    """The use case behind /token for `grant_type=client_credentials`."""

    issuer: str
    authentication: ClientAuthentication
    proofs: Proofs
    keyrings: Keyrings
    keys: CurrentKeys
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
        """Authenticate the client and return an access token for the management API.

        Assertion and proof are used up while KMS signs and the signature is recorded; a token
        goes out only when all of it succeeded.

        Raises:
            Denied: `invalid_client`. Rejected: an error of RFC 6749 5.2 or RFC 8707 2.
            Unavailable: nothing was given out.
        """
        verified = self.authentication.verify(
            parameters, authorization=authorization, endpoint=f"{self.issuer}/token"
        )
        proof = self.proofs.check_dpop_at_token(dpop, verified.client)
        jkt = proof.jkt if proof is not None else None
        scope = attempt(lambda: self._scope(parameters, verified.client))
        _, token = self.together(
            lambda: self._use_up(verified, proof),
            lambda: attempt(lambda: self._sign(verified.client, required(scope), jkt)),
        )
        return {
            "access_token": required(token),
            "token_type": token_type(jkt),
            "expires_in": LIFETIME_SECONDS,
            "scope": " ".join(required(scope)),
        }

    def _use_up(self, verified: VerifiedClient, proof: CheckedProof | None) -> None:
        self.together(
            lambda: self.authentication.use_up(verified), lambda: self.proofs.use_up(proof)
        )

    def _scope(self, parameters: Mapping[str, str], client: Client) -> tuple[str, ...]:
        """Settle the scope: what was asked for, or all that the client has [RFC 6749 3.3]."""
        if CLIENT_CREDENTIALS not in client.grant_types:
            raise Rejected("unauthorized_client", "This client may not use this grant type.")
        audience = management_audience(self.issuer)
        if parameters.get("resource", audience) != audience:
            raise Rejected("invalid_target", "This resource is not known here.")
        granted = tuple(scope for scope in client.scopes if scope in MANAGEMENT_SCOPES)
        asked = tuple(dict.fromkeys(parameters.get("scope", " ".join(granted)).split(" ")))
        if not granted or not set(asked) <= set(granted):
            raise Rejected("invalid_scope", "The client may not have this scope.")
        return asked

    def _sign(self, client: Client, scope: tuple[str, ...], jkt: str | None) -> str:
        keyring = self.keyrings.get(ISSUER)
        if keyring is None:
            raise missing(ISSUER)
        jti, now = self.entropy.token(), self.clock.now()
        claims = build_client_token_claims(
            issuer=self.issuer,
            audience=management_audience(self.issuer),
            client_id=client.client_id,
            scope=scope,
            jti=jti,
            now=now,
            jkt=jkt,
        )
        token = self.keys.sign(keyring, lambda key: sign(claims, key=key, typ=TYP)).value
        event = signature_made(
            token,
            purpose="client_token",
            time=now,
            actor=client.client_id,
            subject=ISSUER,
            jti=jti,
        )
        self.audit.record(event)
        return token.compact
