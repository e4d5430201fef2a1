"""Every signature is in the audit, and what cannot be recorded does not go on."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.broker import App, Broker, answer_of
from tests.support.canned_provider import answer
from tests.support.management import Desk
from tests.unit.broker.test_client_credentials import Management
from tests.unit.broker.test_healing import Overlap
from tests.unit.broker.test_probe import probe

from signet.broker.event import Event
from signet.broker.login_record import LoginRecord
from signet.errors import Rejected, SignetError, Unavailable
from signet.jose.jws import read_unverified
from signet.oauth.http_message import Unreachable


class Recorded:
    """A broker with a connection and an application; `events` are those since the last look."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.connection = self.broker.connect()
        self.app: App = self.broker.register_app()
        self._seen = self.broker.kms.signatures

    def events(self) -> list[Event]:
        events, self.broker.audit.events = self.broker.audit.events, []
        return events

    def signatures(self) -> int:
        """Count what KMS signed since the last look."""
        before, self._seen = self._seen, self.broker.kms.signatures
        return self._seen - before

    def form(self, path: str = "/token") -> dict[str, Any]:
        request = next(r for r in reversed(self.broker.idp.requests) if r.url.endswith(path))
        return dict(request.form or {})


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def purposes(events: list[Event]) -> list[tuple[str, str]]:
    assert {event.type for event in events} <= {"SignatureMade"}
    return [(event.detail["purpose"], event.outcome) for event in events]


def with_par(recorded: Recorded) -> None:
    endpoint = "https://idp.example/par"
    recorded.broker.idp.metadata["pushed_authorization_request_endpoint"] = endpoint


# --- what is recorded ------------------------------------------------------------------------


def test_a_login_records_its_assertion_with_the_request_that_signed_it(recorded: Recorded) -> None:
    recorded.app.login(recorded.connection)
    assertion = read_unverified(recorded.form()["client_assertion"])
    assert recorded.events() == [
        Event(
            type="SignatureMade",
            time=recorded.broker.clock.now(),
            actor="signet",
            subject=recorded.connection.id,
            connection=recorded.connection.id,
            kid=str(assertion.header["kid"]),
            jti=str(assertion.claims["jti"]),
            kms_request_id=f"request-{recorded.broker.kms.signatures}",
            detail={"purpose": "client_assertion"},
        )
    ]


def test_a_pushed_request_records_its_assertion(recorded: Recorded) -> None:
    with_par(recorded)
    recorded.app.begin()
    (event,) = recorded.events()
    assertion = read_unverified(recorded.form("/par")["client_assertion"])
    assert (event.jti, event.kid) == (assertion.claims["jti"], assertion.header["kid"])


def test_tokens_record_both_signatures_for_their_application(recorded: Recorded) -> None:
    code = recorded.app.login(recorded.connection)
    recorded.events()
    tokens = recorded.app.redeem(code)
    access, identity = recorded.events()
    token = read_unverified(str(tokens["access_token"]))
    assert purposes([access, identity]) == [("access_token", "success"), ("id_token", "started")]
    for event in (access, identity):
        assert (event.actor, event.subject) == ("app", "issuer")
        assert event.connection == recorded.connection.id
        assert event.kid == token.header["kid"]
    assert access.jti == identity.detail["access_token_jti"] == token.claims["jti"]
    assert access.kms_request_id == f"request-{recorded.broker.kms.signatures - 1}"
    assert identity.kms_request_id is None


def test_every_signature_of_a_login_is_recorded_once(recorded: Recorded) -> None:
    with_par(recorded)
    recorded.signatures()
    recorded.app.redeem(recorded.app.login(recorded.connection))
    events = recorded.events()
    assert len(events) == recorded.signatures() == 4
    known = [event.kms_request_id for event in events if event.kms_request_id is not None]
    assert len(set(known)) == 3


