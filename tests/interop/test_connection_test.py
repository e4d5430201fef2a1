"""A connection's test and agreed endpoints over HTTP, by a certified provider and a lying one."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.administrator import Administrator
from tests.support.lying_provider import CLIENT_ID
from tests.support.ports import free_port
from tests.support.stage import Stage, app_answer

from signet_local.real_parts.provider import ProviderProcess

SAME = "The provider could not be reached, or did not answer in time. Try again later."


@pytest.fixture(scope="module")
def administrator(stage: Stage) -> Iterator[Administrator]:
    with Administrator(stage.stack.admin()) as somebody:
        yield somebody


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderProcess]:
    process = ProviderProcess(free_port())
    process.start()
    yield process
    process.stop()


def connect(
    administrator: Administrator, name: str, issuer: str, **members: object
) -> dict[str, Any]:
    document = {
        "name": name,
        "strategy": "oidc",
        "issuer": issuer,
        "client_id": f"signet-{name}",
        "token_endpoint_auth_signing_alg": "ES256",
        "id_token_signed_response_alg": "ES256",
        **members,
    }
    answer = administrator.call("POST", "/connections", document)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def look_at(administrator: Administrator, made: dict[str, Any]) -> dict[str, Any]:
    answer = administrator.call("POST", f"/connections/{made['id']}/test")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    return {finding["check"]: finding["outcome"] for finding in found["discovery"]["findings"]}


def add(provider: ProviderProcess, made: dict[str, Any], alg: str = "ES256") -> None:
    provider.add_connection(made, client_id=made["client_id"], alg=alg)


def test_a_provider_that_knows_our_key_is_told_from_one_that_does_not(
    administrator: Administrator, provider: ProviderProcess
) -> None:
    made = connect(administrator, "tested-known", provider.issuer)
    add(provider, made)
    found = look_at(administrator, made)
    assert found["client_authentication"] == "accepted"
    assert found["evidence"] == {"status": 400, "error": "invalid_grant"}
    assert set(outcomes(found).values()) == {"ok"}

    made = connect(administrator, "tested-unknown", provider.issuer)
    found = look_at(administrator, made)
    assert found["client_authentication"] == "refused"
    assert found["evidence"] == {"status": 401, "error": "invalid_client"}
    assert f"this JWKS address is entered there: {made['jwks_uri']}" in found["advice"]


def test_a_provider_that_expects_another_algorithm_refuses_and_it_is_named(
    administrator: Administrator, provider: ProviderProcess
) -> None:
    made = connect(administrator, "tested-algorithm", provider.issuer)
    add(provider, made, alg="RS256")
    found = look_at(administrator, made)
    assert found["client_authentication"] == "refused"
    assert "private_key_jwt with ES256" in found["advice"]


def test_another_audience_than_the_provider_takes_is_named(
    administrator: Administrator, provider: ProviderProcess
) -> None:
    made = connect(
        administrator,
        "tested-audience",
        provider.issuer,
        assertion={"audience": "https://elsewhere.example"},
    )
    add(provider, made)
    found = look_at(administrator, made)
    assert found["client_authentication"] == "refused"
    assert "the audience that it wants is https://elsewhere.example" in found["advice"]


def test_a_test_is_one_assertion_and_is_refused_again_within_ten_seconds(
    administrator: Administrator, provider: ProviderProcess
) -> None:
    made = connect(administrator, "tested-often", provider.issuer)
    add(provider, made)

    def sent() -> list[dict[str, Any]]:
        return [a for a in provider.assertions() if a["claims"]["iss"] == made["client_id"]]

    look_at(administrator, made)
    assert len(sent()) == 1
    refused = administrator.call("POST", f"/connections/{made['id']}/test")
    assert (refused.status_code, refused.json()["code"]) == (429, "test_too_soon")
    assert refused.headers["retry-after"] == "10"
    assert len(sent()) == 1


def test_a_provider_that_is_down_is_unknown(administrator: Administrator) -> None:
    made = connect(administrator, "tested-down", f"http://127.0.0.1:{free_port()}")
    assert made["endpoints"] is None
    found = look_at(administrator, made)
    assert (found["client_authentication"], found["evidence"]) == ("unknown", {})
    assert found["advice"] == SAME


def test_endpoints_that_moved_are_held_in_a_login_until_somebody_agrees(
    administrator: Administrator, stage: Stage
) -> None:
    tenant = stage.liar.tenant("moved")
    made = connect(administrator, "moved", tenant.issuer, client_id=CLIENT_ID)
    stage.callbacks["moved"] = made["redirect_uri"]
    assert made["endpoints"]["token_endpoint"] == f"{tenant.issuer}/token"
    elsewhere = tenant.issuer.replace("127.0.0.1", "localhost")
    tenant.metadata = {
        name: f"{elsewhere}/{path}"
        for name, path in {"authorization_endpoint": "authorize", "token_endpoint": "token"}.items()
    }

    begun = stage.begin(stage.application("moved-app"), "moved")
    assert "code" in app_answer(begun.come_back())
    found = look_at(administrator, made)
    assert outcomes(found)["endpoints"] == "warning"
    assert found["client_authentication"] == "accepted"

    agreed = administrator.call("POST", f"/connections/{made['id']}/metadata")
    assert agreed.status_code == 200, agreed.text
    assert agreed.json()["endpoints"]["token_endpoint"] == f"{elsewhere}/token"
    shown = administrator.call("GET", f"/connections/{made['id']}").json()
    assert shown == agreed.json()
