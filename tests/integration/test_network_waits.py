"""What a request waits for when everything is warm: real use cases, adapters and composition.

No clock is read: every request to AWS is seen as it is sent, every request to the provider as
the fetcher makes it, and each stands in a row or beside another one.
"""

import importlib.util
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.loopback_provider import CLIENT_ID, LoopbackProvider
from tests.support.memory import FixedClock
from tests.support.proofs import Prover
from tests.support.software_kms import SoftwareKms
from tests.support.waits import Row, Waits, WatchedFetcher

if TYPE_CHECKING:
    from signet.broker.connection import Connection

from signet import wiring as deployed_wiring
from signet.broker.front_channel import Redirection
from signet.broker.single_sign_on import NO_COOKIES
from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey, sign
from signet.oauth import pkce
from signet.oauth.client_assertion import ASSERTION_TYPE
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.process import EmulatedAws
from signet_local.emulated_aws.resources import create_resources
from signet_local.template import Template

ISSUER = "http://127.0.0.1:1"
APP = "https://app.example/cb"
VERIFIER = "v" * 43


@dataclass
class Deployment:
    """A deployment that is warm: one login went through it, and no time passes."""

    wiring: ModuleType
    provider: LoopbackProvider
    clock: FixedClock
    waits: Waits

    def __post_init__(self) -> None:
        self.wiring.initialize_deployment()()
        kms = SoftwareKms()
        key_id = kms.create_key(algorithm=algorithm("ES256"), tags={})
        jwk = PublicJwk.from_der(kms.public_key(key_id), alg="ES256").as_dict()
        self._key = SigningKey(kid=jwk["kid"], alg="ES256", key_id=key_id, signer=kms)
        self._assertions = 0
        self.prover = Prover()
        registration = self.wiring.registration()
        registration.register_client(
            {
                "client_id": "app",
                "name": "App",
                "redirect_uris": [APP],
                "jwks": {"keys": [jwk]},
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
                "scopes": ["openid", "profile", "email", "offline_access", "clients:read"],
            }
        )
        registration.register_client(
            {
                "client_id": "manager",
                "name": "Manager",
                "grant_types": ["client_credentials"],
                "scopes": ["connections:read"],
                "jwks": {"keys": [jwk]},
            }
        )
        self.connection: Connection = registration.create_connection(
            {
                "name": "acme",
                "strategy": "oidc",
                "issuer": self.provider.issuer,
                "client_id": CLIENT_ID,
            }
        )
        self.userinfo(self.redeem(self.finish(self.start())))

    def session(self) -> dict[str, str]:
        """Sign in, and return the browser's cookie."""
        cookies = self.finish(self.start()).cookies
        return {cookie.name: cookie.value for cookie in cookies if cookie.value}

    def start(self, session: Mapping[str, str] = NO_COOKIES, **query: str) -> Redirection:
        redirection: Redirection = self.wiring.start_login()(query or self.request(), session)
        assert redirection.problem is None, redirection.problem
        return redirection

    def request(self, scope: str = "openid profile email") -> dict[str, str]:
        return {
            "client_id": "app",
            "redirect_uri": APP,
            "response_type": "code",
            "scope": scope,
            "state": "app-state",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "connection": "acme",
        }

    def push(self, *, dpop: str | None = None) -> str:
        pushed = self.wiring.push_request()(
            {**self.request(), **self.authentication()}, authorization=None, dpop=dpop
        )
        return str(pushed["request_uri"])

    def finish(self, started: Redirection, session: Mapping[str, str] = NO_COOKIES) -> Redirection:
        cookies = {**session, **{cookie.name: cookie.value for cookie in started.cookies}}
        answer = self.provider.visit(started.url)
        redirection: Redirection = self.wiring.finish_login()(self.connection.id, answer, cookies)
        assert redirection.problem is None, redirection.problem
        return redirection

    def redeem(self, finished: Redirection, *, dpop: str | None = None) -> dict[str, Any]:
        return self.token(
            "authorization_code",
            dpop=dpop,
            code=parse_qs(urlsplit(finished.url).query)["code"][0],
            redirect_uri=APP,
            code_verifier=VERIFIER,
        )

    def offline(self) -> dict[str, Any]:
        """Log in for good: the tokens have a refresh token among them."""
        return self.redeem(self.finish(self.start(**self.request("openid offline_access"))))

    def token(
        self, grant_type: str, *, dpop: str | None = None, by: str = "app", **members: str
    ) -> dict[str, Any]:
        form = {"grant_type": grant_type, **members, **self.authentication(by)}
        tokens: dict[str, Any] = self.wiring.token_request(grant_type)(
            form, authorization=None, dpop=dpop
        )
        return tokens

    def authentication(self, client_id: str = "app") -> dict[str, str]:
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(client_id),
        }

    def client_token(self, *, dpop: str | None = None) -> dict[str, Any]:
        return self.token("client_credentials", dpop=dpop, by="manager")

    def userinfo(self, tokens: Mapping[str, Any], *, dpop: str | None = None) -> dict[str, object]:
        authorization = f"{tokens['token_type']} {tokens['access_token']}"
        claims: dict[str, object] = self.wiring.read_userinfo()(authorization, dpop=dpop)
        return claims

    def proof(self, method: str, path: str, **changes: Any) -> str:
        return self.prover.proof(method, f"{ISSUER}{path}", iat=self.clock.now(), **changes)

    def _assertion(self, client_id: str = "app") -> str:
        self._assertions += 1
        now = self.clock.now()
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": f"jti-{self._assertions}",
        }
        return sign(claims, key=self._key, typ="JWT").compact


