"""Hold a finished login against what its application asked for [OIDC Core 3.1.2.1, 5.5.1.1].

A provider may ignore every hint; the application shall not have to notice by itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signet.errors import Rejected
from signet.oauth.authorization_request import AuthorizationRequest

CLOCK_SKEW = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedLogin:
    """What is known of a login: `claims` of the provider's verified ID token, our own `subject`.

    `started_at` in unix seconds is when the browser was sent to the provider.
    """

    claims: Mapping[str, object]
    subject: str
    started_at: int


def check_max_age(login: FinishedLogin, request: AuthorizationRequest) -> None:
    """The person authenticated at most `max_age` seconds before this login began.

    A provider that does not say when gives no ground to believe it.
    """
    if request.max_age is None:
        return
    auth_time = _auth_time(login)
    if auth_time is None or auth_time < login.started_at - request.max_age - CLOCK_SKEW:
        raise _login_required()


def check_fresh(login: FinishedLogin, request: AuthorizationRequest) -> None:
    """After prompt=login, what the provider tells of the time is of this very login."""
    auth_time = _auth_time(login)
    if "login" not in request.prompt or auth_time is None:
        return
    if auth_time < login.started_at - CLOCK_SKEW:
        raise _login_required()


def check_subject(login: FinishedLogin, request: AuthorizationRequest) -> None:
    """Nobody else than the subject that was asked for signs in."""
    if request.claims.subject not in {None, login.subject}:
        raise _login_required()


def check_context_class(login: FinishedLogin, request: AuthorizationRequest) -> None:
    """An essential acr is reached, or the login fails."""
    essential = request.claims.essential_acr
    if essential and login.claims.get("acr") not in essential:
        raise Rejected(
            "unmet_authentication_requirements",
            "The sign-in was not as strong as the application demands.",
            redirectable=True,
        )


CHECKS: tuple[Callable[[FinishedLogin, AuthorizationRequest], None], ...] = (
    check_max_age,
    check_fresh,
    check_subject,
    check_context_class,
)


def check_requested(login: FinishedLogin, request: AuthorizationRequest) -> None:
    """Hold a login against every condition of its request.

    Raises:
        Rejected: `login_required` or `unmet_authentication_requirements`, redirectable.
    """
    for check in CHECKS:
        check(login, request)


def _auth_time(login: FinishedLogin) -> int | None:
    value = login.claims.get("auth_time")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _login_required() -> Rejected:
    return Rejected("login_required", "The person has to sign in again.", redirectable=True)
