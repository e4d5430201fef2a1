"""Sign-ins through npm oidc-provider, a certified OpenID Provider: every algorithm, PAR, userinfo.

The provider verifies our client assertions by the keys that the connection publishes, so every
sign-in here is also a verification of a KMS signature by code that is not ours.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.application import Application
from tests.support.clock import now
from tests.support.emulated import EmulatedAccount
from tests.support.lying_provider import ABSENT
from tests.support.outsider import Outsider
from tests.support.ports import free_port
from tests.support.stage import Stage
from tests.support.travelled import Wire

from signet_local.real_parts.provider import ProviderProcess

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
)  # fmt: skip
CONTRACT_ALGORITHMS = ("RS256", "PS256", "ES256")


class CertifiedProvider:
    """The provider's process with connections of the stack to it, named `PREFIX-alg`."""

    def __init__(
        self, stage: Stage, prefix: str, algorithms: tuple[str, ...], **options: Any
    ) -> None:
        self.process = ProviderProcess(free_port(), **options)
        self._stage = stage
        self._prefix = prefix
        self._algorithms = algorithms

    def start(self, **document: Any) -> None:
        made = self._stage.stack.register({
            "connections": [
                {
                    "name": self.name(alg),
                    "strategy": "oidc",
                    "issuer": self.process.issuer,
                    "client_id": f"signet-{alg}",
                    "token_endpoint_auth_signing_alg": alg,
                    "id_token_signed_response_alg": alg,
                    **document,
                }
                for alg in self._algorithms
            ]
        })  # fmt: skip
        self.process.start()
        for connection, alg in zip(made["connections"], self._algorithms, strict=True):
            self._stage.callbacks[connection["name"]] = connection["redirect_uri"]
            self.process.add_connection(connection, client_id=f"signet-{alg}", alg=alg)

    def name(self, alg: str) -> str:
        return f"{self._prefix}-{alg.lower()}"


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    return stage.application("certified-app")


@pytest.fixture(scope="module", params=["off", "on", "required"])
def by_par(request: pytest.FixtureRequest, stage: Stage) -> Iterator[CertifiedProvider]:
    par = request.param
    algorithms = ALGORITHMS if par == "on" else CONTRACT_ALGORITHMS
    provider = CertifiedProvider(stage, f"par-{par}", algorithms, par=par)
    provider.start()
    yield provider
    provider.process.stop()


@pytest.fixture(scope="module")
def generous(stage: Stage) -> Iterator[CertifiedProvider]:
    """Start a provider that puts every claim into the ID token, and answers by form_post."""
    provider = CertifiedProvider(stage, "generous", ("ES256",), claimsInIdToken=True)
    provider.start(response_mode="form_post")
    yield provider
    provider.process.stop()


def signed_in(stage: Stage, app: Application, name: str, login: str = "ada") -> dict[str, Any]:
    """Sign in as a person does, and return what the application is told about them."""
    browser, sign_in = stage.browser(), app.request(name)
    response = browser.open(f"{stage.issuer}/authorize", sign_in.parameters)
    back = browser.sign_in(response, login=login)
    assert (back["state"], back["iss"]) == (sign_in.state, stage.issuer), back
    tokens = app.redeem(back["code"], sign_in.verifier).json()
    told = app.userinfo(tokens["access_token"]).json()
    claims = claims_of(tokens["id_token"])
    assert (claims["nonce"], claims["connection"]) == (sign_in.nonce, name)
    assert claims["sub"] == told["sub"]
    return {**claims, **told}


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def test_every_algorithm_signs_in_with_par_and_without(
    stage: Stage, app: Application, by_par: CertifiedProvider
) -> None:
    for alg in by_par._algorithms:
        told = signed_in(stage, app, by_par.name(alg))
        assert (told["name"], told["email"]) == ("Ada Lovelace", "ada@acme.example")
        assert told["email_verified"] is True
    used = by_par.process.assertions()
    assert {assertion["header"]["alg"] for assertion in used} == set(by_par._algorithms)
    endpoints = {assertion["endpoint"] for assertion in used}
    assert endpoints == ({"/token"} if "off" in by_par._prefix else {"/request", "/token"})
    assert {assertion["status"] for assertion in used} <= {200, 201}
    assert len({assertion["claims"]["jti"] for assertion in used}) == len(used)
    for assertion in used:
        assert assertion["claims"]["aud"] == by_par.process.issuer
        assert assertion["claims"]["exp"] - assertion["claims"]["iat"] <= 60