def test_each_attempt_records_the_signature_of_its_own_assertion(recorded: Recorded) -> None:
    answers = [answer({}, status=503), answer({}, status=503)]
    recorded.broker.idp.answers["/token"] = lambda _: answers.pop()
    started = recorded.app.begin()
    recorded.broker.callback(recorded.connection, started)
    first, second = recorded.events()
    assert first.jti != second.jti
    assert first.kms_request_id != second.kms_request_id


def test_what_never_left_is_recorded_too(recorded: Recorded) -> None:
    def nowhere(_: object) -> Any:
        raise Unreachable("nobody is there", sent=False)

    recorded.broker.idp.answers["/token"] = nowhere
    recorded.broker.callback(recorded.connection, recorded.app.begin())
    assert purposes(recorded.events()) == [("client_assertion", "success")] * 2


def test_a_healed_login_records_both_keys() -> None:
    overlap = Overlap()
    overlap.broker.audit.events.clear()
    overlap.finish()
    assert [event.kid for event in overlap.broker.audit.events] == overlap.kids
    assert [event.jti for event in overlap.broker.audit.events] == overlap.jtis


def test_a_token_of_ones_own_is_recorded_for_its_client() -> None:
    management = Management()
    token = read_unverified(management.token())
    (event,) = management.broker.audit.events
    assert purposes([event]) == [("client_token", "success")]
    assert (event.actor, event.subject, event.connection) == ("app", "issuer", None)
    assert (event.jti, event.kid) == (token.claims["jti"], token.header["kid"])
    assert event.kms_request_id


def test_a_probe_records_the_key_in_question(recorded: Recorded) -> None:
    _, kid = probe(recorded.broker, recorded.connection)
    assert [event.kid for event in recorded.events()] == [kid]


def test_a_connections_test_records_its_signature() -> None:
    desk = Desk()
    made = desk.connect()
    desk.broker.audit.events.clear()
    desk.call("POST", f"/connections/{made['id']}/test")
    assert purposes(desk.broker.audit.events) == [("client_assertion", "success")]


def test_nothing_that_was_carried_is_in_an_event(recorded: Recorded) -> None:
    with_par(recorded)
    code = recorded.app.login(recorded.connection)
    tokens = recorded.app.redeem(code)
    text = repr(recorded.events())
    for carried in (
        code,
        recorded.form()["client_assertion"],
        recorded.form()["code"],
        str(tokens["access_token"]),
        str(tokens["id_token"]),
        "ada@example.org",
    ):
        assert carried not in text


# --- what was signed for nothing -------------------------------------------------------------


def test_a_login_that_is_not_known_any_more_leaves_its_signature_unused(recorded: Recorded) -> None:
    started = recorded.app.begin()
    recorded.broker.callback(recorded.connection, started)
    recorded.events()
    with pytest.raises(Rejected):
        recorded.broker.callback(recorded.connection, started)
    (event,) = recorded.events()
    assert purposes([event]) == [("client_assertion", "unused")]
    assert event.kms_request_id == f"request-{recorded.broker.kms.signatures}"


def test_an_expired_login_leaves_its_signature_unused(recorded: Recorded) -> None:
    started = recorded.app.begin()
    recorded.broker.clock.time += 600
    with pytest.raises(Rejected):
        recorded.broker.callback(recorded.connection, started)
    assert purposes(recorded.events()) == [("client_assertion", "unused")]


def test_a_store_that_is_down_leaves_the_signature_unused(recorded: Recorded) -> None:
    class Down:
        def take(self, state: str) -> LoginRecord | None:
            raise Unavailable("store_unavailable", f"Not available: {len(state)}.")

        def add(self, record: LoginRecord) -> None:
            raise NotImplementedError

    started = recorded.app.begin()
    recorded.broker.finish = replace(recorded.broker.finish, logins=Down())
    with pytest.raises(Unavailable):
        recorded.broker.callback(recorded.connection, started)
    assert purposes(recorded.events()) == [("client_assertion", "unused")]


