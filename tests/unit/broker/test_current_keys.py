"""What a login does when KMS refuses the key that it remembers as current, and who is told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support.broker import App, Broker, answer_of
from tests.support.canned_provider import answer
from tests.unit.broker.test_client_credentials import Management

from signet.broker.event import Event
from signet.broker.front_channel import Redirection
from signet.broker.keyring import ISSUER, Keyring, PublishedKey
from signet.broker.signing import publishable_key
from signet.errors import Misconfigured, Unavailable
from signet.jose.algorithms import algorithm
from signet.jose.jws import DigestSignature, read_unverified
from signet.oauth.client_assertion import ASSERTION_TYPE
from signet.oauth.http_message import HttpAnswer, HttpRequest

S = 30
DAY = 86_400


class Remembering:
    """A broker that remembers keyrings for S; one login went through it, so that it has them."""

    def __init__(self) -> None:
        self.broker = Broker(signer_cache=S)
        self.connection = self.broker.connect()
        self.app: App = self.broker.register_app()
        self.tokens()
        self.broker.audit.events.clear()
        self.signed_before = self.broker.kms.signatures

    def keyring(self, owner: str) -> Keyring:
        return self.broker.keyrings.items[owner]

    def store(self, owner: str, **members: object) -> Keyring:
        """Store a keyring as somebody else does, of whom this sandbox knows nothing."""
        before = self.keyring(owner)
        after: Keyring = replace(before, version=before.version + 1, **members)  # type: ignore[arg-type]
        self.broker.keyrings.items[owner] = after
        return after

    def new_key(self, owner: str) -> PublishedKey:
        kms, alg = self.broker.kms, self.keyring(owner).current.alg
        key = publishable_key(
            kms,
            key_id=kms.create_key(algorithm=algorithm(alg), tags={}),
            alg=alg,
            challenge="challenge",
            now=self.broker.clock.now(),
        )
        self.signed_before = kms.signatures
        return key

    def disable(self, key: PublishedKey) -> None:
        self.broker.kms.disable_key(key.key_id)

    def replace_key(self, owner: str) -> PublishedKey:
        """Have a new key take over, and the one before disabled at once: an emergency."""
        before, key = self.keyring(owner).current, self.new_key(owner)
        self.store(owner, current=key)
        self.disable(before)
        return key

    def finish(self) -> Redirection:
        return self.broker.callback(self.connection, self.app.begin())

    def tokens(self) -> dict[str, object]:
        return self.app.redeem(answer_of(self.finish())["code"])

    def kid(self) -> object:
        """Return the key of the last assertion that the provider got."""
        *_, form = self.broker.idp.token_requests()
        return read_unverified(form["client_assertion"]).header["kid"]

    def told(self) -> list[Event]:
        """Return what was announced; the audit has the same."""
        events = [event for event in self.broker.audit.events if event.type == "KeyUnusable"]
        assert events == self.broker.audit.published
        return events

    def signatures(self) -> int:
        return self.broker.kms.signatures - self.signed_before


@pytest.fixture
def remembering() -> Remembering:
    return Remembering()


def kid_of(token: object) -> object:
    return read_unverified(str(token)).header["kid"]


# --- another key is current by now -----------------------------------------------------------


def test_a_login_goes_on_with_the_key_that_took_over(remembering: Remembering) -> None:
    owner = remembering.connection.id
    key = remembering.replace_key(owner)
    remembering.store(owner, next=remembering.new_key(owner))
    assert "code" in answer_of(remembering.finish())
    assert remembering.kid() == key.kid
    assert remembering.told() == []


def test_the_next_login_knows_the_key_that_took_over(remembering: Remembering) -> None:
    key = remembering.replace_key(remembering.connection.id)
    remembering.finish()
    # Were the record read again, it would not be there.
    del remembering.broker.keyrings.items[remembering.connection.id]
    assert "code" in answer_of(remembering.finish())
    assert remembering.kid() == key.kid


def test_a_pushed_request_goes_on_too(remembering: Remembering) -> None:
    idp = remembering.broker.idp
    idp.metadata["pushed_authorization_request_endpoint"] = "https://idp.example/par"
    idp.answers["/par"] = lambda _: answer({"request_uri": "urn:e:1", "expires_in": 60}, status=201)
    remembering.broker.clock.time += DAY  # the metadata are read again
    remembering.broker.recent_keyrings.get(remembering.connection.id)
    key = remembering.replace_key(remembering.connection.id)
    remembering.app.begin()
    pushed = next(r for r in reversed(idp.requests) if r.url.endswith("/par"))
    assert kid_of((pushed.form or {})["client_assertion"]) == key.kid


def test_both_tokens_are_signed_with_the_issuers_key_that_took_over(
    remembering: Remembering,
) -> None:
    code = answer_of(remembering.finish())["code"]
    key = remembering.replace_key(ISSUER)
    remembering.broker.audit.events.clear()
    tokens = remembering.app.redeem(code)
    assert kid_of(tokens["access_token"]) == kid_of(tokens["id_token"]) == key.kid
    recorded = [(e.detail["purpose"], e.kid) for e in remembering.broker.audit.events]
    assert recorded == [("access_token", key.kid), ("id_token", key.kid)]


def test_a_key_that_is_replaced_between_two_tokens_is_recorded_by_its_own_name(
    remembering: Remembering,
) -> None:
    before = remembering.keyring(ISSUER).current
    code = answer_of(remembering.finish())["code"]
    replaced: list[PublishedKey] = []
    real = remembering.broker.kms.sign_digest

    def replacing(**arguments: Any) -> DigestSignature:
        signature = real(**arguments)
        if not replaced:
            replaced.append(before)
            replaced.append(remembering.replace_key(ISSUER))
        return signature

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembering.broker.kms, "sign_digest", replacing)
        remembering.broker.audit.events.clear()
        tokens = remembering.app.redeem(code)
    _, after = replaced
    assert (kid_of(tokens["access_token"]), kid_of(tokens["id_token"])) == (before.kid, after.kid)
    recorded = {(e.detail["purpose"], e.kid) for e in remembering.broker.audit.events}
    assert ("id_token", after.kid) in recorded


def test_a_clients_own_token_is_signed_with_the_key_that_took_over(
    remembering: Remembering,
) -> None:
    broker, management = remembering.broker, Management()
    issue = replace(management.issue, keyrings=broker.recent_keyrings, keys=broker.keys)
    key = remembering.replace_key(ISSUER)
    parameters = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": management.app.assertion(),
    }
    assert kid_of(issue(parameters, authorization=None)["access_token"]) == key.kid


def test_what_the_provider_refuses_then_is_tried_with_the_key_before_it(
    remembering: Remembering,
) -> None:
    """The second attempt is by the record that was read last, not by the remembered one."""
    owner, idp = remembering.connection.id, remembering.broker.idp
    refused, previous = remembering.new_key(owner), remembering.new_key(owner)
    remembered = remembering.keyring(owner).current
    remembering.store(owner, current=refused, previous=previous)
    remembering.disable(remembered)
    good = idp.id_token

    def token(request: HttpRequest) -> HttpAnswer:
        if kid_of((request.form or {})["client_assertion"]) == refused.kid:
            return answer({"error": "invalid_client"}, status=401)
        return answer({"access_token": "a", "token_type": "Bearer", "id_token": good()})

    idp.answers["/token"] = token
    assert "code" in answer_of(remembering.finish())
    assert remembering.kid() == previous.kid
    assert [event.kid for event in remembering.broker.audit.published] == [refused.kid]


def test_a_second_attempt_is_signed_with_the_key_of_the_first(remembering: Remembering) -> None:
    key = remembering.replace_key(remembering.connection.id)
    answers = iter([HttpAnswer(status=503, headers={}, body=b"")])
    idp = remembering.broker.idp
    idp.answers["/token"] = lambda _: (
        next(answers, None)
        or answer({"access_token": "a", "token_type": "Bearer", "id_token": idp.id_token()})
    )
    reads = counted(remembering)
    assert "code" in answer_of(remembering.finish())
    assert remembering.kid() == key.kid
    assert reads.count(remembering.connection.id) == 1


# --- the record names the key that KMS refuses -----------------------------------------------


def test_no_other_key_takes_over_and_operators_are_told(remembering: Remembering) -> None:
    owner = remembering.connection.id
    current = remembering.keyring(owner).current
    remembering.store(owner, next=remembering.new_key(owner), previous=remembering.new_key(owner))
    remembering.disable(current)
    redirection = remembering.finish()
    assert redirection.problem is not None
    assert redirection.problem.code == "signing_key"
    assert answer_of(redirection)["error"] == "server_error"
    assert remembering.signatures() == 0
    (event,) = remembering.told()
    assert (event.subject, event.connection, event.kid) == (owner, owner, current.kid)
    assert event.outcome == "failure"
    assert "enable it in KMS" in event.detail["reason"]
    assert "revoke it here" in event.detail["reason"]


def test_the_refused_key_is_asked_for_once(
    remembering: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    kms, asked = remembering.broker.kms, []
    real = kms.sign_digest

    def counting(**arguments: Any) -> DigestSignature:
        asked.append(arguments["key_id"])
        return real(**arguments)

    monkeypatch.setattr(kms, "sign_digest", counting)
    current = remembering.keyring(remembering.connection.id).current
    remembering.disable(current)
    remembering.finish()
    assert asked == [current.key_id]


def test_operators_are_told_once_a_day(remembering: Remembering) -> None:
    remembering.disable(remembering.keyring(remembering.connection.id).current)
    for _ in range(3):
        remembering.finish()
    assert len(remembering.told()) == 1
    remembering.broker.clock.time += DAY
    remembering.finish()
    assert len(remembering.told()) == 2


def test_a_key_that_took_over_and_is_refused_too_is_the_one_that_is_told_of(
    remembering: Remembering,
) -> None:
    key = remembering.replace_key(remembering.connection.id)
    remembering.disable(key)
    reads = counted(remembering)
    assert answer_of(remembering.finish())["error"] == "server_error"
    assert [event.kid for event in remembering.told()] == [key.kid]
    assert len(reads) == 1, "one look at the record, and no more"


def test_a_code_can_be_used_when_the_issuers_key_was_mended(remembering: Remembering) -> None:
    code = answer_of(remembering.finish())["code"]
    current = remembering.keyring(ISSUER).current
    remembering.disable(current)
    with pytest.raises(Misconfigured) as refused:
        remembering.app.redeem(code)
    assert refused.value.code == "signing_key"
    (event,) = remembering.told()
    assert (event.subject, event.connection, event.kid) == ("issuer", None, current.kid)
    remembering.broker.kms.disabled.clear()
    assert "id_token" in remembering.app.redeem(code)


def test_a_removed_owners_key_signs_no_more(remembering: Remembering) -> None:
    owner = remembering.connection.id
    remembering.disable(remembering.keyring(owner).current)
    remembering.store(owner, deleted_at=1, current=remembering.new_key(owner))
    for _ in range(2):  # as it was read again, and as it is remembered from then on
        assert problem_of(remembering.finish) == "keyring_missing"
    assert remembering.signatures() == 0
    assert remembering.told() == []


def test_without_a_record_nothing_signs(remembering: Remembering) -> None:
    owner = remembering.connection.id
    remembering.disable(remembering.keyring(owner).current)
    del remembering.broker.keyrings.items[owner]
    assert problem_of(remembering.finish) == "keyring_missing"


# --- what is no reason to look again, or to hide the error ------------------------------------


def test_a_kms_that_is_not_there_is_no_reason_to_read_again(remembering: Remembering) -> None:
    reads = counted(remembering)
    remembering.broker.kms.fail = 1
    assert problem_of(remembering.finish) == "signing_unavailable"
    assert reads == []
    assert remembering.told() == []


def test_a_good_login_reads_nothing_again(remembering: Remembering) -> None:
    reads = counted(remembering)
    remembering.tokens()
    assert reads == []


def test_what_cannot_be_told_hides_no_error(
    remembering: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> bool:
        raise Unavailable("store_unavailable", "The service is not available now.")

    monkeypatch.setattr(remembering.broker.limits, "take", down)
    remembering.disable(remembering.keyring(remembering.connection.id).current)
    assert problem_of(remembering.finish) == "signing_key"


def test_it_is_announced_also_where_it_cannot_be_recorded(remembering: Remembering) -> None:
    remembering.disable(remembering.keyring(remembering.connection.id).current)
    remembering.broker.audit.down = True
    assert problem_of(remembering.finish) == "signing_key"
    assert [event.type for event in remembering.broker.audit.published] == ["KeyUnusable"]


def problem_of(finish: Callable[[], Redirection]) -> str:
    problem = finish().problem
    assert problem is not None
    return problem.code


def counted(remembering: Remembering) -> list[str]:
    """Return a list that gets the owner of each keyring that is read from the table."""
    reads: list[str] = []
    keyrings = remembering.broker.keyrings
    real = keyrings.get

    def get(owner: str) -> Keyring | None:
        reads.append(owner)
        return real(owner)

    vars(keyrings)["get"] = get
    return reads
