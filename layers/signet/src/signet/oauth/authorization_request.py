"""Authorization requests: read an application's, write our own to a provider [RFC 6749 4.1.1]."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from signet.errors import Rejected
from signet.jose.thumbprint import is_thumbprint
from signet.oauth import pkce
from signet.oauth.claims_parameter import RequestedClaims
from signet.oauth.parameters import encode

MAX_STATE = 2_048
MAX_NONCE = 512
MAX_HINT = 320  # an email address is at most 320 characters [RFC 5321]
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
RESPONSE_MODES = ("query", "form_post")
_MAX_AGE_LIMIT = 10_000_000
_ACR_VALUES = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
_UI_LOCALES = re.compile(r"[A-Za-z0-9-]+( [A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """An application's authorization request whose every parameter was checked.

    `client_id` and `redirect_uri` were matched with the registration before this could be made.
    """

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    state: str | None
    nonce: str | None
    code_challenge: str
    connection: str | None
    login_hint: str | None
    prompt: tuple[str, ...]
    max_age: int | None
    acr_values: str | None
    ui_locales: str | None
    claims: RequestedClaims = field(default_factory=RequestedClaims)
    response_mode: str = "query"
    dpop_jkt: str | None = None

    @classmethod
    def parse(
        cls, parameters: Mapping[str, str], *, client_id: str, redirect_uri: str
    ) -> "AuthorizationRequest":
        """Check the parameters of a request whose client and redirect URI are already trusted.

        Raises:
            Rejected: with the code of RFC 6749 4.1.2.1 or OIDC Core 3.1.2.6, redirectable.
        """
        _check_response_type(parameters)
        _check_unsupported(parameters)
        return cls(
            client_id=client_id,
            redirect_uri=redirect_uri,
            scope=_scope(parameters),
            state=_bounded(parameters, "state", MAX_STATE),
            nonce=_bounded(parameters, "nonce", MAX_NONCE),
            code_challenge=pkce.check_challenge(
                challenge=parameters.get("code_challenge"),
                method=parameters.get("code_challenge_method"),
            ),
            connection=_bounded(parameters, "connection", 64),
            login_hint=_bounded(parameters, "login_hint", MAX_HINT),
            prompt=_prompt(parameters),
            max_age=_max_age(parameters),
            acr_values=_list(parameters, "acr_values", 512, _ACR_VALUES),
            ui_locales=_list(parameters, "ui_locales", 128, _UI_LOCALES),
            claims=RequestedClaims.parse(parameters.get("claims")),
            response_mode=parameters.get("response_mode", "query"),
            dpop_jkt=_dpop_jkt(parameters),
        )


def authorization_url(endpoint: str, parameters: Mapping[str, str]) -> str:
    """Write the address that a browser is sent to, keeping the endpoint's own query [3.1]."""
    separator = "&" if urlsplit(endpoint).query else "?"
    return f"{endpoint}{separator}{encode(parameters)}"


def _check_response_type(parameters: Mapping[str, str]) -> None:
    response_type = parameters.get("response_type")
    if response_type is None:
        raise _refused("invalid_request", "response_type is required.")
    if response_type != "code":
        raise _refused("unsupported_response_type", "Only response_type=code is supported.")
    if parameters.get("response_mode", "query") not in RESPONSE_MODES:
        raise _refused("invalid_request", "response_mode has to be query or form_post.")


def _check_unsupported(parameters: Mapping[str, str]) -> None:
    # Silently ignoring these would drop what the application asked to have protected.
    if "request" in parameters:
        raise _refused("request_not_supported", "Request objects are not supported.")
    if "request_uri" in parameters:
        raise _refused("request_uri_not_supported", "request_uri is not supported.")


def _scope(parameters: Mapping[str, str]) -> tuple[str, ...]:
    scope = tuple(dict.fromkeys(parameters.get("scope", "").split(" ")))
    if "openid" not in scope:
        raise _refused("invalid_scope", "The scope must contain openid.")
    return tuple(name for name in scope if name)


def _prompt(parameters: Mapping[str, str]) -> tuple[str, ...]:
    prompt = parameters.get("prompt")
    if prompt is None:
        return ()
    values = tuple(dict.fromkeys(prompt.split(" ")))
    if not set(values) <= PROMPTS or ("none" in values and len(values) > 1):
        raise _refused("invalid_request", "prompt has a value that is not supported.")
    return values


def _max_age(parameters: Mapping[str, str]) -> int | None:
    text = parameters.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9):  # noqa: PLR2004
        raise _refused("invalid_request", "max_age must be a number of seconds.")
    return min(int(text), _MAX_AGE_LIMIT)


def _list(
    parameters: Mapping[str, str], name: str, limit: int, form: re.Pattern[str]
) -> str | None:
    value = _bounded(parameters, name, limit)
    if value is not None and not form.fullmatch(value):
        raise _refused("invalid_request", f"{name} is not a list of values with single spaces.")
    return value


def _dpop_jkt(parameters: Mapping[str, str]) -> str | None:
    """Read the thumbprint of the key that the code is to be bound to [RFC 9449 10]."""
    jkt = parameters.get("dpop_jkt")
    if jkt is not None and not is_thumbprint(jkt):
        raise _refused("invalid_request", "dpop_jkt is not a SHA-256 in base64url.")
    return jkt


def _bounded(parameters: Mapping[str, str], name: str, limit: int) -> str | None:
    value = parameters.get(name)
    if value is not None and len(value) > limit:
        raise _refused("invalid_request", f"{name} is longer than {limit} characters.")
    return value


def _refused(code: str, public: str) -> Rejected:
    return Rejected(code, public, redirectable=True)
