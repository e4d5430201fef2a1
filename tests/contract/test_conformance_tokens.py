"""/token, /revoke and /introspect as the certification suite and attackers see them, over HTTP.

A test whose name begins with a module of `fapi2-security-profile-final` does what that module
does. The first half is the suite's paragraphs Client assertion, Code and Refresh; the second is
the attacks on codes, refresh tokens and assertions (OP-…).
"""

import base64
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.application import Application
from tests.support.clock import now
from tests.support.emulated import EmulatedAccount
from tests.support.forged_jws import new_key
from tests.support.lying_provider import ABSENT, LyingProvider, lying_provider
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import Stage
from tests.support.travelled import Response, Travelled, Wire

NAME = "tokens"
OFFLINE: dict[str, Any] = {
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": ["openid", "profile", "email", "offline_access"],
}
SCOPE = "openid profile email offline_access"
INACTIVE = {"active": False}


@pytest.fixture(scope="module")
def travelled() -> Travelled:
    return Travelled()


@pytest.fixture(scope="module")
def wire(travelled: Travelled) -> Iterator[Wire]:
    made = Wire(travelled)
    yield made
    made.close()


@pytest.fixture(scope="module")
def liar(travelled: Travelled) -> Iterator[LyingProvider]:
    with lying_provider(travelled) as provider:
        yield provider


@pytest.fixture(scope="module")
def stage(travelled: Travelled, wire: Wire, liar: LyingProvider) -> Iterator[Stage]:
    """Run a stack that remembers no connection and no client, and whose log is searched."""
    with searched(Stack(SIGNET_SIGNER_CACHE_SECONDS="0"), travelled) as stack:
        made = Stage(stack, liar, wire)
        made.connect([NAME])
        yield made


@pytest.fixture(scope="module")
def hasty(travelled: Travelled, wire: Wire, liar: LyingProvider) -> Iterator[Stage]:
    """Run a stack whose codes live for three seconds, and whose refresh tokens for one."""
    stack = Stack(SIGNET_CODE_TTL_SECONDS="3", SIGNET_REFRESH_IDLE_SECONDS="1")
    with searched(stack, travelled):
        made = Stage(stack, liar, wire)
        made.connect(["hasty-tokens"])
        yield made


@pytest.fixture(scope="module")
def client(stage: Stage) -> Application:
    return stage.application("conformance", **OFFLINE)


@pytest.fixture(scope="module")
def client2(stage: Stage) -> Application:
    return stage.application("conformance-2", **OFFLINE)


@pytest.fixture
def code(stage: Stage, client: Application) -> tuple[str, str]:
    return stage.code(client, NAME, scope=SCOPE)


@pytest.fixture
def tokens(client: Application, code: tuple[str, str]) -> dict[str, Any]:
    return given(client.redeem(*code))


