"""Token requests from applications [RFC 6749 4.1.3; RFC 7521 4.2]."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.errors import Denied, Rejected
from signet.oauth.client_assertion import ASSERTION_TYPE, invalid_client

AUTHORIZATION_CODE = "authorization_code"
CLIENT_CREDENTIALS = "client_credentials"
REFRESH_TOKEN = "refresh_token"  # noqa: S105  (a grant type's name)
OFFLINE_ACCESS = "offline_access"
_CODE_LIMIT = 512
# Longer than any assertion that can pass; a bound before the first byte is parsed.
_ASSERTION_LIMIT = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """What a client sent to authenticate with: an assertion, and perhaps its id beside it."""

    unverified_assertion: str
    client_id: str | None

    @classmethod
    def parse(
        cls, parameters: Mapping[str, str], *, authorization: str | None
    ) -> "ClientCredentials":
        """Demand exactly one method, `private_key_jwt` [RFC 6749 2.3; OIDC Core 9].

        Raises:
            Denied: `invalid_client`.
        """
        if authorization is not None or "client_secret" in parameters:
            raise _secret_refused()
        if parameters.get("client_assertion_type") != ASSERTION_TYPE:
            raise invalid_client("client_assertion_type is absent or of another method")
        assertion = parameters.get("client_assertion")
        if assertion is None or len(assertion) > _ASSERTION_LIMIT:
            raise invalid_client("client_assertion is absent or too long")
        return cls(unverified_assertion=assertion, client_id=parameters.get("client_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRedemption:
    """The parameters of an authorization_code request."""

    code: str
    redirect_uri: str
    code_verifier: str

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "CodeRedemption":
        """Read a redemption; call it only once the client is authenticated.

        Raises:
            Rejected: `invalid_request` for an absent parameter; `invalid_grant` for a code that
                cannot be one of ours.
        """
        code = _required(parameters, "code")
        if len(code) > _CODE_LIMIT:
            raise Rejected("invalid_grant", "The code is not valid.")
        return cls(
            code=code,
            redirect_uri=_required(parameters, "redirect_uri"),
            code_verifier=_required(parameters, "code_verifier"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRequest:
    """The parameters of a refresh_token request; `scope` is what it asks for, if it does."""

    token: str
    scope: str | None

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "RefreshRequest":
        """Read a refresh; call it only once the client is authenticated [RFC 6749 6].

        Raises:
            Rejected: `invalid_request` for an absent parameter.
        """
        return cls(token=_required(parameters, "refresh_token"), scope=parameters.get("scope"))


def narrowed_scope(asked: str | None, *, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Settle the scope of a refresh: all that was granted, or the part that is asked for [6].

    Raises:
        Rejected: `invalid_scope`: something was not granted.
    """
    if asked is None:
        return granted
    scope = tuple(dict.fromkeys(asked.split(" ")))
    if not set(scope) <= set(granted):
        raise Rejected("invalid_scope", "The scope is more than what was granted.")
    return scope


def grant_type(parameters: Mapping[str, str]) -> str:
    """Return the grant type [RFC 6749 4.1.3].

    Raises:
        Rejected: `invalid_request` when absent, `unsupported_grant_type` for another.
    """
    value = _required(parameters, "grant_type")
    if value != AUTHORIZATION_CODE:
        raise Rejected("unsupported_grant_type", "This grant type is not supported.")
    return value


def _required(parameters: Mapping[str, str], name: str) -> str:
    value = parameters.get(name)
    if value is None:
        raise Rejected("invalid_request", f"{name} is required.")
    return value


def _secret_refused() -> Denied:
    return Denied(
        "invalid_client",
        "Clients authenticate with private_key_jwt; no client here has a secret.",
        private="another authentication method was sent",
    )
