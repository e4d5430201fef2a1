"""Revoke a token at /revoke: its grant ends, and with it every token of that login [RFC 7009]."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.attempt import attempt, required
from signet.broker.client_authentication import ClientAuthentication
from signet.broker.ports import Clock, Grants, Together
from signet.broker.presented_token import Presented, PresentedTokens, required_token
from signet.errors import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken:
    """The use case behind /revoke."""

    issuer: str
    authentication: ClientAuthentication
    presented: PresentedTokens
    grants: Grants
    clock: Clock
    together: Together

    def __call__(self, parameters: Mapping[str, str], *, authorization: str | None) -> None:
        """Authenticate the client, and end the grant of its token.

        A token that is unknown, expired or another client's is left alone, and the answer is the
        same: whoever has it learns nothing from it [RFC 7009 2.2; OP-052].

        Raises:
            Denied: `invalid_client`. Rejected: `invalid_request`, or `unsupported_token_type` for
                a token that lives on, because nothing stands behind it that could be ended.
            Unavailable: the token may still be good; the client has to try again.
        """
        verified = self.authentication.verify(
            parameters, authorization=authorization, endpoint=f"{self.issuer}/revoke"
        )
        client_id = verified.client.client_id
        _, found = self.together(
            lambda: self.authentication.use_up(verified),
            lambda: attempt(lambda: self._find(parameters, client_id)),
        )
        presented = required(found)
        if presented is None:
            return
        if presented.grant is None:
            raise Rejected(
                "unsupported_token_type",
                "An access token of client_credentials cannot be revoked; it ends by itself.",
            )
        self.grants.revoke(presented.grant.id)

    def _find(self, parameters: Mapping[str, str], client_id: str) -> Presented | None:
        token = required_token(parameters)
        return self.presented.find(token, client_id=client_id, now=self.clock.now())