def given(answer: Response) -> dict[str, Any]:
    """Return the tokens of an answer that nobody may store [RFC 6749 5.1]."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = answer.json()
    return document


def error(answer: Response) -> tuple[int, str]:
    """Return the status and the error of an answer in the form of RFC 6749 5.2."""
    document = answer.json()
    assert document.keys() <= {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, document["error"]


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * 3))
    return claims


def active(app: Application, token: str) -> bool:
    answer = app.post("/introspect", token=token)
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    assert told["active"] is True or told == INACTIVE
    return bool(told["active"])


def is_over(app: Application, tokens: dict[str, Any]) -> bool:
    """Tell whether nothing of a login is worth anything any more."""
    refused = error(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    ended = app.userinfo(tokens["access_token"]).status_code == 401
    return refused and ended and not active(app, tokens["access_token"])


# --- Client assertion ----------------------------------------------------------------------------

INVALID_CLIENT = (401, "invalid_client")


def test_ensure_client_assertion_in_token_endpoint(
    client: Application, code: tuple[str, str]
) -> None:
    for absent in ("client_assertion", "client_assertion_type"):
        assert error(client.redeem(*code, **{absent: ABSENT})) == INVALID_CLIENT
    assert "id_token" in given(client.redeem(*code))


@pytest.mark.parametrize("endpoint", ["/token", "/revoke", "/introspect"])
@pytest.mark.parametrize(
    "claim",
    ["exp 5 minutes in the past", "no sub", "wrong aud", "token endpoint", "par endpoint", "array"],
)
def test_ensure_client_assertion_with_exp_is_5_minutes_in_past_no_sub_or_wrong_aud_fails(
    client: Application, tokens: dict[str, Any], endpoint: str, claim: str
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "exp 5 minutes in the past": {"exp": now() - 300, "iat": now() - 360},
        "no sub": {"sub": ABSENT},
        "wrong aud": {"aud": "https://other.example"},
        "token endpoint": {"aud": f"{client.issuer}{endpoint}"},
        "par endpoint": {"aud": f"{client.issuer}/par"},
        "array": {"aud": [client.issuer]},
    }
    assertion = client.assertion(client.claims(**changes[claim]))
    form = {"token": tokens["access_token"], "refresh_token": tokens["refresh_token"]}
    answer = client.post(endpoint, grant_type="refresh_token", client_assertion=assertion, **form)
    assert error(answer) == INVALID_CLIENT
    assert active(client, tokens["refresh_token"])


def test_ensure_signed_client_assertion_with_rs256_fails(
    client: Application, code: tuple[str, str]
) -> None:
    assertion = client.assertion(key=new_key("RS256"), signed_as="RS256", alg="RS256")
    assert error(client.redeem(*code, client_assertion=assertion)) == INVALID_CLIENT
    assert "id_token" in given(client.redeem(*code))


def test_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
    client: Application, code: tuple[str, str]
) -> None:
    assertion = client.assertion(client.claims(nbf=now() + 8, iat=now() + 8))
    assert "id_token" in given(client.redeem(*code, client_assertion=assertion))


def test_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
    client: Application, code: tuple[str, str]
) -> None:
    for claim in ("nbf", "iat"):
        assertion = client.assertion(client.claims(**{claim: now() + 75}))
        assert error(client.redeem(*code, client_assertion=assertion)) == INVALID_CLIENT
    assert "id_token" in given(client.redeem(*code))


def test_ensure_client_id_in_token_endpoint(
    client: Application, client2: Application, code: tuple[str, str]
) -> None:
    assert error(client.redeem(*code, client_id=client2.client_id)) == INVALID_CLIENT
    assert "id_token" in given(client.redeem(*code, client_id=client.client_id))


# --- Code ----------------------------------------------------------------------------------------


def test_attempt_reuse_authorization_code_after_one_second(
    client: Application, code: tuple[str, str]
) -> None:
    tokens = given(client.redeem(*code))
    fresh = given(client.refresh(tokens["refresh_token"]))
    assert client.userinfo(fresh["access_token"]).status_code == 200
    time.sleep(1)
    assert error(client.redeem(*code)) == (400, "invalid_grant")
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert is_over(client, fresh)


def test_ensure_token_endpoint_fails_with_expired_auth_code(hasty: Stage) -> None:
    app = hasty.application("hasty-code", **OFFLINE)
    code = hasty.code(app, "hasty-tokens", scope=SCOPE)
    time.sleep(3.1)
    assert error(app.redeem(*code)) == (400, "invalid_grant")


def test_ensure_authorization_code_is_bound_to_client(
    client: Application, client2: Application, code: tuple[str, str]
) -> None:
    assert error(client2.redeem(*code)) == (400, "invalid_grant")
    assert error(client2.redeem(*code, client_id=client.client_id)) == INVALID_CLIENT
    assert "id_token" in given(client.redeem(*code))


# --- Refresh -------------------------------------------------------------------------------------


def test_refresh_token(
    stage: Stage, client: Application, client2: Application, code: tuple[str, str]
) -> None:
    tokens = given(client.redeem(*code))
    others = given(client2.redeem(*stage.code(client2, NAME, scope=SCOPE)))
    # Bound to its client: neither may use the other's, and neither is ended by the attempt.
    for thief, victims in ((client2, tokens), (client, others)):
        assert error(thief.refresh(victims["refresh_token"])) == (400, "invalid_grant")
    fresh = given(client.refresh(tokens["refresh_token"]))
    assert fresh["refresh_token"] != tokens["refresh_token"]
    before, after = claims_of(tokens["id_token"]), claims_of(fresh["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr"):
        assert after.get(name) == before.get(name)
    assert after["iat"] >= before["iat"]
    assert "nonce" not in after
    assert client.userinfo(fresh["access_token"]).json()["sub"] == before["sub"]
    assert client.userinfo(tokens["access_token"]).status_code == 200
    # The old one is dead, and whoever uses it ends the family.
    assert error(client.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert is_over(client, fresh)
    assert "refresh_token" in given(client2.refresh(others["refresh_token"]))


def test_a_refresh_token_that_lay_unused_too_long_is_dead(hasty: Stage) -> None:
    app = hasty.application("hasty-refresh", **OFFLINE)
    tokens = given(app.redeem(*hasty.code(app, "hasty-tokens", scope=SCOPE)))
    time.sleep(1.1)
    assert error(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_the_metadata_tells_of_what_was_done_here(stage: Stage, client: Application) -> None:
    told = client.http.get(f"{stage.issuer}/.well-known/openid-configuration").json()
    assert told["revocation_endpoint"] == f"{stage.issuer}/revoke"
    assert told["introspection_endpoint"] == f"{stage.issuer}/introspect"
    assert "refresh_token" in told["grant_types_supported"]
    assert "offline_access" in told["scopes_supported"]
    for endpoint in ("token", "revocation", "introspection"):
        methods = told[f"{endpoint}_endpoint_auth_methods_supported"]
        assert methods == ["private_key_jwt"]


# --- attacks -------------------------------------------------------------------------------------


def test_op_018_one_jti_authenticates_at_one_endpoint_only(
    client: Application, tokens: dict[str, Any]
) -> None:
    assertion = client.assertion()
    first = client.post("/introspect", token=tokens["access_token"], client_assertion=assertion)
    assert given(first)["active"] is True
    for send in (
        lambda: client.post("/revoke", token=tokens["access_token"], client_assertion=assertion),
        lambda: client.refresh(tokens["refresh_token"], client_assertion=assertion),
    ):
        assert error(send()) == INVALID_CLIENT
    assert active(client, tokens["refresh_token"])


@pytest.mark.parametrize("name", ["id_token", "access_token"])
def test_op_028_no_token_of_ours_is_an_assertion(
    client: Application, tokens: dict[str, Any], name: str
) -> None:
    answer = client.refresh(tokens["refresh_token"], client_assertion=tokens[name])
    assert error(answer) == INVALID_CLIENT


def test_op_036_a_code_is_redeemed_once_and_its_second_use_ends_the_first(
    client: Application, code: tuple[str, str]
) -> None:
    tokens = given(client.redeem(*code))
    assert error(client.redeem(*code)) == (400, "invalid_grant")
    assert is_over(client, tokens)


@pytest.mark.parametrize("redirect_uri", [ABSENT, "http://127.0.0.1:9/other"])
def test_op_039_a_code_is_redeemed_for_its_redirect_uri(
    client: Application, code: tuple[str, str], redirect_uri: Any
) -> None:
    refused = error(client.redeem(*code, redirect_uri=redirect_uri))
    assert refused in {(400, "invalid_grant"), (400, "invalid_request")}


def test_op_041_no_record_is_presented_as_another(
    stage: Stage, client: Application, tokens: dict[str, Any]
) -> None:
    code, verifier = stage.code(client, NAME, scope=SCOPE)
    grant = claims_of(tokens["access_token"])["grant_id"]
    for as_refresh in (code, grant, tokens["access_token"], tokens["id_token"], str(uuid.uuid4())):
        assert error(client.refresh(as_refresh)) == (400, "invalid_grant")
        if as_refresh != tokens["access_token"]:
            assert client.post("/revoke", token=as_refresh).status_code == 200
            assert not active(client, as_refresh)
    for as_code in (*tokens["refresh_token"].split("."), tokens["refresh_token"], grant):
        assert error(client.redeem(as_code, verifier)) == (400, "invalid_grant")
    assert "id_token" in given(client.redeem(code, verifier))
    assert "id_token" in given(client.refresh(tokens["refresh_token"]))


HOSTILE = [
    "#",
    "CODE#x",
    '{"S":"x"}',
    "x" * 2_049,
    "\U0001f512",
    "rt." + "." * 60,
    "'; --",
    "é" * 43,
]


@pytest.mark.parametrize("value", HOSTILE)
def test_op_042_hostile_values_are_refused_and_touch_nothing(
    client: Application, code: tuple[str, str], value: str
) -> None:
    assert error(client.refresh(value)) == (400, "invalid_grant")
    assert client.post("/revoke", token=value).status_code == 200
    assert client.post("/introspect", token=value).json() == INACTIVE
    scope = error(client.refresh("x", scope=value))
    assert scope == (400, "invalid_grant")
    assert "id_token" in given(client.redeem(*code))


@pytest.fixture
def account(stage: Stage) -> Iterator[EmulatedAccount]:
    reached = EmulatedAccount(stage.stack)
    yield reached
    reached.close()


def test_op_045_a_disabled_connection_refreshes_nothing(
    stage: Stage, client: Application, account: EmulatedAccount
) -> None:
    stage.connect(["tokens-off"])
    tokens = given(client.redeem(*stage.code(client, "tokens-off", scope=SCOPE)))
    account.disable_connection(stage.callbacks["tokens-off"])
    assert is_over(client, tokens)


def test_op_045_a_disabled_client_refreshes_nothing(stage: Stage, account: EmulatedAccount) -> None:
    app = stage.application("conformance-off", **OFFLINE)
    tokens = given(app.redeem(*stage.code(app, NAME, scope=SCOPE)))
    account.disable_client("conformance-off")
    assert error(app.refresh(tokens["refresh_token"])) == INVALID_CLIENT
    for path in ("/revoke", "/introspect"):
        assert error(app.post(path, token=tokens["access_token"])) == INVALID_CLIENT
    assert app.userinfo(tokens["access_token"]).status_code == 401


def test_op_046_nobody_gets_more_scope_or_anothers_tokens(
    client: Application, client2: Application, tokens: dict[str, Any]
) -> None:
    assert error(client2.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    for scope in ("openid phone", "openid connections:read", "openid address"):
        refused = error(client.refresh(tokens["refresh_token"], scope=scope))
        assert refused == (400, "invalid_scope")
    narrow = given(client.refresh(tokens["refresh_token"], scope="openid"))
    assert narrow["scope"] == "openid"
    assert client.userinfo(narrow["access_token"]).json().keys() == {"sub"}


@pytest.mark.parametrize("accept", ["application/json", "application/token-introspection+jwt"])
def test_op_051_nobody_introspects_anothers_token(
    client2: Application, tokens: dict[str, Any], accept: str
) -> None:
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"]):
        answer = client2.http.post(
            f"{client2.issuer}/introspect",
            data=client2.authenticated(token=token),
            headers={"accept": accept},
        )
        assert given(answer) == INACTIVE


def test_op_052_nobody_revokes_anothers_token_nor_learns_of_it(
    client: Application, client2: Application, tokens: dict[str, Any]
) -> None:
    answers = [
        client2.post("/revoke", token=token)
        for token in (tokens["access_token"], tokens["refresh_token"], "unknown")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "")}
    assert active(client, tokens["refresh_token"])
    assert client.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_rfc_7009_a_revoked_token_ends_its_whole_login(
    client: Application, tokens: dict[str, Any], kind: str
) -> None:
    answer = client.post("/revoke", token=tokens[kind], token_type_hint="refresh_token")
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["cache-control"] == "no-store"
    assert is_over(client, tokens)


@pytest.mark.parametrize("path", ["/revoke", "/introspect"])
def test_rfc_7009_and_7662_nothing_but_an_authenticated_post_is_answered(
    client: Application, tokens: dict[str, Any], path: str
) -> None:
    token = tokens["access_token"]
    form = client.authenticated(token=token)
    assert client.http.get(f"{client.issuer}{path}", params=form).status_code == 405
    in_the_query = client.http.post(f"{client.issuer}{path}", params={"token": token}, data=form)
    assert error(in_the_query) == (400, "invalid_request")
    assert error(client.post(path)) == (400, "invalid_request")
    assert error(client.post(path, token=token, client_secret="a-made-up-secret")) == (
        401,
        "invalid_client",
    )
    bearer = {"authorization": f"Bearer {token}"}
    answer = client.http.post(f"{client.issuer}{path}", data={"token": token}, headers=bearer)
    assert error(answer) == INVALID_CLIENT
    assert active(client, token)
