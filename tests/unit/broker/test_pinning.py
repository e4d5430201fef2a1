"""A provider is held to the endpoints that an administrator agreed to (RP-071, RP-072)."""

from collections.abc import Callable

import pytest
from tests.support.broker import App, answer_of
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.canned_provider import CannedProvider, answer
from tests.support.management import Desk, connection

from signet.broker import provider
from signet.errors import SignetError, Unavailable
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable

EVIL = "https://evil.example"
DISCOVERY = "/.well-known/openid-configuration"


class Office(Desk):
    """An administrator's desk, and a person who logs in."""

    def __init__(self) -> None:
        super().__init__()
        self.broker.idp.metadata["pushed_authorization_request_endpoint"] = f"{PROVIDER}/par"
        self.person: App = self.broker.register_app()


@pytest.fixture
def desk() -> Office:
    return Office()


def login(desk: Office, identifier: str) -> dict[str, str]:
    """Go through a login, and return what the application gets."""
    app = desk.person
    connection = desk.broker.connections.items[identifier]
    return answer_of(desk.broker.callback(connection, app.begin(connection=connection.name)))


def later(desk: Office, **metadata: object) -> None:
    """Let the provider publish something else, and let what is in memory grow old."""
    desk.broker.idp.metadata.update(metadata)
    desk.broker.clock.time += 301


def test_the_endpoints_are_pinned_when_a_connection_is_made(desk: Office) -> None:
    made = desk.connect()
    assert made["endpoints"]["token_endpoint"] == f"{PROVIDER}/token"
    assert made["endpoints"]["jwks_uri"] == f"{PROVIDER}/jwks"
    assert made["endpoints"]["iss_parameter_supported"] is True
    assert made["endpoints"]["pinned_at"] == made["created_at"]


def test_a_provider_that_does_not_answer_yet_can_be_registered(desk: Office) -> None:
    def nobody(_: HttpRequest) -> HttpAnswer:
        raise Unreachable("nobody is there", sent=False)

    desk.broker.idp.answers[DISCOVERY] = nobody
    assert desk.connect()["endpoints"] is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": EVIL},
        {"issuer": f"{PROVIDER}/"},
        {"issuer": [PROVIDER]},
        {"issuer": CannedProvider.ABSENT},
        {"token_endpoint": CannedProvider.ABSENT},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
    ],
)
def test_metadata_that_no_login_could_use_refuse_the_connection_and_make_no_key(
    desk: Office, metadata: dict[str, object]
) -> None:
    desk.broker.idp.metadata.update(metadata)
    keys = len(desk.broker.kms.keys)
    refused = desk.call("POST", "/connections", connection())
    assert (refused.status, refused.code) == (400, "provider_metadata")
    assert len(desk.broker.kms.keys) == keys
    assert not desk.broker.connections.items


@pytest.mark.parametrize(
    "name",
    [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "pushed_authorization_request_endpoint",
    ],
)
@pytest.mark.parametrize(
    "elsewhere", [f"{EVIL}/x", "http://idp.example:443/x", "https://idp.example:8443/x"]
)
def test_an_endpoint_elsewhere_is_not_followed_and_logins_go_on(
    desk: Office, name: str, elsewhere: str
) -> None:
    made = desk.connect()
    later(desk, **{name: elsewhere})
    assert "code" in login(desk, made["id"])
    assert not [r for r in desk.broker.idp.requests if r.url == elsewhere]


def test_an_endpoint_may_move_within_the_origin_that_was_agreed_to(desk: Office) -> None:
    made = desk.connect()
    desk.broker.idp.answers["/v2/token"] = lambda _: desk.broker.idp._token()
    later(desk, token_endpoint=f"{PROVIDER}/v2/token")
    assert "code" in login(desk, made["id"])
    assert f"{PROVIDER}/v2/token" in {request.url for request in desk.broker.idp.requests}


@pytest.mark.parametrize(
    "metadata",
    [
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint_auth_methods_supported": ["client_secret_post"]},
        {"issuer": EVIL},
        {"jwks_uri": CannedProvider.ABSENT},
    ],
)
def test_metadata_that_got_worse_break_no_login(desk: Office, metadata: dict[str, object]) -> None:
    made = desk.connect()
    later(desk, **metadata)
    assert "code" in login(desk, made["id"])


def test_a_provider_cannot_take_its_promise_of_iss_back(desk: Office) -> None:
    made = desk.connect()
    later(desk, authorization_response_iss_parameter_supported=False)
    stored = desk.broker.connections.items[made["id"]]
    started = desk.person.begin(connection="acme")
    refused = answer_of(desk.broker.callback(stored, started, iss=None))
    assert refused["error"] == "access_denied"


def test_while_discovery_is_down_the_pinned_endpoints_serve_on(desk: Office) -> None:
    made = desk.connect()

    def down(_: HttpRequest) -> HttpAnswer:
        raise Unreachable("down", sent=False)

    desk.broker.idp.answers[DISCOVERY] = down
    desk.broker.clock.time += 2 * 86_400
    assert "code" in login(desk, made["id"])