@pytest.fixture(scope="module")
def settings() -> Iterator[dict[str, str]]:
    aws = EmulatedAws()
    aws.start()
    try:
        made = create_resources(Template.read(), endpoint=aws.endpoint, region=REGION)
        yield {
            **aws.environment(),
            **made,
            "SIGNET_ISSUER": ISSUER,
            "SIGNET_ALLOW_LOOPBACK": "1",
        }
    finally:
        aws.stop()


@pytest.fixture(scope="module")
def deployment(settings: dict[str, str]) -> Iterator[Deployment]:
    clock, waits = FixedClock(), Waits()
    with pytest.MonkeyPatch.context() as patch, LoopbackProvider(clock, par=True) as provider:
        for name, value in settings.items():
            patch.setenv(name, value)
        wiring = _wiring_of_its_own()
        # The composition is the deployed one, but for time, and for what is watched.
        vars(wiring).update(
            _clock=lambda: clock,
            _together=lambda: waits.together,
            _fetcher=_always(WatchedFetcher(wiring._fetcher(), waits)),
        )
        waits.watch_aws(wiring._database()._client)
        waits.watch_aws(wiring._kms()._client)
        yield Deployment(wiring=wiring, provider=provider, clock=clock, waits=waits)


def test_a_warm_callback_waits_three_times_in_a_row(deployment: Deployment) -> None:
    started = deployment.start()

    with deployment.waits.trace() as row:
        deployment.finish(started)

    assert row.depth() == 3
    assert str(row) == (
        "(DeleteItem LoginsTable ∥ Sign) → (TransactWriteItems EventsTable ∥ POST /token)"
        " → (PutItem GrantsTable ∥ TransactWriteItems SessionsTable)"
    )


def test_a_sign_in_of_a_browser_that_has_a_session_waits_no_longer(
    deployment: Deployment,
) -> None:
    session = deployment.session()
    started = deployment.start()

    with deployment.waits.trace() as row:
        deployment.finish(started, session)

    assert row.depth() == 3
    assert str(row) == (
        "((DeleteItem LoginsTable ∥ GetItem SessionsTable) ∥ Sign)"
        " → (TransactWriteItems EventsTable ∥ POST /token)"
        " → (PutItem GrantsTable ∥ (TransactWriteItems SessionsTable ∥ DeleteItem SessionsTable))"
    )


