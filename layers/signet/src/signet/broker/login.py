"""Start a login: from an application's request to a redirect to the provider."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.broker.email_domain import domain_of
from signet.broker.front_channel import (
    AskForEmail,
    BrowserCookie,
    Redirection,
    error_redirection,
    require_client,
    require_redirect_uri,
)
from signet.broker.healing import Healing
from signet.broker.keyring import missing
from signet.broker.login_record import LoginRecord, cookie_name, hashed
from signet.broker.ports import Clients, Clock, Connections, Entropy, Keyrings, Logins, Together
from signet.broker.provider import Provider
from signet.broker.single_sign_on import NO_COOKIES, SingleSignOn
from signet.errors import Misconfigured, Rejected, SignetError
from signet.oauth import pkce
from signet.oauth.authorization_request import MAX_STATE, AuthorizationRequest, authorization_url
from signet.oidc.discovery import ProviderMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secrets:
    """The values of one login that only the browser, the provider or the record may know."""

    state: str
    browser: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLogin:
    """The use case behind /authorize; `login_ttl` in seconds."""

    issuer: str
    login_ttl: int
    connections: Connections
    clients: Clients
    keyrings: Keyrings
    logins: Logins
    provider: Provider
    healing: Healing
    sign_on: SingleSignOn
    clock: Clock
    entropy: Entropy
    together: Together

    def __call__(
        self, parameters: Mapping[str, str], cookies: Mapping[str, str] = NO_COOKIES
    ) -> Redirection | AskForEmail:
        """Check the request, remember the login, and say where the browser has to go.

        Raises:
            Rejected: the client or its redirect URI is not known, so nothing may be redirected.
        """
        client = require_client(self.clients.get(parameters.get("client_id", "")))
        redirect_uri = require_redirect_uri(client, parameters.get("redirect_uri"))
        try:
            request = AuthorizationRequest.parse(
                parameters, client_id=client.client_id, redirect_uri=redirect_uri
            )
            _check_scope(request, client)
            connection, session = self.together(
                lambda: self._connection(request, client), lambda: self.sign_on.find(cookies)
            )
            signed_in = self.sign_on.code(session, request, client, connection)
            if signed_in is not None:
                return signed_in
            if connection is None:
                return _ask_for_email(request, parameters)
            return self._start(request, connection)
        except SignetError as problem:
            return error_redirection(
                problem,
                redirect_uri=redirect_uri,
                state=_echoed_state(parameters),
                issuer=self.issuer,
            )

    def _connection(self, request: AuthorizationRequest, client: Client) -> Connection | None:
        """Choose by name, by the client's only connection, or by the email domain; else None."""
        name = request.connection
        if name is None and client.connections is not None and len(client.connections) == 1:
            name = client.connections[0]
        if name is None:
            return self._connection_of_domain(request.login_hint, client)
        connection = self.connections.find(name) if client.allows(name) else None
        if connection is None or not connection.enabled:
            # Not allowed, not there and disabled read the same: names of customers do not leak.
            raise _no_connection("This connection is not available.")
        return connection

    def _connection_of_domain(self, login_hint: str | None, client: Client) -> Connection | None:
        domain = domain_of(login_hint) if login_hint is not None else None
        connection = self.connections.find_by_domain(domain) if domain is not None else None
        if connection is None or not connection.enabled or not client.allows(connection.name):
            return None
        return connection

    def _start(self, request: AuthorizationRequest, connection: Connection) -> Redirection:
        now = self.clock.now()
        secrets = _Secrets(
            state=self.entropy.token(),
            browser=self.entropy.token(),
            nonce=self.entropy.token(),
            code_verifier=self.entropy.token(),
        )
        record = LoginRecord(
            state_hash=hashed(secrets.state),
            browser_hash=hashed(secrets.browser),
            connection_id=connection.id,
            issuer=connection.issuer,
            nonce=secrets.nonce,
            code_verifier=secrets.code_verifier,
            request=request,
            started_at=now,
            expires_at=now + self.login_ttl,
        )
        metadata = self.provider.metadata(connection)
        parameters = self._parameters(connection, request, secrets)
        _, url = self.together(
            lambda: self.logins.add(record),
            lambda: self._provider_url(connection, metadata, parameters),
        )
        cookie = BrowserCookie(
            name=cookie_name(secrets.state),
            value=secrets.browser,
            max_age=self.login_ttl,
            cross_site=connection.response_mode == "form_post",
        )
        return Redirection(url=url, cookies=(cookie,))

    def _parameters(
        self, connection: Connection, request: AuthorizationRequest, secrets: _Secrets
    ) -> dict[str, str]:
        """Write our authorization request; the connection's own parameters win over the app's."""
        hints = {
            "login_hint": request.login_hint,
            "prompt": request.prompt,
            "max_age": str(request.max_age) if request.max_age is not None else None,
            "acr_values": request.acr_values,
            "ui_locales": request.ui_locales,
        }
        if connection.response_mode != "query":
            hints["response_mode"] = connection.response_mode
        return {
            **{name: value for name, value in hints.items() if value is not None},
            **connection.upstream_params,
            "response_type": "code",
            "client_id": connection.client_id,
            "redirect_uri": connection.redirect_uri(self.issuer),
            "scope": " ".join(connection.scopes),
            "state": secrets.state,
            "nonce": secrets.nonce,
            "code_challenge": pkce.challenge_of(secrets.code_verifier),
            "code_challenge_method": pkce.METHOD,
        }

    def _provider_url(
        self, connection: Connection, metadata: ProviderMetadata, parameters: Mapping[str, str]
    ) -> str:
        """Push the request where the provider takes it [RFC 9126], else put it in the address."""
        endpoint = metadata.pushed_authorization_request_endpoint
        if endpoint is None and connection.pushed_authorization == "required":
            raise _no_pushed_requests()
        if endpoint is None or connection.pushed_authorization == "never":
            return authorization_url(metadata.authorization_endpoint, parameters)
        keyring = self.keyrings.get(connection.id)
        if keyring is None:
            raise missing(connection.id)
        request_uri = self.healing(
            connection,
            metadata,
            first=self.provider.authenticate(connection, keyring, metadata),
            send=lambda authentication, _: self.provider.push(
                connection, endpoint, parameters=parameters, authentication=authentication
            ),
        )
        return authorization_url(
            metadata.authorization_endpoint,
            {"client_id": connection.client_id, "request_uri": request_uri},
        )


def _ask_for_email(request: AuthorizationRequest, parameters: Mapping[str, str]) -> AskForEmail:
    """Ask; whoever allows no page was answered before [OIDC Core 3.1.2.1, prompt=none]."""
    again = {name: value for name, value in parameters.items() if name != "login_hint"}
    return AskForEmail(parameters=again, unknown=request.login_hint is not None)


def _no_pushed_requests() -> Misconfigured:
    return Misconfigured(
        "provider_metadata",
        "The identity provider's metadata cannot be used.",
        private="the connection requires pushed requests, which the provider does not take",
        redirectable=True,
    )


def _check_scope(request: AuthorizationRequest, client: Client) -> None:
    if not set(request.scope) <= set(client.scopes):
        raise Rejected(
            "invalid_scope", "The application may not ask for this scope.", redirectable=True
        )


def _echoed_state(parameters: Mapping[str, str]) -> str | None:
    state = parameters.get("state")
    return state if state is not None and len(state) <= MAX_STATE else None


def _no_connection(public: str) -> Rejected:
    return Rejected("invalid_request", public, redirectable=True)
