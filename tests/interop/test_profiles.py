"""What each profile makes of a connection, against a provider that is as strict as its own.

A profile's issuer is its provider's, which is not here: its other settings are put by hand on a
connection of the strategy `oidc` to npm oidc-provider, and that is made to demand what the profile
says that its provider demands.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.administrator import Administrator
from tests.support.application import Application
from tests.support.ports import free_port
from tests.support.profiles import connection, shown
from tests.support.stage import Stage

from signet.broker.profiles.registry import strategies
from signet_local.real_parts.provider import ProviderProcess

PUSHED = [
    (strategy, par)
    for strategy in strategies()
    for par in ("off", "on", "required")
    if par != "required" or connection(strategy).pushed_authorization != "never"
]
PARAMETERS = sorted({name for s in strategies() for name in connection(s).upstream_params})
ACR_VALUES = [
    value
    for strategy in strategies()
    for value in connection(strategy).upstream_params.get("acr_values", "").split()
]


@pytest.fixture(scope="module")
def administrator(stage: Stage) -> Iterator[Administrator]:
    with Administrator(stage.stack.admin()) as made:
        yield made


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    return stage.application("profiles-app")


@pytest.fixture(scope="module")
def provider_of() -> Iterator[Callable[[str, str], ProviderProcess]]:
    """Start providers as they are asked for: one for each form of issuer, with PAR and without."""
    running: dict[tuple[bool, bool], ProviderProcess] = {}

    def started(strategy: str, par: str) -> ProviderProcess:
        slash, has_par = connection(strategy).issuer.endswith("/"), par != "off"
        if (slash, has_par) not in running:
            port = free_port()
            issuer = f"http://127.0.0.1:{port}{'/' if slash else ''}"
            process = ProviderProcess(
                port,
                issuer=issuer,
                par="on" if has_par else "off",
                acrValues=ACR_VALUES,
                parameters=PARAMETERS,
            )
            process.start()
            running[slash, has_par] = process
        return running[slash, has_par]

    yield started
    for process in running.values():
        process.stop()


class ProfileStage:
    """Makes connections in a profile's shape, and their clients at a provider."""

    def __init__(self, stage: Stage, administrator: Administrator, app: Application) -> None:
        self._stage = stage
        self._administrator = administrator
        self._app = app

    def connect(
        self, strategy: str, provider: ProviderProcess, *, par: str, **changes: Any
    ) -> dict[str, Any]:
        """Make a connection by hand; `changes` are of the document, not of what is demanded."""
        profile = connection(strategy)
        name = f"{strategy.replace('_', '-')}-{len(self._stage.callbacks)}"
        document = {
            **shown(profile),
            "name": name,
            "display_name": name,
            "strategy": "oidc",
            "issuer": provider.issuer,
            "client_id": f"signet-{name}",
            **changes,
        }
        made = self._call("POST", "/connections", document)
        self._stage.callbacks[name] = made["redirect_uri"]
        agent = profile.request_headers.get("user-agent")
        user_agent = {"userAgent": agent} if agent is not None else {}
        provider.add_client(
            {
                "client_id": made["client_id"],
                "redirect_uris": [made["redirect_uri"]],
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": profile.signing_alg,
                "id_token_signed_response_alg": profile.id_token_alg,
                "require_pushed_authorization_requests": par == "required",
                "scope": " ".join(profile.scopes),
                **self._keys(made),
            },
            audience=profile.assertion.audience,
            typ=profile.assertion.typ,
            keyHeaders=list(profile.assertion.key_headers),
            parameters=list(profile.upstream_params),
            **user_agent,
        )
        return made

    def sign_in(self, name: str) -> dict[str, str]:
        """Sign in as a person does; return what the application receives."""
        browser, begun = self._stage.browser(), self._app.request(name)
        response = browser.open(f"{self._stage.issuer}/authorize", begun.parameters)
        back = browser.sign_in(response)
        assert (back["state"], back["iss"]) == (begun.state, self._stage.issuer)
        if "error" in back:
            return back
        tokens = self._app.redeem(back["code"], begun.verifier).json()
        told: dict[str, str] = self._app.userinfo(tokens["access_token"]).json()
        return told

    def _keys(self, made: dict[str, Any]) -> dict[str, Any]:
        """Hand our keys over as the connection does: by address, or the public key itself."""
        if made["key_registration"] == "jwks_uri":
            return {"jwks_uri": made["jwks_uri"]}
        path = f"/connections/{made['id']}/keys"
        keys = self._call("GET", path)
        return {"jwks": {"keys": [self._call("GET", f"{path}/{k['kid']}/jwk") for k in keys]}}

    def _call(self, method: str, path: str, document: object = None) -> Any:
        answer = self._administrator.call(method, path, document)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def profiles(stage: Stage, administrator: Administrator, app: Application) -> ProfileStage:
    return ProfileStage(stage, administrator, app)