def test_the_provider_posts_its_answer_where_the_connection_asks_for_it(
    stage: Stage, app: Application, generous: CertifiedProvider
) -> None:
    name = generous.name("ES256")
    browser, sign_in = stage.browser(), app.request(name)
    response = browser.open(f"{stage.issuer}/authorize", sign_in.parameters)
    back = browser.sign_in(response, login="grace")
    posted = browser.submitted[-1]
    assert (posted.method, posted.action) == ("POST", stage.callbacks[name])
    assert posted.fields.keys() == {"code", "state", "iss"}
    told = app.userinfo(app.redeem(back["code"], sign_in.verifier).json()["access_token"]).json()
    assert told["given_name"] == "Grace"


def test_a_person_who_cancels_comes_back_with_an_error(
    stage: Stage, app: Application, by_par: CertifiedProvider
) -> None:
    browser, sign_in = stage.browser(), app.request(by_par.name("ES256"))
    response = browser.open(f"{stage.issuer}/authorize", sign_in.parameters)
    back = browser.sign_in(response, login="not a login name")
    assert back["error"] == "access_denied"
    assert (back["state"], back["iss"]) == (sign_in.state, stage.issuer)
    assert "code" not in back


def test_prompt_none_without_a_session_comes_back_as_login_required(
    stage: Stage, app: Application, by_par: CertifiedProvider
) -> None:
    browser, sign_in = stage.browser(), app.request(by_par.name("ES256"), prompt="none")
    response = browser.open(f"{stage.issuer}/authorize", sign_in.parameters)
    back = browser.sign_in(response)
    assert back["error"] == "login_required"
    assert browser.submitted == []


def test_one_person_is_one_subject_of_a_connection_and_another_of_another(
    stage: Stage, app: Application, generous: CertifiedProvider, by_par: CertifiedProvider
) -> None:
    first = signed_in(stage, app, by_par.name("RS256"))["sub"]
    assert signed_in(stage, app, by_par.name("RS256"))["sub"] == first
    others = {
        signed_in(stage, app, by_par.name("ES256"))["sub"],
        signed_in(stage, app, by_par.name("RS256"), login="alan")["sub"],
        signed_in(stage, app, generous.name("ES256"))["sub"],
    }
    assert len(others | {first}) == 4


# --- what the provider itself refuses ------------------------------------------------------------


@pytest.fixture(scope="module")
def outsider(stage: Stage, generous: CertifiedProvider, wire: Wire) -> Iterator[Outsider]:
    account = EmulatedAccount(stage.stack)
    yield Outsider(
        account,
        stage.callbacks[generous.name("ES256")],
        wire.client(),
        client_id="signet-ES256",
        issuer=generous.process.issuer,
        token_endpoint=f"{generous.process.issuer}/token",
    )
    account.close()


REFUSED_BY_THE_PROVIDER: dict[str, Callable[[Outsider], str]] = {
    "another audience": lambda o: o.assertion(aud="https://evil.example"),
    "expired": lambda o: o.assertion(iat=now() - 200, exp=now() - 100),
    "no exp": lambda o: o.assertion(exp=ABSENT),
    "no jti": lambda o: o.assertion(jti=ABSENT),
    "iss of another": lambda o: o.assertion(iss="other"),
    "sub of another": lambda o: o.assertion(sub="other"),
    "our kid under another key": lambda o: o.forged("ES256"),
    "another algorithm": lambda o: o.forged("RS256"),
    "an empty signature": lambda o: o.assertion().rpartition(".")[0] + ".",
}


def test_the_provider_believes_what_kms_signs(outsider: Outsider) -> None:
    answer = outsider.send(outsider.assertion())
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("case", REFUSED_BY_THE_PROVIDER)
def test_the_provider_really_verifies(outsider: Outsider, case: str) -> None:
    answer = outsider.send(REFUSED_BY_THE_PROVIDER[case](outsider))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_provider_takes_an_assertion_once(outsider: Outsider) -> None:
    assertion = outsider.assertion()
    errors = [outsider.send(assertion).json()["error"] for _ in range(2)]
    assert errors == ["invalid_grant", "invalid_client"]
