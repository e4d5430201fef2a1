"""Start a login: from an application's request to a redirect to the provider."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.application_request import check_allowed, choose_connection, read_request
from signet.broker.client import Client
from signet.broker.connection import Connection
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
from signet.broker.ports import (
    Clients,
    Clock,
    Connections,
    Entropy,
    Keyrings,
    Logins,
    PushedRequests,
    Together,
)
from signet.broker.provider import Provider
from signet.broker.pushed_request import PushedRequest, pushed_request_id, require_usable
from signet.broker.request_objects import RequestObjects
from signet.broker.request_reference import (
    TYPED_EMAIL,
    carried,
    check_alone,
    check_may_come_by_browser,
    with_typed_email,
)
from signet.broker.single_sign_on import NO_COOKIES, SingleSignOn
from signet.broker.upstream_hints import upstream_hints
from signet.errors import Misconfigured, SignetError
from signet.oauth import pkce
from signet.oauth.authorization_request import (
    MAX_STATE,
    RESPONSE_MODES,
    AuthorizationRequest,
    authorization_url,
)
from signet.oauth.request_uri import PREFIX, reference_of
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
    pushed_requests: PushedRequests
    request_objects: RequestObjects
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
        pushed = self._pushed(parameters, client)
        asked = self.request_objects.read(parameters, client) if pushed is None else {}
        redirect_uri = require_redirect_uri(
            client, pushed.request.redirect_uri if pushed else asked.get("redirect_uri")
        )
        try:
            request = self._request(asked, client, redirect_uri, pushed)
            sealed = carried(parameters, client, pushed)
            typed = parameters if sealed is not None else {}
            (request, connection), session = self.together(
                lambda: self._chosen(request, client, typed), lambda: self.sign_on.find(cookies)
            )
            signed_in = self.sign_on.code(session, request, client, connection, pushed=pushed)
            if signed_in is not None:
                return signed_in
            if connection is None:
                return _ask_for_email(request, parameters, sealed)
            return self._start(request, connection, pushed)
        except SignetError as problem:
            return error_redirection(
                problem,
                redirect_uri=redirect_uri,
                state=pushed.request.state if pushed else _echoed_state(asked),
                issuer=self.issuer,
                response_mode=pushed.request.response_mode if pushed else _answer_mode(asked),
            )

    def _pushed(self, parameters: Mapping[str, str], client: Client) -> PushedRequest | None:
        """Find the pushed request that the browser carries the reference of [RFC 9126 4].

        Raises:
            Rejected: `invalid_request_uri`; it cannot be trusted to say where to redirect.
        """
        request_uri = parameters.get("request_uri")
        if request_uri is None or not request_uri.startswith(PREFIX):
            return None
        check_alone(parameters)
        reference = reference_of(request_uri)
        identifier = pushed_request_id(
            reference or "", issuer=self.issuer, client_id=client.client_id
        )
        pushed = self.pushed_requests.get(identifier) if reference is not None else None
        return require_usable(pushed, now=self.clock.now())

    def _chosen(
        self, request: AuthorizationRequest, client: Client, typed: Mapping[str, str]
    ) -> tuple[AuthorizationRequest, Connection | None]:
        """Choose the connection, by the address that a person typed where nothing else does."""
        connection = choose_connection(self.connections, request, client)
        if connection is None and typed:
            request = with_typed_email(request, typed)
            connection = choose_connection(self.connections, request, client)
        return request, connection

    def _request(
        self,
        parameters: Mapping[str, str],
        client: Client,
        redirect_uri: str,
        pushed: PushedRequest | None,
    ) -> AuthorizationRequest:
        """Read the request: what was pushed, or the browser's parameters, and never both."""
        if pushed is not None:
            check_allowed(pushed.request, client)  # it may have lost a right meanwhile
            return pushed.request
        check_may_come_by_browser(client)
        return read_request(parameters, client=client, redirect_uri=redirect_uri)

    def _start(
        self, request: AuthorizationRequest, connection: Connection, pushed: PushedRequest | None
    ) -> Redirection:
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
            pushed_request=pushed.id if pushed is not None else None,
        )
        metadata = self.provider.metadata(connection)
        parameters = self._parameters(connection, metadata, request, secrets)
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
        self,
        connection: Connection,
        metadata: ProviderMetadata,
        request: AuthorizationRequest,
        secrets: _Secrets,
    ) -> dict[str, str]:
        """Write our authorization request; the connection's own parameters win over the app's."""
        hints = upstream_hints(request, connection, metadata)
        if connection.response_mode != "query":
            hints["response_mode"] = connection.response_mode
        return {
            **hints,
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


def _ask_for_email(
    request: AuthorizationRequest,
    parameters: Mapping[str, str],
    sealed: Mapping[str, str] | None,
) -> AskForEmail:
    """Ask; whoever allows no page was answered before [OIDC Core 3.1.2.1, prompt=none]."""
    unknown = request.login_hint is not None
    if sealed is not None:
        return AskForEmail(parameters=sealed, unknown=unknown, field=TYPED_EMAIL)
    again = {name: value for name, value in parameters.items() if name != "login_hint"}
    return AskForEmail(parameters=again, unknown=unknown)


def _no_pushed_requests() -> Misconfigured:
    return Misconfigured(
        "provider_metadata",
        "The identity provider's metadata cannot be used.",
        private="the connection requires pushed requests, which the provider does not take",
        redirectable=True,
    )


def _answer_mode(parameters: Mapping[str, str]) -> str:
    """An error goes back as the application asked, unless it asked for what there is not."""
    mode = parameters.get("response_mode", "query")
    return mode if mode in RESPONSE_MODES else "query"


def _echoed_state(parameters: Mapping[str, str]) -> str | None:
    state = parameters.get("state")
    return state if state is not None and len(state) <= MAX_STATE else None