def test_a_client_that_may_not_use_the_connection_any_more_leaves_it_unused(
    recorded: Recorded,
) -> None:
    started = recorded.app.begin()
    client = recorded.broker.clients.items["app"]
    recorded.broker.clients.items["app"] = replace(client, connections=("other",))
    recorded.broker.callback(recorded.connection, started)
    assert purposes(recorded.events()) == [("client_assertion", "unused")]


def test_what_was_not_signed_is_not_recorded(recorded: Recorded) -> None:
    started = recorded.app.begin()
    recorded.signatures()
    started.cookies.clear()
    with pytest.raises(Rejected):
        recorded.broker.callback(recorded.connection, started)
    assert recorded.signatures() == 0
    assert recorded.events() == []


@pytest.mark.parametrize(
    ("failing", "left"), [(0, [("access_token", "unused")]), (1, [])], ids=["signed", "not signed"]
)
def test_who_did_not_win_the_code_leaves_the_access_token_unused(
    recorded: Recorded, failing: int, left: list[tuple[str, str]]
) -> None:
    code = recorded.app.login(recorded.connection)
    grants, found = recorded.broker.grants, recorded.broker.grants.redeem

    def too_late(grant_id: str, **arguments: Any) -> bool:
        found(grant_id, **{**arguments, "redemption": "another"})
        return found(grant_id, **arguments)

    grants.redeem = too_late  # type: ignore[method-assign]
    recorded.events()
    recorded.broker.kms.fail = failing
    with pytest.raises(Rejected):
        recorded.app.redeem(code)
    assert purposes(recorded.events()) == left


# --- what cannot be recorded does not go on --------------------------------------------------


def test_a_login_that_cannot_be_recorded_brings_no_code(recorded: Recorded) -> None:
    started = recorded.app.begin()
    recorded.broker.audit.down = True
    back = answer_of(recorded.broker.callback(recorded.connection, started))
    assert back["error"] == "temporarily_unavailable"
    assert recorded.broker.grants.items == {}


def test_the_audits_failure_is_no_reason_to_send_another_assertion(recorded: Recorded) -> None:
    def nowhere(_: object) -> Any:
        raise Unreachable("nobody is there", sent=False)

    recorded.broker.idp.answers["/token"] = nowhere
    started = recorded.app.begin()
    recorded.broker.audit.down = True
    recorded.signatures()
    recorded.broker.callback(recorded.connection, started)
    assert recorded.signatures() == 1


def test_a_pushed_request_that_cannot_be_recorded_begins_no_login(recorded: Recorded) -> None:
    with_par(recorded)
    recorded.broker.audit.down = True
    back = answer_of(recorded.broker.start(recorded.app.request()))  # type: ignore[arg-type]
    assert back["error"] == "temporarily_unavailable"


def test_tokens_that_cannot_be_recorded_are_not_given_out_and_the_code_stays_good(
    recorded: Recorded,
) -> None:
    code = recorded.app.login(recorded.connection)
    recorded.broker.audit.down = True
    with pytest.raises(Unavailable):
        recorded.app.redeem(code)
    recorded.broker.audit.down = False
    assert "id_token" in recorded.app.redeem(code)


def test_a_token_of_ones_own_that_cannot_be_recorded_is_not_given_out() -> None:
    management = Management()
    management.broker.audit.down = True
    with pytest.raises(Unavailable):
        management.token()


def test_a_probe_and_a_test_that_cannot_be_recorded_ask_nobody(recorded: Recorded) -> None:
    recorded.broker.audit.down = True
    with pytest.raises(SignetError) as refused:
        probe(recorded.broker, recorded.connection)
    assert refused.value.code == "store_unavailable"
    desk = Desk()
    made = desk.connect()
    desk.broker.audit.down = True
    asked = desk.call("POST", f"/connections/{made['id']}/test")
    assert (asked.status, asked.code) == (503, "store_unavailable")
    assert not recorded.broker.idp.token_requests()
    assert not desk.broker.idp.token_requests()
