"""Tell what a client presents to /revoke or /introspect: a token of its own, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.grant import Grant
from signet.broker.own_access_token import verify_own
from signet.broker.ports import Grants, Keyrings
from signet.broker.refresh_token import RefreshToken
from signet.errors import Denied, Rejected
from signet.oauth.access_token import AccessTokenPolicy, check_expiry, check_issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A token that was given to the client that presents it: `refresh`, or an access token.

    `claims` are an access token's, verified; `grant` is absent where a client has the token in
    its own name.
    """

    grant: Grant | None
    refresh: RefreshToken | None
    claims: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedTokens:
    """Where both endpoints look; nothing that is not the client's own is ever found."""

    issuer: str
    keyrings: Keyrings
    grants: Grants

    def find(self, token: str, *, client_id: str, now: int) -> Presented | None:
        """Return the client's own token; None for every other one, whatever it is.

        `token_type_hint` is not needed: no token of ours reads as one of the other kind
        [RFC 7009 2.1].

        Raises:
            Unavailable: a store is. Misconfigured: there is no issuer's keyring.
        """
        refresh = RefreshToken.parse(token)
        if refresh is not None:
            return self._refresh_token(refresh, client_id)
        return self._access_token(token, client_id, now)

    def _refresh_token(self, token: RefreshToken, client_id: str) -> Presented | None:
        grant = self.grants.get(token.grant_id)
        if grant is None or not token.is_of(grant, client_id=client_id):
            return None
        return Presented(grant=grant, refresh=token, claims={})

    def _access_token(self, token: str, client_id: str, now: int) -> Presented | None:
        policy = AccessTokenPolicy(issuer=self.issuer, audience="", scope="", now=now)
        try:
            claims = verify_own(token, self.keyrings).claims
            check_issuer(claims, policy)
            check_expiry(claims, policy)
        except (Denied, Rejected):
            return None
        if claims.get("client_id") != client_id:
            return None
        if "grant_id" not in claims:
            return Presented(grant=None, refresh=None, claims=claims)
        grant = self.grants.get(str(claims["grant_id"]))
        return Presented(grant=grant, refresh=None, claims=claims) if grant is not None else None


def required_token(parameters: Mapping[str, str]) -> str:
    """Take the token out of a form [RFC 7009 2.1; RFC 7662 2.1].

    Raises:
        Rejected: `invalid_request`.
    """
    token = parameters.get("token")
    if token is None:
        raise Rejected("invalid_request", "token is required.")
    return token
