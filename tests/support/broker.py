"""The whole broker on in-memory ports: a login in one process, without sockets or patches."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from signet.adapters.recent import RecentKeyrings
from signet.broker.callback import FinishLogin
from signet.broker.client import Client
from signet.broker.client_authentication import ClientAuthentication
from signet.broker.connection import Connection
from signet.broker.current_keys import CurrentKeys
from signet.broker.deployment import InitializeDeployment
from signet.broker.front_channel import Redirection
from signet.broker.healing import Healing
from signet.broker.introspection import IntrospectToken
from signet.broker.key_creation import KeyCreation
from signet.broker.login import StartLogin
from signet.broker.logout import Logout
from signet.broker.logout_sending import SendLogout
from signet.broker.presented_token import PresentedTokens
from signet.broker.probe import ProviderProbe
from signet.broker.proof_nonces import TimedNonces
from signet.broker.proofs import Proofs
from signet.broker.protected_resource import ProtectedResource
from signet.broker.provider import Provider
from signet.broker.provider_logout import ProviderLogout
from signet.broker.reaper import Reaper
from signet.broker.redemption import RedeemCode
from signet.broker.refresh import Refresh
from signet.broker.refresh_token import Lifetimes
from signet.broker.registration import Registration
from signet.broker.remote_keys import RemoteKeys
from signet.broker.request_objects import RequestObjects
from signet.broker.request_pushing import PushRequest
from signet.broker.revocation import RevokeToken
from signet.broker.rotation import Bounds
from signet.broker.rotator import Rotator
from signet.broker.session_end import EndSessions
from signet.broker.single_sign_on import SingleSignOn
from signet.broker.unusable_keys import UnusableKeys
from signet.broker.upstream_logout import UpstreamLogout
from signet.broker.user_authentication import UserAuthentication
from signet.broker.userinfo import ReadUserinfo
from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey, sign
from signet.oauth import pkce
from signet.oauth.client_assertion import ASSERTION_TYPE
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.canned_provider import CannedProvider
from tests.support.memory import (
    CountingEntropy,
    FixedClock,
    MemoryAudit,
    MemoryClients,
    MemoryConnections,
    MemoryGrants,
    MemoryKeyrings,
    MemoryLogins,
    MemoryLogoutNotices,
    MemoryNonceSeeds,
    MemoryNotices,
    MemoryPushedRequests,
    MemoryRateLimits,
    MemoryReplay,
    MemoryRequests,
    MemorySessions,
    one_after_the_other,
)
from tests.support.software_kms import SoftwareKms

ISSUER = "https://login.example"
BOUNDS = Bounds(
    propagation=100, retention=200, rotation=1_000, verifier_cache=100, signer_cache=30, grace=61
)
LIFETIMES = Lifetimes(absolute=2_592_000, idle=604_800)
REDIRECT_URI = "https://app.example/cb"
VERIFIER = "v" * 43


@dataclass
class Broker:
    """Everything on one desk. Attributes are the real use cases over in-memory ports.

    `signer_cache` is for how many seconds a login remembers a keyring: S, and 0 unless a test asks.
    """

    clock: FixedClock = field(default_factory=FixedClock)
    kms: SoftwareKms = field(default_factory=SoftwareKms)
    entropy: CountingEntropy = field(default_factory=CountingEntropy)
    signer_cache: int = 0
    session_seconds: int = 28_800
    session_idle: int = 3_600

    def _pause(self, seconds: float) -> None:
        """Wait without time going on, so that what a test expects of times holds."""
        del seconds
        self.limits.taken.clear()

    def __post_init__(self) -> None:
        self.idp = CannedProvider(self.clock)
        self.keyrings = MemoryKeyrings()
        self.connections = MemoryConnections(self.keyrings)
        self.clients = MemoryClients()
        self.logins = MemoryLogins()
        self.pushed_requests = MemoryPushedRequests()
        self.grants = MemoryGrants()
        self.sessions = MemorySessions()
        self.replay = MemoryReplay()
        self.nonce_seeds = MemoryNonceSeeds()
        self.notices = MemoryNotices()
        self.audit = MemoryAudit()
        self.limits = MemoryRateLimits()
        self.recent_keyrings = RecentKeyrings(
            self.keyrings, seconds=self.signer_cache, clock=self.clock
        )
        self.keys = CurrentKeys(
            kms=self.kms,
            keyrings=self.recent_keyrings,
            unusable=UnusableKeys(
                limits=self.limits,
                audit=self.audit,
                announcements=self.audit,
                clock=self.clock,
            ),
        )
        self.provider = Provider(
            fetcher=self.idp,
            keys=self.keys,
            audit=self.audit,
            clock=self.clock,
            entropy=self.entropy,
            together=one_after_the_other,
            notices=self.notices,
        )
        healing = Healing(provider=self.provider, announcements=self.audit, clock=self.clock)
        self.requests = MemoryRequests()
        self.creation = KeyCreation(
            stack="test",
            kms=self.kms,
            limits=self.limits,
            clock=self.clock,
            entropy=self.entropy,
            pause=self._pause,
        )
        self.registration = Registration(
            issuer=ISSUER,
            allow_loopback=False,
            connections=self.connections,
            clients=self.clients,
            destinations=self.idp,
            creation=self.creation,
            clock=self.clock,
            entropy=self.entropy,
        )
        self.rotator = Rotator(
            bounds=BOUNDS,
            connections=self.connections,
            keyrings=self.keyrings,
            creation=self.creation,
            probe=ProviderProbe(
                issuer=ISSUER,
                provider=self.provider,
                fetcher=self.idp,
                entropy=self.entropy,
                notices=self.notices,
            ),
            limits=self.limits,
            requests=self.requests,
            audit=self.audit,
            announcements=self.audit,
            clock=self.clock,
            entropy=self.entropy,
        )
        self.reaper = Reaper(
            stack="test",
            bounds=BOUNDS,
            connections=self.connections,
            keyrings=self.keyrings,
            kms=self.kms,
            audit=self.audit,
            announcements=self.audit,
            clock=self.clock,
        )
        self.initialize = InitializeDeployment(
            issuer_key_id=self.kms.create_key(algorithm=algorithm("RS256"), tags={}),
            admin_jwks=None,
            keyrings=self.keyrings,
            keyring_registry=self.keyrings,
            clients=self.clients,
            nonce_seeds=self.nonce_seeds,
            kms=self.kms,
            clock=self.clock,
            entropy=self.entropy,
        )
        objects = RequestObjects(
            issuer=ISSUER,
            keys=RemoteKeys(fetcher=self.idp, clock=self.clock),
            clock=self.clock,
        )
        self.sign_on = SingleSignOn(
            issuer=ISSUER,
            code_ttl=60,
            seconds=self.session_seconds,
            idle_seconds=self.session_idle,
            sessions=self.sessions,
            pushed_requests=self.pushed_requests,
            connections=self.connections,
            grants=self.grants,
            clock=self.clock,
            entropy=self.entropy,
            together=one_after_the_other,
        )
        self.start = StartLogin(
            issuer=ISSUER,
            login_ttl=600,
            connections=self.connections,
            clients=self.clients,
            keyrings=self.recent_keyrings,
            logins=self.logins,
            pushed_requests=self.pushed_requests,
            request_objects=objects,
            provider=self.provider,
            healing=healing,
            sign_on=self.sign_on,
            clock=self.clock,
            entropy=self.entropy,
            together=one_after_the_other,
        )
        self.finish = FinishLogin(
            issuer=ISSUER,
            code_ttl=60,
            connections=self.connections,
            clients=self.clients,
            logins=self.logins,
            pushed_requests=self.pushed_requests,
            sign_on=self.sign_on,
            users=UserAuthentication(
                issuer=ISSUER,
                keyrings=self.recent_keyrings,
                provider=self.provider,
                healing=healing,
                clock=self.clock,
                together=one_after_the_other,
            ),
            clock=self.clock,
            entropy=self.entropy,
            together=one_after_the_other,
        )
        self.authentication = ClientAuthentication(
            issuer=ISSUER,
            clients=self.clients,
            keys=RemoteKeys(fetcher=self.idp, clock=self.clock),
            replay=self.replay,
            clock=self.clock,
        )
        self.proofs = Proofs(
            issuer=ISSUER,
            replay=self.replay,
            nonces=TimedNonces(seeds=self.nonce_seeds, clock=self.clock),
            clock=self.clock,
        )
        self.push = PushRequest(
            issuer=ISSUER,
            authentication=self.authentication,
            proofs=self.proofs,
            connections=self.connections,
            pushed_requests=self.pushed_requests,
            request_objects=objects,
            clock=self.clock,
            entropy=self.entropy,
            together=one_after_the_other,
        )
        self.redeem = RedeemCode(
            issuer=ISSUER,
            authentication=self.authentication,
            proofs=self.proofs,
            connections=self.connections,
            keyrings=self.recent_keyrings,
            grants=self.grants,
            keys=self.keys,
            lifetimes=LIFETIMES,
            audit=self.audit,
            clock=self.clock,
            entropy=self.entropy,
            together=one_after_the_other,
        )
        self.logout_notices = MemoryLogoutNotices()
        self.end_sessions = EndSessions(
            sessions=self.sessions,
            grants=self.grants,
            clients=self.clients,
            notices=self.logout_notices,
        )
        self.logout = Logout(
            issuer=ISSUER,
            sessions=self.sessions,
            clients=self.clients,
            keyrings=self.keyrings,
            end=self.end_sessions,
            upstream=UpstreamLogout(
                issuer=ISSUER,
                connections=self.connections,
                provider=self.provider,
                entropy=self.entropy,
            ),
        )
        self.provider_logout = ProviderLogout(
            connections=self.connections,
            provider=self.provider,
            replay=self.replay,
            sessions=self.sessions,
            end=self.end_sessions,
            clock=self.clock,
        )
        self.send_logout = SendLogout(
            issuer=ISSUER,
            clients=self.clients,
            keyrings=self.recent_keyrings,
            keys=self.keys,
            audit=self.audit,
            fetcher=self.idp,
            clock=self.clock,
            entropy=self.entropy,
        )
        self.refresh = Refresh(
            issuer=ISSUER,
            authentication=self.authentication,
            proofs=self.proofs,
            clients=self.clients,
            connections=self.connections,
            grants=self.grants,
            tokens=self.redeem,
            lifetimes=LIFETIMES,
            audit=self.audit,
            clock=self.clock,
            entropy=self.entropy,
            together=one_after_the_other,
        )
        presented = PresentedTokens(issuer=ISSUER, keyrings=self.keyrings, grants=self.grants)
        self.revoke = RevokeToken(
            issuer=ISSUER,
            authentication=self.authentication,
            presented=presented,
            grants=self.grants,
            clock=self.clock,
            together=one_after_the_other,
        )
        self.introspect = IntrospectToken(
            issuer=ISSUER,
            authentication=self.authentication,
            presented=presented,
            clients=self.clients,
            connections=self.connections,
            clock=self.clock,
            together=one_after_the_other,
        )
        self.resource = ProtectedResource(
            issuer=ISSUER,
            clients=self.clients,
            keyrings=self.keyrings,
            proofs=self.proofs,
            clock=self.clock,
        )
        self.userinfo = ReadUserinfo(
            resource=self.resource,
            connections=self.connections,
            grants=self.grants,
            together=one_after_the_other,
        )
        self.initialize()

    # --- a connection, an application, and the steps of a login ---

    def connect(self, name: str = "acme", **members: object) -> Connection:
        document = {"name": name, "strategy": "oidc", "issuer": PROVIDER, "client_id": "signet"}
        return self.registration.create_connection({**document, **members})

    def register_app(self, **members: object) -> "App":
        app = App(self)
        document = {
            "client_id": "app",
            "name": "App",
            "redirect_uris": [REDIRECT_URI],
            "jwks": {"keys": [app.jwk]},
            **members,
        }
        app.client = self.registration.register_client(document)
        return app

    def callback(
        self, connection: Connection, started: "Started", **changes: str | None
    ) -> Redirection:
        members = {"code": "upstream-code", "state": started.state, "iss": PROVIDER, **changes}
        present = {name: value for name, value in members.items() if value is not None}
        return self.finish(connection.id, present, started.cookies)


@dataclass
class Started:
    """A login that is at the provider."""

    state: str
    cookies: dict[str, str]
    query: dict[str, str]


class App:
    """A plain OIDC client with its own key."""

    client: Client

    def __init__(self, broker: Broker, client_id: str = "app") -> None:
        self.broker = broker
        self.client_id = client_id
        self.kms = SoftwareKms()
        key_id = self.kms.create_key(algorithm=algorithm("ES256"), tags={})
        self.jwk = PublicJwk.from_der(self.kms.public_key(key_id), alg="ES256").as_dict()
        self.key = SigningKey(kid=self.jwk["kid"], alg="ES256", key_id=key_id, signer=self.kms)
        self._count = 0

    def request(self, **changes: str | None) -> dict[str, str]:
        members = {
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "openid profile email",
            "state": "app-state",
            "nonce": "app-nonce",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "connection": "acme",
            **changes,
        }
        return {name: value for name, value in members.items() if value is not None}

    def begin(self, **changes: str | None) -> Started:
        return self.started(self.broker.start(self.request(**changes)))

    def started(self, redirection: object) -> Started:
        assert isinstance(redirection, Redirection)
        assert redirection.problem is None, redirection.problem
        query = self.broker.idp.visit(redirection.url)
        cookies = {cookie.name: cookie.value for cookie in redirection.cookies}
        return Started(state=query["state"], cookies=cookies, query=query)

    def login(self, connection: Connection) -> str:
        """Go through a whole login and return the code."""
        redirection = self.broker.callback(connection, self.begin(connection=connection.name))
        return answer_of(redirection)["code"]

    def assertion(self, *, typ: str | None = "JWT", **changes: object) -> str:
        self._count += 1
        now = self.broker.clock.now()
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": f"{self.client_id}-{self._count}",
            **changes,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return sign(present, key=self.key, typ=typ).compact

    def push(self, **changes: str | None) -> str:
        """Push a request, and return its request_uri."""
        pushed = self.broker.push(self.push_parameters(**changes), authorization=None)
        return str(pushed["request_uri"])

    def push_parameters(self, **changes: str | None) -> dict[str, str]:
        authentication = {"client_assertion_type": ASSERTION_TYPE, **changes}
        if "client_assertion" not in changes:
            authentication["client_assertion"] = self.assertion()
        return self.request(**authentication)

    def open(self, request_uri: str, **query: str) -> "Started":
        """Open the address of a pushed request in a new browser."""
        carried = {"client_id": self.client_id, "request_uri": request_uri, **query}
        return self.started(self.broker.start(carried))

    def request_object(self, *, typ: str | None = "oauth-authz-req+jwt", **changes: object) -> str:
        """Sign a request; changes are of its claims and of its parameters."""
        now = self.broker.clock.now()
        claims = {
            "iss": self.client_id,
            "aud": ISSUER,
            "nbf": now,
            "exp": now + 300,
            **self.request(),
            **changes,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return sign(present, key=self.key, typ=typ).compact

    def token_parameters(self, code: str, **changes: str | None) -> dict[str, str]:
        members = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
            "client_assertion_type": ASSERTION_TYPE,
            **changes,
        }
        if "client_assertion" not in changes:
            members["client_assertion"] = self.assertion()
        return {name: value for name, value in members.items() if value is not None}

    def redeem(self, code: str, **changes: str | None) -> dict[str, object]:
        return self.broker.redeem(self.token_parameters(code, **changes), authorization=None)

    def login_offline(self, connection: Connection, **changes: str) -> dict[str, object]:
        """Go through a login that asks for a refresh token, and redeem its code."""
        scope = changes.get("scope", "openid profile email offline_access")
        begun = self.begin(connection=connection.name, scope=scope)
        return self.redeem(answer_of(self.broker.callback(connection, begun))["code"])

    def refresh(self, token: object, **changes: str | None) -> dict[str, object]:
        parameters = self.authenticated(
            grant_type="refresh_token", refresh_token=str(token), **changes
        )
        return self.broker.refresh(parameters, authorization=None)

    def revoke(self, token: object, **changes: str | None) -> None:
        self.broker.revoke(self.authenticated(token=str(token), **changes), authorization=None)

    def introspect(self, token: object, **changes: str | None) -> dict[str, object]:
        parameters = self.authenticated(token=str(token), **changes)
        return dict(self.broker.introspect(parameters, authorization=None))

    def authenticated(self, **members: str | None) -> dict[str, str]:
        """Write a form with a fresh assertion in it."""
        form = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
            **members,
        }
        return {name: value for name, value in form.items() if value is not None}


def answer_of(redirection: Redirection) -> dict[str, str]:
    """Read what a redirection brings to the application."""
    assert redirection.url.startswith(REDIRECT_URI + "?"), redirection.url
    return {name: v[0] for name, v in parse_qs(urlsplit(redirection.url).query).items()}
