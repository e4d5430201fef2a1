"""RP-initiated logout: what an application asks for, and the ID token that it asks with [1.0]."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from signet.errors import Rejected
from signet.jose.jws import SignedClaims
from signet.oauth.authorization_request import MAX_STATE, authorization_url

HINT_TYPES = frozenset({"JWT"})
"""Of our own ID tokens; access tokens and logout tokens are other kinds [RFC 8725 3.12]."""
CONFIRM = "confirm"
AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A logout request [2]; `unverified_hint` is an ID token that nobody verified yet.

    `confirm` and `again` come from our own pages alone.
    """

    unverified_hint: str | None = field(repr=False)
    client_id: str | None
    post_logout_redirect_uri: str | None
    state: str | None
    confirm: str | None = field(repr=False)
    again: bool

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "LogoutRequest":
        """Read a request; `logout_hint` and `ui_locales` change nothing here.

        Raises:
            Rejected: `invalid_request`.
        """
        state = parameters.get("state")
        if state is not None and len(state) > MAX_STATE:
            raise Rejected("invalid_request", f"state is longer than {MAX_STATE} characters.")
        return cls(
            unverified_hint=parameters.get("id_token_hint"),
            client_id=parameters.get("client_id"),
            post_logout_redirect_uri=parameters.get("post_logout_redirect_uri"),
            state=state,
            confirm=parameters.get(CONFIRM),
            again=AGAIN in parameters,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutHint:
    """An ID token of ours that passed every check; it may have expired [2]."""

    client_id: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HintPolicy:
    """What a hint has to be: ours, and of the client that the request names, if it names one."""

    issuer: str
    client_id: str | None


def check_issuer(claims: Mapping[str, object], policy: HintPolicy) -> None:
    """`iss` is us [2]."""
    _demand(claims.get("iss") == policy.issuer, "iss")


def check_audience(claims: Mapping[str, object], policy: HintPolicy) -> None:
    """`aud` is one client, and the one that the request names [2]."""
    audience = claims.get("aud")
    _demand(isinstance(audience, str), "aud")
    _demand(policy.client_id in {None, audience}, "aud is another client")


def check_subject(claims: Mapping[str, object], policy: HintPolicy) -> None:
    """`sub` is there."""
    del policy
    _demand(isinstance(claims.get("sub"), str), "sub")


CHECKS: tuple[Callable[[Mapping[str, object], HintPolicy], None], ...] = (
    check_issuer,
    check_audience,
    check_subject,
)


def check_hint(verified: SignedClaims, policy: HintPolicy) -> LogoutHint:
    """Hold an ID token whose signature is ours against every rule but its expiry [2].

    Raises:
        Rejected: `invalid_id_token_hint`.
    """
    for check in CHECKS:
        check(verified.claims, policy)
    return LogoutHint(client_id=str(verified.claims["aud"]), subject=str(verified.claims["sub"]))


def invalid_hint(private: str) -> Rejected:
    """Make the one answer to every hint that does not hold [4]: a page, never a redirect."""
    return Rejected(
        "invalid_id_token_hint",
        "The application could not say whom to sign out. Please sign out there again.",
        private=private,
    )


def logged_out_url(post_logout_redirect_uri: str, *, state: str | None) -> str:
    """Write the address that brings the browser back to the application [3]."""
    if state is None:
        return post_logout_redirect_uri
    return authorization_url(post_logout_redirect_uri, {"state": state})


def _demand(holds: bool, private: str) -> None:  # noqa: FBT001
    if not holds:
        raise invalid_hint(f"id_token_hint: {private}")
