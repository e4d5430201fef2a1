"""What a test of a connection finds, what it says, and what nobody learns from it."""

from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.canned_provider import JSON, CannedProvider, answer
from tests.support.management import Desk

from signet.jose.jws import read_unverified
from signet.oauth.http_message import DestinationRefused, HttpAnswer, HttpRequest, Unreachable

DISCOVERY = "/.well-known/openid-configuration"
Change = Callable[[CannedProvider], None]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def says(status: int, **members: object) -> Callable[[HttpRequest], HttpAnswer]:
    return lambda _: answer(members, status=status)


def run(desk: Desk, **members: object) -> dict[str, Any]:
    made = desk.connect(**members)
    return look_at(desk, made["id"])


def look_at(desk: Desk, identifier: str) -> dict[str, Any]:
    answered = desk.call("POST", f"/connections/{identifier}/test")
    assert answered.status == 200, answered.body
    document: dict[str, Any] = answered.json
    return document


def outcome_of(document: dict[str, Any], check: str) -> str:
    (found,) = [f["outcome"] for f in document["discovery"]["findings"] if f["check"] == check]
    return str(found)


@pytest.mark.parametrize(
    ("status", "members", "authentication"),
    [
        (400, {"error": "invalid_grant"}, "accepted"),
        (400, {"error": "invalid_scope"}, "accepted"),
        (401, {"error": "invalid_client"}, "refused"),
        (400, {"error": "invalid_client"}, "refused"),
        (400, {"error": "unauthorized_client"}, "refused"),
        (401, {"message": "no"}, "refused"),
        (400, {"error": "invalid_request"}, "unknown"),
        (400, {"error": ["invalid_grant"]}, "unknown"),
        (403, {}, "unknown"),
        (500, {"error": "server_error"}, "unknown"),
        (503, {}, "unknown"),
        (200, {"access_token": "x", "id_token": "y"}, "unknown"),
    ],
)
def test_what_the_provider_says_to_a_made_up_code_tells_whether_it_knows_us(
    desk: Desk, status: int, members: dict[str, object], authentication: str
) -> None:
    desk.broker.idp.answers["/token"] = says(status, **members)
    found = run(desk)
    assert found["client_authentication"] == authentication
    assert found["evidence"]["status"] == status
    assert found["advice"]