def test_a_browser_that_signed_in_waits_for_no_provider_and_no_signature(
    deployment: Deployment,
) -> None:
    session = deployment.session()

    with deployment.waits.trace() as row:
        redirection = deployment.start(session)

    assert redirection.url.startswith(f"{APP}?code=")
    assert str(row) == (
        "GetItem SessionsTable → (PutItem GrantsTable ∥ PutItem SessionsTable)"
        " → UpdateItem SessionsTable"
    )


def test_a_sign_out_waits_for_the_session_and_each_of_its_grants(deployment: Deployment) -> None:
    finished = deployment.finish(deployment.start())
    session = {cookie.name: cookie.value for cookie in finished.cookies if cookie.value}
    tokens = deployment.redeem(finished)

    with deployment.waits.trace() as row:
        deployment.wiring.logout()({"id_token_hint": tokens["id_token"]}, session, posted=False)

    assert str(row) == (
        "GetItem SessionsTable → Query SessionsTable → DeleteItem SessionsTable"
        " → Query SessionsTable → UpdateItem GrantsTable"
    )


def test_a_warm_token_request_waits_three_times_in_a_row(deployment: Deployment) -> None:
    finished = deployment.finish(deployment.start())

    with deployment.waits.trace() as row:
        deployment.redeem(finished)

    assert row.depth() == 3
    assert str(row) == (
        "(PutItem ReplayTable ∥ GetItem GrantsTable) → (UpdateItem GrantsTable ∥ Sign)"
        " → (TransactWriteItems EventsTable ∥ Sign)"
    )


def test_a_warm_refresh_waits_no_longer_than_a_codes_redemption(deployment: Deployment) -> None:
    token = deployment.offline()["refresh_token"]

    with deployment.waits.trace() as row:
        deployment.token("refresh_token", refresh_token=token)

    assert row.depth() == 3
    assert str(row) == (
        "(PutItem ReplayTable ∥ GetItem GrantsTable) → (UpdateItem GrantsTable ∥ Sign)"
        " → (TransactWriteItems EventsTable ∥ Sign)"
    )


def test_a_warm_client_token_waits_twice_in_a_row(deployment: Deployment) -> None:
    with deployment.waits.trace() as row:
        deployment.token("client_credentials", scope="clients:read")

    assert row.depth() == 2
    assert str(row) == "(PutItem ReplayTable ∥ Sign → TransactWriteItems EventsTable)"


def test_a_warm_revocation_reads_the_keys_as_they_are_and_then_ends_the_grant(
    deployment: Deployment,
) -> None:
    tokens = deployment.offline()

    with deployment.waits.trace() as row:
        form = {"token": tokens["refresh_token"], **deployment.authentication()}
        deployment.wiring.revoke_token()(form, authorization=None)

    assert str(row) == "(PutItem ReplayTable ∥ GetItem GrantsTable) → UpdateItem GrantsTable"
    with deployment.waits.trace() as row:
        form = {"token": tokens["access_token"], **deployment.authentication()}
        deployment.wiring.revoke_token()(form, authorization=None)

    assert str(row) == (
        "(PutItem ReplayTable ∥ GetItem KeyringsTable → GetItem GrantsTable)"
        " → UpdateItem GrantsTable"
    )


def test_a_warm_introspection_waits_once(deployment: Deployment) -> None:
    tokens = deployment.offline()

    for kind in ("access_token", "refresh_token"):
        with deployment.waits.trace() as row:
            form = {"token": tokens[kind], **deployment.authentication()}
            told = deployment.wiring.introspect_token()(form, authorization=None)

        assert told["active"] is True
        assert row.depth() == 1
        assert str(row) == "(PutItem ReplayTable ∥ GetItem GrantsTable)"


def test_a_warm_start_stores_the_login_while_the_request_is_pushed(deployment: Deployment) -> None:
    with deployment.waits.trace() as row:
        deployment.start()

    assert row.depth() == 2
    assert str(row) == (
        "(PutItem LoginsTable ∥ Sign → (TransactWriteItems EventsTable ∥ POST /par))"
    )


