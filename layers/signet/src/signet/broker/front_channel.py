"""What a use case tells the browser to do, and how an error travels back to an application."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.client import Client
from signet.errors import Denied, Misconfigured, Rejected, SignetError, Unavailable
from signet.oauth.authorization_request import authorization_url
from signet.oauth.authorization_response import error_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserCookie:
    """A cookie that binds one login to this browser; an empty value removes it.

    `cross_site` says that it has to come back with a cross-site POST (form_post).
    """

    name: str
    value: str
    max_age: int
    cross_site: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """Send the browser to `url`; `problem` is what went wrong when that is an error answer.

    With a `form`, the browser posts those fields there [OAuth 2.0 Form Post Response Mode].
    """

    url: str
    cookies: tuple[BrowserCookie, ...] = ()
    problem: SignetError | None = None
    form: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForEmail:
    """Ask the person for the work email, and begin again with it.

    `parameters` is the application's request, already checked, to be sent again as it is.
    `unknown` says that an address was given and leads nowhere; `field` names the address.
    """

    parameters: Mapping[str, str]
    unknown: bool
    field: str = "login_hint"


def answer_redirection(
    answer: Mapping[str, str],
    *,
    redirect_uri: str,
    response_mode: str,
    cookies: tuple[BrowserCookie, ...] = (),
    problem: SignetError | None = None,
) -> Redirection:
    """Bring an answer to the application, in the query or as a form that posts itself."""
    if response_mode == "form_post":
        return Redirection(url=redirect_uri, cookies=cookies, problem=problem, form=answer)
    url = authorization_url(redirect_uri, answer)
    return Redirection(url=url, cookies=cookies, problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmLogout:
    """Ask the person whether to sign out; `parameters` are what the page's form sends."""

    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    """Say that nobody is signed in with this browser."""

    cookies: tuple[BrowserCookie, ...] = ()


def error_redirection(
    problem: SignetError,
    *,
    redirect_uri: str,
    state: str | None,
    issuer: str,
    response_mode: str = "query",
    cookies: tuple[BrowserCookie, ...] = (),
) -> Redirection:
    """Bring an error to a redirect URI that was matched with the registration [4.1.2.1]."""
    answer = error_answer(
        error=error_code(problem), description=problem.public, state=state, issuer=issuer
    )
    return answer_redirection(
        answer,
        redirect_uri=redirect_uri,
        response_mode=response_mode,
        cookies=cookies,
        problem=problem,
    )


def error_code(problem: SignetError) -> str:
    """Choose the error code of RFC 6749 4.1.2.1 that an application understands."""
    match problem:
        case Rejected(redirectable=True):
            return problem.code
        case Unavailable():
            return "temporarily_unavailable"
        case Denied():
            return "access_denied"
        case Misconfigured() | _:
            return "server_error"


def require_client(client: Client | None) -> Client:
    """Demand a client that exists and is enabled; both refusals read the same (OP-002).

    Raises:
        Rejected: `unknown_client`; shown on a page, never redirected.
    """
    if client is None or not client.enabled:
        raise Rejected("unknown_client", "This application is not known here.")
    return client


def require_redirect_uri(client: Client, redirect_uri: str | None) -> str:
    """Demand a redirect URI that equals a registered one, byte for byte [RFC 9700 4.1.3].

    Raises:
        Rejected: `unknown_redirect_uri`; shown on a page, never redirected.
    """
    if redirect_uri is None or redirect_uri not in client.redirect_uris:
        raise Rejected(
            "unknown_redirect_uri",
            "The application asked to return to an address that it did not register.",
        )
    return redirect_uri
