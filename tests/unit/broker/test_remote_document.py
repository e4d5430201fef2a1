"""Documents of others: how long they are believed, and how often they are asked for."""

from collections.abc import Callable

import pytest
from tests.support.broker import App, Broker
from tests.support.memory import FixedClock

from signet.broker import remote_document
from signet.broker.remote_document import RemoteDocuments
from signet.broker.remote_keys import RemoteKeys
from signet.errors import SignetError, Unavailable
from signet.jose import strict_json
from signet.jose.jws import InvalidToken, UnknownKey
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable

URL = "https://idp.example/jwks"
TYPES = frozenset({"JWT"})


class Origin:
    """Answers with a counter; `fail` makes it a failing one."""

    def __init__(self) -> None:
        self.requests = 0
        self.fail: Callable[[], HttpAnswer] | None = None

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        self.requests += 1
        if self.fail is not None:
            return self.fail()
        return HttpAnswer(status=200, headers={}, body=str(self.requests).encode())


def lost() -> HttpAnswer:
    raise Unreachable("the line was cut", sent=True)


def server_error() -> HttpAnswer:
    return HttpAnswer(status=500, headers={}, body=b"")


def unreadable() -> HttpAnswer:
    return HttpAnswer(status=200, headers={}, body=b"x")


def read(answer: HttpAnswer, url: str) -> int:
    if not answer.body.isdigit():
        raise Unavailable("destination_unavailable", "Not now.")
    return int(answer.body)


FAILURES = pytest.mark.parametrize("fail", [lost, server_error, unreadable])


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def documents(origin: Origin, clock: FixedClock) -> RemoteDocuments[int]:
    return RemoteDocuments(fetcher=origin, clock=clock, read=read)


def test_a_document_is_fresh_for_five_minutes(
    documents: RemoteDocuments[int], clock: FixedClock
) -> None:
    assert documents.get(URL, bulkhead="a") == 1
    clock.time += 299
    assert documents.get(URL, bulkhead="a") == 1
    clock.time += 1
    assert documents.get(URL, bulkhead="a") == 2


@FAILURES
def test_a_good_document_is_used_on_while_its_origin_fails(
    documents: RemoteDocuments[int],
    origin: Origin,
    clock: FixedClock,
    fail: Callable[[], HttpAnswer],
) -> None:
    documents.get(URL, bulkhead="a")
    origin.fail = fail
    clock.time += 86_399
    assert documents.get(URL, bulkhead="a") == 1
    assert documents.refetch(URL, bulkhead="a") is None
    clock.time += 1
    with pytest.raises(SignetError):
        documents.get(URL, bulkhead="a")


def test_a_failing_origin_is_not_asked_at_every_login(
    documents: RemoteDocuments[int], origin: Origin, clock: FixedClock
) -> None:
    documents.get(URL, bulkhead="a")
    origin.fail = lost
    clock.time += 300
    for _ in range(5):
        documents.get(URL, bulkhead="a")
    assert origin.requests == 2
    clock.time += 30
    documents.get(URL, bulkhead="a")
    assert origin.requests == 3


def test_a_clock_that_went_back_makes_nothing_fresh(
    documents: RemoteDocuments[int], clock: FixedClock
) -> None:
    documents.get(URL, bulkhead="a")
    clock.time -= 1
    assert documents.get(URL, bulkhead="a") == 2


@FAILURES
def test_without_a_document_its_origins_failure_is_ours(
    documents: RemoteDocuments[int], origin: Origin, fail: Callable[[], HttpAnswer]
) -> None:
    origin.fail = fail
    with pytest.raises(SignetError):
        documents.get(URL, bulkhead="a")
    assert documents.refetch(URL, bulkhead="a") is None


def test_a_document_is_refetched_at_most_every_thirty_seconds(
    documents: RemoteDocuments[int], clock: FixedClock
) -> None:
    documents.get(URL, bulkhead="a")
    assert documents.refetch(URL, bulkhead="a") == 2
    assert documents.refetch(URL, bulkhead="a") is None
    clock.time += 29
    assert documents.refetch(URL, bulkhead="a") is None
    clock.time += 1
    assert documents.refetch(URL, bulkhead="a") == 3


def test_only_so_many_documents_are_kept(
    documents: RemoteDocuments[int], origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_document, "MAX_DOCUMENTS", 2)
    for url in ("a", "b", "a", "c", "c"):
        documents.get(url, bulkhead="x")
    assert origin.requests == 3
    documents.get("a", bulkhead="x")
    assert origin.requests == 4


# --- keys ---


@pytest.fixture
def broker() -> Broker:
    return Broker()


def keys_of(broker: Broker, *apps: App) -> RemoteKeys:
    broker.idp.answers["/jwks"] = lambda _: _jwks(*apps)
    return RemoteKeys(fetcher=broker.idp, clock=broker.clock)


def _jwks(*apps: App) -> HttpAnswer:
    return HttpAnswer(
        status=200, headers={}, body=strict_json.dumps({"keys": [app.jwk for app in apps]})
    )


def check(keys: RemoteKeys, token: str) -> str:
    verified = keys.verify(token, url=URL, alg="ES256", types=TYPES, bulkhead="x")
    return str(verified.claims["iss"])


def test_a_forged_token_costs_no_refetch(broker: Broker) -> None:
    app = App(broker)
    keys = keys_of(broker, app)
    token = app.assertion()
    assert check(keys, token) == "app"
    with pytest.raises(InvalidToken):
        check(keys, token[:-4] + "AAAA")
    assert len(broker.idp.requests) == 1


def test_an_unknown_key_costs_one_refetch_in_thirty_seconds(broker: Broker) -> None:
    app, stranger = App(broker), App(broker)
    keys = keys_of(broker, app)
    for _ in range(5):
        with pytest.raises(UnknownKey):
            check(keys, stranger.assertion())
    assert len(broker.idp.requests) == 2
    assert check(keys, app.assertion()) == "app"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"keys":[]}', b'{"keys":[{"kty":"oct"}]}'])
def test_a_set_without_usable_keys_never_replaces_a_good_one(broker: Broker, body: bytes) -> None:
    app = App(broker)
    keys = keys_of(broker, app)
    keys.load(URL, bulkhead="x")
    broker.idp.answers["/jwks"] = lambda _: HttpAnswer(status=200, headers={}, body=body)
    broker.clock.time += 300
    assert check(keys, app.assertion()) == "app"
    with pytest.raises(Unavailable):
        RemoteKeys(fetcher=broker.idp, clock=broker.clock).load(URL, bulkhead="x")