def test_without_pinned_endpoints_a_provider_that_is_down_is_unavailable(desk: Office) -> None:
    stored = desk.broker.connect()

    def down(_: HttpRequest) -> HttpAnswer:
        raise Unreachable("down", sent=False)

    desk.broker.idp.answers[DISCOVERY] = down
    with pytest.raises(Unavailable):
        desk.broker.provider.metadata(stored)


def test_an_administrator_agrees_to_what_the_provider_publishes_now(desk: Office) -> None:
    made = desk.connect()
    later(desk, token_endpoint="https://new.example/token")
    agreed = desk.call("POST", f"/connections/{made['id']}/metadata")
    assert agreed.status == 200
    assert agreed.json["endpoints"]["token_endpoint"] == "https://new.example/token"
    assert agreed.json["etag"] != made["etag"]
    stored = desk.broker.connections.items[made["id"]]
    assert desk.broker.provider.metadata(stored).token_endpoint == "https://new.example/token"


def _worse(idp: CannedProvider) -> None:
    idp.metadata["issuer"] = EVIL


def _html(idp: CannedProvider) -> None:
    idp.answers[DISCOVERY] = lambda _: HttpAnswer(status=200, headers={}, body=b"<html>")


def _missing(idp: CannedProvider) -> None:
    idp.answers[DISCOVERY] = lambda _: answer({}, status=404)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (_worse, 400, "provider_metadata"),
        (_html, 400, "provider_metadata"),
        (_missing, 422, "provider_unreachable"),
    ],
)
def test_nobody_agrees_to_what_cannot_be_used(
    desk: Office, change: Callable[[CannedProvider], None], status: int, code: str
) -> None:
    made = desk.connect()
    change(desk.broker.idp)
    refused = desk.call("POST", f"/connections/{made['id']}/metadata")
    assert (refused.status, refused.code) == (status, code)
    assert desk.call("GET", f"/connections/{made['id']}").json == made


def test_agreement_is_to_the_version_that_was_read(desk: Office) -> None:
    made = desk.connect()
    path = f"/connections/{made['id']}/metadata"
    assert desk.call("POST", path, headers={"if-match": '"0-9"'}).code == "version_mismatch"
    assert desk.call("POST", path, headers={"if-match": made["etag"]}).status == 200


def test_of_two_who_change_a_connection_the_agreement_that_is_late_is_refused(desk: Office) -> None:
    made = desk.connect()

    def meanwhile(request: HttpRequest) -> HttpAnswer:
        del desk.broker.idp.answers[DISCOVERY]
        changed = desk.call("PATCH", f"/connections/{made['id']}", {"display_name": "Other"})
        assert changed.status == 200
        return desk.broker.idp.fetch(request, bulkhead="x")

    desk.broker.idp.answers[DISCOVERY] = meanwhile
    refused = desk.call("POST", f"/connections/{made['id']}/metadata")
    assert refused.code == "version_mismatch"


def test_a_new_issuer_gets_its_own_endpoints(desk: Office) -> None:
    made = desk.connect()
    changed = desk.call(
        "PATCH", f"/connections/{made['id']}", {"issuer": "https://nobody.example"}
    ).json
    assert changed["endpoints"] is None
    back = desk.call("PATCH", f"/connections/{made['id']}", {"issuer": PROVIDER}).json
    assert back["endpoints"]["token_endpoint"] == f"{PROVIDER}/token"


def test_a_change_of_something_else_keeps_what_was_agreed_to(desk: Office) -> None:
    made = desk.connect()
    changed = desk.call("PATCH", f"/connections/{made['id']}", {"display_name": "Other"}).json
    assert changed["endpoints"] == made["endpoints"]


def test_endpoints_cannot_be_set_by_hand(desk: Office) -> None:
    made = desk.connect()
    endpoints = {**made["endpoints"], "token_endpoint": f"{EVIL}/token"}
    refused = desk.call("PATCH", f"/connections/{made['id']}", {"endpoints": endpoints})
    assert refused.status == 400
    assert isinstance(refused.json["detail"], str)
    with pytest.raises(SignetError):
        desk.broker.connect("other", endpoints=endpoints)


def test_operators_are_told_of_metadata_that_are_held_back_now_and_then(desk: Office) -> None:
    made = desk.connect()
    login(desk, made["id"])
    assert desk.broker.notices.warnings == []
    later(desk, token_endpoint=f"{EVIL}/token")
    for _ in range(3):
        login(desk, made["id"])
    warning = ("metadata_held", made["id"], "changed: token_endpoint")
    assert desk.broker.notices.warnings == [warning]
    later(desk)
    login(desk, made["id"])
    assert desk.broker.notices.warnings == [warning, warning]


def test_operators_are_told_of_metadata_that_cannot_be_used_any_more(desk: Office) -> None:
    made = desk.connect()
    later(desk, code_challenge_methods_supported=["plain"])
    login(desk, made["id"])
    ((code, identifier, reason),) = desk.broker.notices.warnings
    assert (code, identifier) == ("metadata_held", made["id"])
    assert "S256" in reason


def test_of_many_connections_the_memory_of_who_was_told_is_bounded(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "_MAX_NOTICED", 1)
    first, second = desk.connect("first"), desk.connect("second")
    later(desk, token_endpoint=f"{EVIL}/token")
    for made in (first, second, first):
        login(desk, made["id"])
    assert len(desk.broker.notices.warnings) == 3