def test_a_warm_pushed_request_waits_once_and_its_login_no_longer_than_another(
    deployment: Deployment,
) -> None:
    with deployment.waits.trace() as row:
        pushed = deployment.push()

    assert str(row) == "(PutItem ReplayTable ∥ PutItem LoginsTable)"
    with deployment.waits.trace() as row:
        started = deployment.start(client_id="app", request_uri=pushed)

    assert str(row) == (
        "GetItem LoginsTable"
        " → (PutItem LoginsTable ∥ Sign → (TransactWriteItems EventsTable ∥ POST /par))"
    )
    with deployment.waits.trace() as row:
        deployment.finish(started)

    assert row.depth() == 3
    assert str(row).endswith(
        " → (UpdateItem LoginsTable ∥ (PutItem GrantsTable ∥ TransactWriteItems SessionsTable))"
    )


def test_warm_userinfo_waits_for_the_grant_alone(deployment: Deployment) -> None:
    tokens = deployment.redeem(deployment.finish(deployment.start()))

    with deployment.waits.trace() as row:
        deployment.userinfo(tokens)

    assert str(row) == "GetItem GrantsTable"


def test_a_proof_adds_no_wait_in_a_row_to_a_token_request(deployment: Deployment) -> None:
    finished = deployment.finish(deployment.start())
    proof = deployment.proof("POST", "/token")

    with deployment.waits.trace() as row:
        deployment.redeem(finished, dpop=proof)

    assert row.depth() == 3
    assert str(row) == (
        "((PutItem ReplayTable ∥ PutItem ReplayTable) ∥ GetItem GrantsTable)"
        " → (UpdateItem GrantsTable ∥ Sign) → (TransactWriteItems EventsTable ∥ Sign)"
    )


def test_a_proof_adds_no_wait_in_a_row_to_a_refresh(deployment: Deployment) -> None:
    token = deployment.offline()["refresh_token"]
    proof = deployment.proof("POST", "/token")

    with deployment.waits.trace() as row:
        deployment.token("refresh_token", dpop=proof, refresh_token=token)

    assert row.depth() == 3
    assert str(row) == (
        "((PutItem ReplayTable ∥ PutItem ReplayTable) ∥ GetItem GrantsTable)"
        " → (UpdateItem GrantsTable ∥ Sign) → (TransactWriteItems EventsTable ∥ Sign)"
    )


def test_a_proof_adds_no_wait_in_a_row_to_a_pushed_request(deployment: Deployment) -> None:
    with deployment.waits.trace() as row:
        deployment.push(dpop=deployment.proof("POST", "/par"))

    assert str(row) == "((PutItem ReplayTable ∥ PutItem ReplayTable) ∥ PutItem LoginsTable)"


def test_a_session_uses_a_pushed_request_up_when_it_gives_a_code(deployment: Deployment) -> None:
    browser, pushed = deployment.session(), deployment.push()

    with deployment.waits.trace() as row:
        deployment.start(browser, client_id="app", request_uri=pushed)

    assert str(row) == (
        "GetItem LoginsTable → GetItem SessionsTable"
        " → (PutItem GrantsTable ∥ PutItem SessionsTable) → UpdateItem SessionsTable"
        " → UpdateItem LoginsTable"
    )


def test_a_proof_adds_no_wait_in_a_row_to_userinfo(deployment: Deployment) -> None:
    finished = deployment.finish(deployment.start())
    tokens = deployment.redeem(finished, dpop=deployment.proof("POST", "/token"))
    proof = deployment.proof("GET", "/userinfo", token=tokens["access_token"])

    with deployment.waits.trace() as row:
        deployment.userinfo(tokens, dpop=proof)

    assert row.depth() == 1
    assert str(row) == "(PutItem ReplayTable ∥ GetItem GrantsTable)"


def test_a_proof_adds_no_wait_in_a_row_to_a_clients_own_token(deployment: Deployment) -> None:
    deployment.client_token()
    with deployment.waits.trace() as plain:
        deployment.client_token()
    with deployment.waits.trace() as proved:
        deployment.client_token(dpop=deployment.proof("POST", "/token"))

    assert str(plain) == "(PutItem ReplayTable ∥ Sign → TransactWriteItems EventsTable)"
    assert str(proved) == (
        "((PutItem ReplayTable ∥ PutItem ReplayTable) ∥ Sign → TransactWriteItems EventsTable)"
    )


