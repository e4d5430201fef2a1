"""A login while a provider does not know the new key: one second attempt, and who is told."""

from dataclasses import replace

import pytest
from tests.support.broker import App, Broker, answer_of
from tests.support.canned_provider import answer

from signet.broker.healing import Healing
from signet.broker.keyring import Keyring
from signet.broker.provider import Authentication
from signet.broker.signing import publishable_key
from signet.errors import Misconfigured
from signet.jose.algorithms import algorithm
from signet.jose.jws import read_unverified
from signet.oauth.http_message import HttpAnswer, HttpRequest

REFUSED = answer({"error": "invalid_client"}, status=401)


class Overlap:
    """A connection after a promotion; its provider refuses the keys in `refused`."""

    def __init__(self) -> None:
        self.broker = Broker()
        self.connection = self.broker.connect()
        self.app: App = self.broker.register_app()
        self.before = self.keyring()
        kms = self.broker.kms
        current = publishable_key(
            kms,
            key_id=kms.create_key(algorithm=algorithm(self.before.current.alg), tags={}),
            alg=self.before.current.alg,
            challenge="challenge",
            now=self.broker.clock.now(),
        )
        self.store(replace(self.before, current=current, previous=self.before.current))
        self.refused = {current.kid}
        self.refusal = REFUSED
        self.good: HttpAnswer | None = None
        self.kids: list[str] = []
        self.jtis: list[object] = []
        self.broker.idp.answers["/token"] = self.token

    def keyring(self) -> Keyring:
        return self.broker.keyrings.items[self.connection.id]

    def store(self, keyring: Keyring) -> None:
        self.broker.keyrings.items[self.connection.id] = keyring

    def token(self, request: HttpRequest) -> HttpAnswer:
        assertion = read_unverified((request.form or {})["client_assertion"])
        self.kids.append(str(assertion.header["kid"]))
        self.jtis.append(assertion.claims["jti"])
        if self.kids[-1] in self.refused:
            return self.refusal
        return self.good or answer(
            {"access_token": "a", "token_type": "Bearer", "id_token": self.broker.idp.id_token()}
        )

    def finish(self) -> dict[str, str]:
        return answer_of(self.broker.callback(self.connection, self.app.begin()))


@pytest.fixture
def overlap() -> Overlap:
    return Overlap()


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_key_is_followed_by_the_previous_one_and_told(
    overlap: Overlap, status: int
) -> None:
    overlap.refusal = answer({"error": "invalid_client"}, status=status)
    assert "code" in overlap.finish()
    keyring = overlap.keyring()
    assert overlap.kids == [keyring.current.kid, overlap.before.current.kid]
    assert len(set(overlap.jtis)) == 2
    (event,) = overlap.broker.audit.published
    assert (event.type, event.subject, event.connection, event.kid) == (
        "KeyRefused",
        overlap.connection.id,
        overlap.connection.id,
        keyring.current.kid,
    )


def test_without_a_previous_key_there_is_one_attempt(overlap: Overlap) -> None:
    overlap.store(replace(overlap.keyring(), previous=None))
    assert overlap.finish()["error"] == "server_error"
    assert len(overlap.kids) == 1
    assert not overlap.broker.audit.published


def test_two_refused_keys_end_the_login_after_two_attempts(overlap: Overlap) -> None:
    overlap.refused.add(overlap.before.current.kid)
    assert overlap.finish()["error"] == "server_error"
    assert len(overlap.kids) == 2
    assert not overlap.broker.audit.published


def test_another_refusal_is_not_tried_again(overlap: Overlap) -> None:
    overlap.refusal = answer({"access_token": "a", "token_type": "Bearer"})
    assert overlap.finish()["error"] == "server_error"
    assert len(overlap.kids) == 1


def test_what_the_second_attempt_says_does_not_replace_the_first_error(overlap: Overlap) -> None:
    overlap.good = answer({}, status=503)
    assert overlap.finish()["error"] == "server_error"
    assert len(overlap.kids) == 2, "the second key has one attempt"
    assert not overlap.broker.audit.published


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (answer({"error": "invalid_grant"}, status=400), ["KeyRefused"]),
        (answer({"access_token": "a", "token_type": "Bearer"}), ["KeyRefused"]),
        (answer({"error": "invalid_request"}, status=400), []),
        (answer({"error": "unauthorized_client"}, status=400), []),
        (answer({}, status=503), []),
    ],
)
def test_a_login_that_fails_behind_the_client_tells_of_the_key_too(
    overlap: Overlap, second: HttpAnswer, told: list[str]
) -> None:
    """The provider let the previous key in and refused what came with it: the current is amiss."""
    overlap.good = second
    assert overlap.finish()["error"] == "server_error"
    assert len(overlap.kids) == 2
    assert [event.type for event in overlap.broker.audit.published] == told


def test_a_pushed_request_is_healed_too(overlap: Overlap) -> None:
    idp = overlap.broker.idp
    idp.metadata["pushed_authorization_request_endpoint"] = "https://idp.example/par"
    idp.answers["/par"] = overlap.token
    overlap.good = answer({"request_uri": "urn:e:1", "expires_in": 60}, status=201)
    overlap.app.begin()
    assert overlap.kids == [overlap.keyring().current.kid, overlap.before.current.kid]
    assert [event.type for event in overlap.broker.audit.published] == ["KeyRefused"]


def test_an_error_of_our_own_is_not_tried_again(overlap: Overlap) -> None:
    broker, sent = overlap.broker, []
    healing = Healing(provider=broker.provider, announcements=broker.audit, clock=broker.clock)
    metadata = broker.provider.metadata(overlap.connection)

    first = broker.provider.authenticate(overlap.connection, overlap.keyring(), metadata)

    def send(authentication: Authentication, _: int) -> None:
        sent.append(authentication)
        raise Misconfigured("signing_key", "No key.", private="it is disabled")

    with pytest.raises(Misconfigured):
        healing(overlap.connection, metadata, first=first, send=send)
    assert sent == [first]
