"""What a provider says of a key that does not sign yet, and what a promotion waits for."""

from dataclasses import replace

import pytest
from tests.support.broker import BOUNDS, ISSUER, Broker
from tests.support.canned_provider import answer

from signet.broker.connection import Connection
from signet.broker.probe import ProviderProbe, evidence_for
from signet.broker.rotation import TIME_ALONE, Evidence
from signet.broker.signing import publishable_key
from signet.errors import Misconfigured
from signet.jose.algorithms import algorithm
from signet.jose.jws import read_unverified
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def connection(broker: Broker) -> Connection:
    return broker.connect()


def probe(broker: Broker, connection: Connection, *, deleted: bool = False) -> tuple[str, str]:
    """Probe a new key; return what was found, and the key's id."""
    kms, keyring = broker.kms, broker.keyrings.items[connection.id]
    key = publishable_key(
        kms,
        key_id=kms.create_key(algorithm=algorithm("RS256"), tags={}),
        alg="RS256",
        challenge="challenge",
        now=broker.clock.now(),
    )
    ask = ProviderProbe(
        issuer=ISSUER,
        provider=broker.provider,
        fetcher=broker.idp,
        entropy=broker.entropy,
        notices=broker.notices,
    )
    removed = replace(keyring, deleted_at=1) if deleted else keyring
    return ask(connection, removed, key), key.kid


@pytest.mark.parametrize(
    ("status", "error", "result"),
    [
        (400, "invalid_grant", "accepted"),
        (401, "invalid_client", "refused"),
        (400, "invalid_client", "refused"),
        (401, "", "refused"),
        (400, "invalid_request", "unknown"),
        (503, "", "unreachable"),
    ],
)
def test_the_answer_to_a_made_up_code_is_judged(
    broker: Broker, connection: Connection, status: int, error: str, result: str
) -> None:
    broker.idp.answers["/token"] = lambda _: answer({"error": error}, status=status)
    assert probe(broker, connection)[0] == result


def test_the_key_in_question_signs(broker: Broker, connection: Connection) -> None:
    _, kid = probe(broker, connection)
    (form,) = broker.idp.token_requests()
    assert read_unverified(form["client_assertion"]).header["kid"] == kid


@pytest.mark.parametrize("path", ["/token", "/.well-known/openid-configuration"])
def test_a_provider_that_cannot_be_reached_said_nothing(
    broker: Broker, connection: Connection, path: str
) -> None:
    def lost(_: HttpRequest) -> HttpAnswer:
        raise Unreachable("nobody is there", sent=False)

    broker.idp.answers[path] = lost
    assert probe(broker, connection)[0] == "unreachable"
    assert broker.notices.warnings == [("probe_unreachable", connection.id, "nobody is there")]


@pytest.mark.parametrize("document", [{"issuer": "https://other.example"}, {}])
def test_metadata_that_cannot_be_used_are_nobody_to_ask(
    broker: Broker, connection: Connection, document: dict[str, object]
) -> None:
    broker.idp.answers["/.well-known/openid-configuration"] = lambda _: answer(document)
    assert probe(broker, connection)[0] == "unreachable"
    assert not broker.idp.token_requests()
    ((code, told_of, reason),) = broker.notices.warnings
    assert (code, told_of) == ("probe_unreachable", connection.id)
    assert "issuer" in reason


def test_a_removed_owners_key_signs_no_probe(broker: Broker, connection: Connection) -> None:
    with pytest.raises(Misconfigured):
        probe(broker, connection, deleted=True)
    assert not broker.idp.token_requests()


def test_what_a_promotion_waits_for(connection: Connection) -> None:
    assert evidence_for(None) == TIME_ALONE
    assert evidence_for(connection) == Evidence(probe=True, word=False)
    manual = replace(connection, key_registration="manual")
    assert evidence_for(manual) == Evidence(probe=True, word=True)


def test_a_provider_that_cannot_be_asked_is_not_and_a_word_is_enough(broker: Broker) -> None:
    made = broker.connect(
        strategy="login_gov",
        issuer="https://secure.login.gov/",
        upstream_params={"acr_values": "urn:acr.login.gov:auth-only"},
    )
    begun = broker.rotator.step(made.id, requested=True)
    assert begun is not None
    assert begun.next is not None
    broker.clock.time += 10 * BOUNDS.propagation
    held = broker.rotator.step(made.id)
    assert held is not None
    assert (held.next, held.current) == (begun.next, begun.current)
    assert broker.idp.requests == []
    promoted = broker.rotator.approve(made.id, begun.next.kid, actor="admin")
    assert promoted.current.kid == begun.next.kid
    assert broker.idp.requests == []