def test_a_proof_at_the_management_api_is_used_up_before_anything_is_done(
    deployment: Deployment,
) -> None:
    """A write may not begin before its proof is known to be fresh: this wait is in the row."""
    path = "/api/v1/connections"
    token = deployment.client_token(dpop=deployment.proof("POST", "/token"))["access_token"]
    proof = deployment.proof("GET", path, token=token)

    with deployment.waits.trace() as row:
        deployment.wiring.management_access()(
            f"DPoP {token}", scope="connections:read", dpop=proof, method="GET", path=path
        )

    assert str(row) == "PutItem ReplayTable"


def test_a_published_jwks_waits_for_the_keyring_alone(deployment: Deployment) -> None:
    with deployment.waits.trace() as row:
        deployment.wiring.publish_jwks()(deployment.connection.id)

    assert str(row) == "GetItem KeyringsTable"


def test_a_logins_signatures_are_sealed_signed_and_verified(deployment: Deployment) -> None:
    deployment.redeem(deployment.finish(deployment.start()))

    assert deployment.wiring.audit_sealer().seal() >= 4
    told = deployment.wiring.management().verify_events(from_seq=1)

    assert (told["holds"], told["next_seq"]) == (True, None), told
    assert told["checkpoint"]["seq"] == told["head"]["seq"] == told["events"]


def test_a_login_just_after_its_key_was_revoked_waits_for_one_more_look(
    deployment: Deployment,
) -> None:
    """The keyring that is remembered names a key that KMS refuses by now."""
    first, second = deployment.start(), deployment.start()
    revoke_current(deployment, deployment.connection.id)

    with deployment.waits.trace() as row:
        deployment.finish(first)

    assert str(row) == (
        "(DeleteItem LoginsTable ∥ Sign → GetItem KeyringsTable → Sign)"
        " → (TransactWriteItems EventsTable ∥ POST /token)"
        " → (PutItem GrantsTable ∥ TransactWriteItems SessionsTable)"
    )
    with deployment.waits.trace() as row:
        deployment.finish(second)

    assert row.depth() == 3, "and the next one has no more to wait for"


def test_tokens_just_after_the_issuers_key_was_revoked_wait_for_one_more_look(
    deployment: Deployment,
) -> None:
    finished = deployment.finish(deployment.start())
    revoke_current(deployment, "issuer")

    with deployment.waits.trace() as row:
        tokens = deployment.redeem(finished)

    assert str(row) == (
        "(PutItem ReplayTable ∥ GetItem GrantsTable)"
        " → (UpdateItem GrantsTable ∥ Sign → GetItem KeyringsTable → Sign)"
        " → (TransactWriteItems EventsTable ∥ Sign)"
    )
    assert deployment.userinfo(tokens)["sub"]


def revoke_current(deployment: Deployment, owner: str) -> None:
    kid = deployment.wiring.keyrings().get(owner).current.kid
    deployment.wiring.management().keys.revoke(owner, kid, actor="admin")


def test_two_calls_run_together_on_threads_of_their_own() -> None:
    both_run = threading.Barrier(2, timeout=10)

    places = deployed_wiring._together()(both_run.wait, both_run.wait)

    assert sorted(places) == [0, 1]


def test_the_longest_way_is_counted_and_shown() -> None:
    waits = Waits()

    def two() -> None:
        waits.add("b")
        waits.add("c")

    with waits.trace() as row:
        waits.together(lambda: waits.add("a"), two)
        waits.together(lambda: None, lambda: waits.add("d"))

    assert (row.depth(), str(row)) == (3, "(a ∥ b → c) → d")
    assert Row().depth() == 0


def _wiring_of_its_own() -> ModuleType:
    """Load the module a second time: what this deployment keeps is nobody else's."""
    spec = importlib.util.spec_from_file_location("watched_wiring", deployed_wiring.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _always(value: WatchedFetcher) -> Any:
    return lambda: value