@pytest.mark.parametrize(("strategy", "par"), PUSHED)
def test_a_connection_in_a_profiles_shape_signs_in(
    profiles: ProfileStage,
    provider_of: Callable[[str, str], ProviderProcess],
    strategy: str,
    par: str,
) -> None:
    provider = provider_of(strategy, par)
    made = profiles.connect(strategy, provider, par=par)
    told = profiles.sign_in(made["name"])
    profile = connection(strategy)
    assert ("email" in told) == ("email" in profile.scopes), told
    used = [a for a in provider.assertions() if a["claims"]["iss"] == made["client_id"]]
    pushes = par != "off" and profile.pushed_authorization != "never"
    assert [a["endpoint"] for a in used] == (["/request", "/token"] if pushes else ["/token"])
    for assertion in used:
        assert assertion["header"]["alg"] == profile.signing_alg
        assert assertion["status"] in {200, 201}


REFUSED = "The identity provider did not accept this service."
NOT_COMPLETED = "The identity provider could not complete the sign-in."
CHANGED: dict[str, tuple[str, dict[str, Any], str]] = {
    "Okta's audience": (
        "okta", {"assertion": {"audience": "issuer", "typ": "JWT"}}, REFUSED,
    ),
    "Entra's thumbprint": (
        "entra",
        {"assertion": {"audience": "token_endpoint", "typ": "JWT", "key_headers": ["kid"]}},
        REFUSED,
    ),
    "Auth0's audience": (
        "auth0", {"assertion": {"audience": "token_endpoint", "typ": "JWT"}}, REFUSED,
    ),
    "Entra's typ": (
        "entra",
        {"assertion": {"audience": "token_endpoint", "typ": "client-authentication+jwt"}},
        REFUSED,
    ),
    "Entra's algorithm": ("entra", {"token_endpoint_auth_signing_alg": "RS256"}, REFUSED),
    "GOV.UK One Login's vtr": ("govuk_one_login", {"upstream_params": {}}, NOT_COMPLETED),
    "GOV.UK One Login's User-Agent": (
        "govuk_one_login", {"request_headers": {"user-agent": "another"}}, REFUSED,
    ),
    "GOV.UK One Login's ID tokens": (
        "govuk_one_login", {"id_token_signed_response_alg": "RS256"}, "The token is not valid.",
    ),
    "Login.gov's acr_values": ("login_gov", {"upstream_params": {}}, NOT_COMPLETED),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGED)
def test_with_one_of_a_profiles_settings_changed_nobody_signs_in(
    profiles: ProfileStage, provider_of: Callable[[str, str], ProviderProcess], case: str
) -> None:
    strategy, changes, description = CHANGED[case]
    made = profiles.connect(strategy, provider_of(strategy, "off"), par="off", **changes)
    back = profiles.sign_in(made["name"])
    assert back.get("error_description") == description, back