def test_the_request_is_a_real_one_made_once_with_a_code_that_nobody_gave(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(401, error="invalid_client")
    made = desk.connect()
    look_at(desk, made["id"])
    (form,) = desk.broker.idp.token_requests()
    assert form["redirect_uri"] == made["redirect_uri"]
    claims = read_unverified(form["client_assertion"]).claims
    assert (claims["aud"], claims["iss"], claims["sub"]) == (PROVIDER, "signet", "signet")
    desk.broker.clock.time += 10
    look_at(desk, made["id"])
    first, second = desk.broker.idp.token_requests()
    assert first["code"] != second["code"]
    assert first["client_assertion"] != second["client_assertion"]


def test_a_refusal_says_what_to_enter_where(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(401, error="invalid_client")
    made = desk.connect()
    advice = look_at(desk, made["id"])["advice"]
    for piece in (made["jwks_uri"], "signet", "private_key_jwt", "ES256"):
        assert piece in advice


def test_a_refusal_where_keys_are_entered_by_hand_names_the_sheet(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(401, error="invalid_client")
    advice = run(desk, key_registration="manual")["advice"]
    assert "registration sheet" in advice
    assert "/jwks.json" not in advice


def test_a_clock_that_is_off_is_named_before_anything_else(desk: Desk) -> None:
    def late(_: HttpRequest) -> HttpAnswer:
        date = formatdate(desk.broker.clock.time - 300, usegmt=True)
        refused = answer({"error": "invalid_client"}, status=401)
        return HttpAnswer(status=401, headers={**JSON, "date": date}, body=refused.body)

    desk.broker.idp.answers["/token"] = late
    assert "clock differs from ours by 300 seconds" in run(desk)["advice"]


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Foo 0000 99:99:99 GMT"])
def test_a_date_that_says_nothing_is_no_clock(desk: Desk, date: str) -> None:
    refused = answer({"error": "invalid_client"}, status=401)
    desk.broker.idp.answers["/token"] = lambda _: HttpAnswer(
        status=401, headers={**JSON, "date": date}, body=refused.body
    )
    assert "did not accept the client" in run(desk)["advice"]


def test_a_client_that_may_not_use_the_grant_is_told_so(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="unauthorized_client")
    assert "authorization code grant" in run(desk)["advice"]


def test_the_providers_own_words_are_understood_and_not_repeated(desk: Desk) -> None:
    text = "AADSTS700027: <script>alert(1)</script> trace id 4711"
    desk.broker.idp.answers["/token"] = says(401, error="invalid_client", error_description=text)
    made = desk.connect()
    stored = desk.broker.connections.items[made["id"]]
    desk.broker.connections.items[made["id"]] = type(stored)(
        **{name: getattr(stored, name) for name in type(stored).__dataclass_fields__}
        | {"strategy": "entra"}
    )
    found = look_at(desk, made["id"])
    assert "4711" not in str(found)
    assert "script" not in str(found)
    assert "did not accept the client. Look" not in found["advice"]


def _nobody(idp: CannedProvider) -> None:
    def unreachable(_: HttpRequest) -> HttpAnswer:
        raise Unreachable("connect: ConnectionRefusedError", sent=False)

    idp.answers[DISCOVERY] = unreachable


def _private(idp: CannedProvider) -> None:
    def forbidden(_: HttpRequest) -> HttpAnswer:
        raise DestinationRefused("the name leads to an address that is not public")

    idp.answers[DISCOVERY] = forbidden


def _not_found(idp: CannedProvider) -> None:
    idp.answers[DISCOVERY] = lambda _: answer({}, status=404)


def _broken(idp: CannedProvider) -> None:
    idp.answers[DISCOVERY] = lambda _: answer({}, status=500)


def test_whatever_keeps_us_from_a_provider_reads_the_same(desk: Desk) -> None:
    made = desk.connect()
    seen = set()
    changes: tuple[Change, ...] = (_nobody, _private, _not_found, _broken)
    for change in changes:
        change(desk.broker.idp)
        found = look_at(desk, made["id"])
        assert found["client_authentication"] == "unknown"
        assert found["evidence"] == {}
        seen.add(str(found))
        desk.broker.clock.time += 10
    assert len(seen) == 1
    assert not desk.broker.idp.token_requests()


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": CannedProvider.ABSENT},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_no_assertion_leaves_for_a_provider_whose_metadata_cannot_be_used(
    desk: Desk, metadata: dict[str, object]
) -> None:
    made = desk.connect()
    desk.broker.idp.metadata.update(metadata)
    found = look_at(desk, made["id"])
    assert found["discovery"]["outcome"] == "failed"
    assert found["client_authentication"] == "unknown"
    assert not desk.broker.idp.token_requests()


@pytest.mark.parametrize(
    ("metadata", "check", "outcome"),
    [
        ({}, "metadata", "ok"),
        ({}, "endpoints", "ok"),
        ({"token_endpoint": "https://new.example/token"}, "endpoints", "warning"),
        ({}, "token_endpoint_auth_signing_alg_values_supported", "warning"),
        (
            {"token_endpoint_auth_signing_alg_values_supported": ["ES256"]},
            "token_endpoint_auth_signing_alg_values_supported",
            "ok",
        ),
        (
            {"token_endpoint_auth_signing_alg_values_supported": ["RS256"]},
            "token_endpoint_auth_signing_alg_values_supported",
            "failed",
        ),
        (
            {"id_token_signing_alg_values_supported": ["ES256"]},
            "id_token_signing_alg_values_supported",
            "failed",
        ),
        ({}, "code_challenge_methods_supported", "ok"),
        (
            {"code_challenge_methods_supported": CannedProvider.ABSENT},
            "code_challenge_methods_supported",
            "warning",
        ),
        ({"response_types_supported": ["id_token"]}, "response_types_supported", "failed"),
        ({"response_modes_supported": ["fragment"]}, "response_modes_supported", "failed"),
        ({}, "iss", "ok"),
        (
            {"authorization_response_iss_parameter_supported": CannedProvider.ABSENT},
            "iss",
            "warning",
        ),
        ({}, "keys", "ok"),
    ],
)
def test_what_the_provider_publishes_is_judged(
    desk: Desk, metadata: dict[str, object], check: str, outcome: str
) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    made = desk.connect()
    desk.broker.idp.metadata.update(metadata)
    found = look_at(desk, made["id"])
    assert outcome_of(found, check) == outcome
    assert found["client_authentication"] == "accepted"


def test_pushed_requests_that_a_connection_requires_have_to_be_taken(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    found = run(desk, pushed_authorization="required")
    assert outcome_of(found, "pushed_authorization") == "failed"


def test_keys_that_do_not_fit_the_id_tokens_are_named(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    found = run(desk, id_token_signed_response_alg="ES256")
    assert outcome_of(found, "keys") == "failed"


@pytest.mark.parametrize("body", [b"<html>", b'{"keys":[]}', b"[]"])
def test_a_set_of_keys_that_cannot_be_used_is_named(desk: Desk, body: bytes) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    desk.broker.idp.answers["/jwks"] = lambda _: HttpAnswer(status=200, headers=JSON, body=body)
    assert outcome_of(run(desk), "keys") == "failed"


@pytest.mark.parametrize("status", [404, 500, 503])
def test_keys_under_an_error_are_no_keys_as_a_login_would_not_take_them(
    desk: Desk, status: int
) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    keys = {"keys": [desk.broker.idp.jwk]}
    desk.broker.idp.answers["/jwks"] = lambda _: answer(keys, status=status)
    assert outcome_of(run(desk), "keys") == "failed"


def test_a_connection_that_nobody_pinned_is_named(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    stored = desk.broker.connect()
    assert outcome_of(look_at(desk, stored.id), "endpoints") == "warning"


def test_while_endpoints_are_held_the_test_asks_the_old_ones(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    made = desk.connect()
    desk.broker.idp.metadata["token_endpoint"] = "https://evil.example/token"
    found = look_at(desk, made["id"])
    assert found["client_authentication"] == "accepted"
    assert not [r for r in desk.broker.idp.requests if "evil" in r.url]


def test_a_token_endpoint_that_cannot_be_reached_leaves_it_unknown(desk: Desk) -> None:
    def lost(_: HttpRequest) -> HttpAnswer:
        raise Unreachable("exchange: TimeoutError", sent=True)

    desk.broker.idp.answers["/token"] = lost
    found = run(desk)
    assert (found["client_authentication"], found["evidence"]) == ("unknown", {})
    assert "Timeout" not in str(found)


def test_a_connection_is_tested_every_ten_seconds_at_most(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    made, other = desk.connect(), desk.connect("other")
    look_at(desk, made["id"])
    refused = desk.call("POST", f"/connections/{made['id']}/test")
    assert (refused.status, refused.code) == (429, "test_too_soon")
    assert refused.headers["retry-after"] == "10"
    look_at(desk, other["id"])
    desk.broker.clock.time += 10
    look_at(desk, made["id"])


def test_a_test_is_run_once_for_its_key(desk: Desk) -> None:
    desk.broker.idp.answers["/token"] = says(400, error="invalid_grant")
    made = desk.connect()
    path, headers = f"/connections/{made['id']}/test", {"idempotency-key": "one"}
    first = desk.call("POST", path, headers=headers)
    again = desk.call("POST", path, headers=headers)
    assert (again.status, again.json) == (200, first.json)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(desk.broker.idp.token_requests()) == 1


def test_a_connection_that_is_not_there_is_not_look_at(desk: Desk) -> None:
    assert desk.call("POST", f"/connections/con_{'a' * 26}/test").code == "not_found"


def test_kms_that_cannot_sign_is_our_own_fault(desk: Desk) -> None:
    made = desk.connect()
    desk.broker.kms.fail = 1
    refused = desk.call("POST", f"/connections/{made['id']}/test")
    assert (refused.status, refused.code) == (503, "signing_unavailable")


def test_a_lost_keyring_is_our_own_fault(desk: Desk) -> None:
    made = desk.connect()
    del desk.broker.keyrings.items[made["id"]]
    assert desk.call("POST", f"/connections/{made['id']}/test").code == "keyring_missing"


def test_a_document_of_two_readings_is_named(desk: Desk) -> None:
    made = desk.connect()
    desk.broker.idp.answers[DISCOVERY] = lambda _: HttpAnswer(
        status=200, headers=JSON, body=b'{"issuer":"a","issuer":"b"}'
    )
    found = look_at(desk, made["id"])
    assert "no JSON object without duplicates" in found["advice"]


def test_a_connections_own_headers_go_with_every_request_of_a_test_and_of_a_login() -> None:
    agent = {"user-agent": "Acme login"}
    desk = Desk()
    idp, person = desk.broker.idp, desk.broker.register_app()
    idp.metadata["pushed_authorization_request_endpoint"] = f"{PROVIDER}/par"
    idp.claims = {"email": CannedProvider.ABSENT}
    made = desk.connect(request_headers=agent)
    look_at(desk, made["id"])
    stored = desk.broker.connections.items[made["id"]]
    assert person.login(stored)
    paths = {request.url.removeprefix(PROVIDER) for request in idp.requests}
    assert paths == {DISCOVERY, "/jwks", "/par", "/token", "/me"}
    assert [r.url for r in idp.requests if r.headers.get("user-agent") != "Acme login"] == []
