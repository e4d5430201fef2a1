"""Names are resolved within a bound, and names that hang hold up nobody else (row 21)."""

import socket  # noqa: TID251  (its constants and errors; no socket is opened)
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from signet.adapters.fetcher import resolver as module
from signet.adapters.fetcher.connection import Deadline
from signet.adapters.fetcher.resolver import Resolver
from signet.oauth.http_message import Unreachable

Row = tuple[int, int, int, str, tuple[str, int]]


def row(address: str) -> Row:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))


class NameServers:
    """Stands for the system's resolver; names that begin with `silent` hang until released."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()
        self.patience = 30.0
        self.daemons: list[bool] = []
        self.problem: Exception | None = None

    def __call__(self, host: str, port: int, **hints: object) -> list[Row]:
        self.asked.append(host)
        self.daemons.append(threading.current_thread().daemon)
        assert hints == {"type": socket.SOCK_STREAM, "proto": socket.IPPROTO_TCP}
        if host.startswith("silent"):
            self.released.wait(self.patience)
        if self.problem is not None:
            raise self.problem
        return [row("1.1.1.1"), row("1.1.1.2"), row("1.1.1.1")]


@pytest.fixture
def servers() -> NameServers:
    return NameServers()


def hang(resolver: Resolver, host: str) -> None:
    with pytest.raises(Unreachable) as refused:
        resolver(host, 443, Deadline(0.02))
    assert refused.value.sent is False


def test_every_address_is_returned_once_in_order(servers: NameServers) -> None:
    assert Resolver(servers)("idp.example", 443, Deadline(10)) == ["1.1.1.1", "1.1.1.2"]


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("idp.example", "idp.example."),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_a_name_is_absolute_so_that_no_search_list_is_tried(
    servers: NameServers, host: str, asked: str
) -> None:
    Resolver(servers)(host, 443, Deadline(10))
    assert servers.asked == [asked]


@pytest.mark.parametrize(
    "problem", [socket.gaierror(-2, "unknown"), UnicodeError("label too long"), TimeoutError()]
)
def test_a_name_that_cannot_be_resolved_is_unreachable_and_nothing_was_sent(
    servers: NameServers, problem: Exception
) -> None:
    servers.problem = problem
    with pytest.raises(Unreachable) as refused:
        Resolver(servers)("idp.example", 443, Deadline(10))
    assert refused.value.sent is False


def test_a_lookup_that_hangs_ends_with_the_deadline(servers: NameServers) -> None:
    servers.patience = 2
    hang(Resolver(servers), "silent.example")
    servers.released.set()


def test_names_that_hang_take_no_place_from_others(servers: NameServers) -> None:
    resolver = Resolver(servers)
    for number in range(40):
        hang(resolver, f"silent-{number}.example")
    assert resolver("idp.example", 443, Deadline(10)) == ["1.1.1.1", "1.1.1.2"]
    servers.released.set()


def test_one_name_holds_one_thread_however_often_it_is_asked(servers: NameServers) -> None:
    resolver = Resolver(servers)
    for _ in range(20):
        hang(resolver, "silent.example")
    assert servers.asked == ["silent.example."]
    servers.released.set()


def test_lookups_that_hang_are_bounded_over_all_names(
    servers: NameServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LOOKUPS", 3)
    resolver = Resolver(servers)
    for number in range(3):
        hang(resolver, f"silent-{number}.example")
    with pytest.raises(Unreachable, match="too many lookups") as refused:
        resolver("idp.example", 443, Deadline(10))
    assert refused.value.sent is False
    servers.released.set()


def test_an_answer_is_not_kept_for_later_calls(servers: NameServers) -> None:
    resolver = Resolver(servers)
    for _ in range(3):
        resolver("idp.example", 443, Deadline(10))
    assert len(servers.asked) == 3
    assert resolver._running == {}


def test_a_failure_is_not_kept_for_later_calls(servers: NameServers) -> None:
    resolver = Resolver(servers)
    servers.problem = socket.gaierror(-3, "try again")
    hang(resolver, "idp.example")
    servers.problem = None
    assert resolver("idp.example", 443, Deadline(10)) == ["1.1.1.1", "1.1.1.2"]


def test_a_process_can_end_while_a_lookup_hangs(servers: NameServers) -> None:
    Resolver(servers)("idp.example", 443, Deadline(10))
    assert servers.daemons == [True]


def test_callers_at_once_share_a_lookup(servers: NameServers) -> None:
    resolver = Resolver(servers)

    def ask() -> list[str]:
        return resolver("silent.example", 443, Deadline(10))

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(ask) for _ in range(4)]
        servers.released.set()
        assert all(future.result() == ["1.1.1.1", "1.1.1.2"] for future in futures)


def test_no_thread_left_is_unreachable_and_not_remembered(
    servers: NameServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver, start = Resolver(servers), threading.Thread.start

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    hang(resolver, "idp.example")
    monkeypatch.setattr(threading.Thread, "start", start)
    assert resolver("idp.example", 443, Deadline(10)) == ["1.1.1.1", "1.1.1.2"]


def test_an_error_of_ours_in_a_lookup_reaches_the_caller(servers: NameServers) -> None:
    servers.problem = LookupError("a bug")
    with pytest.raises(LookupError, match="a bug"):
        Resolver(servers)("idp.example", 443, Deadline(10))
