"""Where a request goes, and where it never goes (RP-079, RP-081, MG-001, MG-002)."""

import socket  # noqa: TID251  (a port that nobody listens on)
from collections.abc import Callable, Iterator

import pytest
from tests.integration.fetcher.conftest import ADDRESS, HOST, PUBLIC, Network
from tests.integration.fetcher.test_tls import GOOD
from tests.support.scripted_server import ScriptedServer

from signet.adapters.fetcher.breaker import FAILURES_TO_OPEN
from signet.adapters.fetcher.connection import Limits
from signet.adapters.fetcher.destination import DestinationPolicy
from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.oauth.http_message import DestinationRefused, HttpAnswer, HttpRequest, Unreachable

Serve = Callable[..., ScriptedServer]
Get = Callable[..., HttpAnswer]
INSIDE = ("127.0.0.2", "169.254.169.254", "10.0.0.1", "::1", "64:ff9b::7f00:1", "fd00:ec2::254")


@pytest.fixture
def canary() -> Iterator[ScriptedServer]:
    """Something that must never see a connection."""
    with ScriptedServer(GOOD) as server:
        yield server
        assert server.connections == 0


def test_a_name_is_resolved_once_in_one_call(serve: Serve, get: Get, network: Network) -> None:
    network.answers = [[ADDRESS], ["127.0.0.2"]]
    serve(GOOD)
    assert get().status == 200
    assert network.lookups == [HOST]
    assert network.connected == [(ADDRESS, 443)]


def test_a_name_that_is_rebound_is_refused_at_the_next_call(
    serve: Serve, make_fetcher: Callable[..., GuardedFetcher], network: Network
) -> None:
    network.answers = [[ADDRESS], ["127.0.0.2"]]
    server = serve(GOOD)
    fetcher, request = make_fetcher(), HttpRequest(method="GET", url=f"https://{HOST}/")
    assert fetcher.fetch(request, bulkhead="con_1").status == 200
    with pytest.raises(Unreachable, match="not public"):
        fetcher.fetch(request, bulkhead="con_1")
    assert server.connections == 1


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("at", [0, 1, 5])
def test_one_address_inside_among_the_answers_refuses_them_all(
    serve: Serve, get: Get, network: Network, inside: str, at: int
) -> None:
    answers = [ADDRESS] * 5
    answers.insert(at, inside)
    network.answers = [answers]
    server = serve(GOOD)
    with pytest.raises(Unreachable, match="not public") as refused:
        get()
    assert refused.value.sent is False
    assert network.connected == []
    assert server.connections == 0


def test_a_connection_that_came_out_elsewhere_is_refused(
    serve: Serve, get: Get, network: Network
) -> None:
    network.answers, network.elsewhere = [[PUBLIC]], ADDRESS
    server = serve(GOOD)
    with pytest.raises(Unreachable, match="connect: OSError") as refused:
        get()
    assert refused.value.sent is False
    assert server.requests == []


def test_to_whoever_named_it_an_address_inside_looks_like_one_that_does_not_answer(
    serve: Serve, get: Get, network: Network
) -> None:
    """MG-001: or names of an internal zone could be asked for."""
    seen = set()
    for answers in ([], ["10.0.0.1"], [ADDRESS]):
        network.answers, network.port = [answers], closed_port()
        with pytest.raises(Unreachable) as refused:
            get()
        seen.add((refused.value.code, refused.value.public, refused.value.status))
    serve(b"nonsense\r\n\r\n")
    network.answers = [[ADDRESS]]
    with pytest.raises(Unreachable) as refused:
        get()
    seen.add((refused.value.code, refused.value.public, refused.value.status))
    assert len(seen) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
def test_a_redirect_is_not_followed(
    serve: Serve, network: Network, make_fetcher: Callable[..., GuardedFetcher], status: int
) -> None:
    """RP-081: neither to another origin nor to itself, and the form goes nowhere else."""
    with ScriptedServer(GOOD) as target:
        for location in (f"http://127.0.0.1:{target.port}/", f"https://{HOST}/document", "/other"):
            head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n"
            server = serve(
                head.encode() + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
            )
            request = HttpRequest(method="POST", url=f"https://{HOST}/token", form={"code": "c"})
            with pytest.raises(Unreachable, match="redirect") as refused:
                make_fetcher().fetch(request, bulkhead="con_1")
            assert refused.value.sent is True
            assert len(server.requests) == 1
        assert target.connections == 0


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"])
def test_a_proxy_of_the_environment_is_not_used(
    serve: Serve, get: Get, canary: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    serve(GOOD)
    assert get().status == 200


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_closed_port_is_unreachable_and_nothing_was_sent(get: Get, network: Network) -> None:
    network.port = closed_port()
    with pytest.raises(Unreachable, match="connect: ConnectionRefusedError") as refused:
        get()
    assert refused.value.sent is False


def test_the_next_address_is_tried_and_families_take_turns(
    serve: Serve, make_fetcher: Callable[..., GuardedFetcher], network: Network
) -> None:
    """A network without IPv6 reaches a provider whose name leads to many IPv6 addresses."""
    network.answers = [["2606::1", "2606::2", "2606::3", "2606::4", ADDRESS]]
    server = serve(GOOD)
    fetcher = make_fetcher()
    fetcher._connect = without_ipv6 = WithoutIpv6(network)
    request = HttpRequest(method="GET", url=f"https://{HOST}/")
    assert fetcher.fetch(request, bulkhead="con_1").status == 200
    assert without_ipv6.tried == ["2606::1", ADDRESS]
    assert len(server.requests) == 1


class WithoutIpv6:
    def __init__(self, network: Network) -> None:
        self.tried: list[str] = []
        self._network = network

    def __call__(self, address: str, port: int, seconds: float) -> socket.socket:
        self.tried.append(address)
        if ":" in address:
            raise OSError(101, "Network is unreachable")
        return self._network.connect(address, port, seconds)


def test_of_many_addresses_a_few_are_tried(get: Get, network: Network) -> None:
    network.answers, network.port = [[ADDRESS] * 50], closed_port()
    with pytest.raises(Unreachable):
        get()
    assert len(network.connected) == Limits().addresses


def test_no_more_addresses_are_tried_when_the_time_is_over(
    make_fetcher: Callable[..., GuardedFetcher], network: Network
) -> None:
    fetcher = make_fetcher(Limits(total_seconds=0.5))
    tried = []

    def hang(address: str, port: int, seconds: float) -> socket.socket:
        tried.append(address)
        # Waits as a connection does to an address that drops packets.
        with socket.create_server((ADDRESS, 0)) as silent:
            silent.settimeout(seconds)
            silent.accept()
        raise AssertionError

    network.answers = [["1.1.1.1", "1.1.1.2", "1.1.1.3"]]
    fetcher._connect = hang
    with pytest.raises(Unreachable, match="connect: TimeoutError") as refused:
        fetcher.fetch(HttpRequest(method="GET", url=f"https://{HOST}/"), bulkhead="con_1")
    assert refused.value.sent is False
    assert tried == ["1.1.1.1"]


def test_a_provider_that_fails_is_left_alone_and_another_is_not(
    serve: Serve, make_fetcher: Callable[..., GuardedFetcher], network: Network
) -> None:
    """RP-085."""
    fetcher, request = make_fetcher(), HttpRequest(method="GET", url=f"https://{HOST}/")
    network.port = closed_port()
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(Unreachable, match="connect"):
            fetcher.fetch(request, bulkhead="con_1")
    server = serve(GOOD)
    with pytest.raises(Unreachable, match="breaker is open") as refused:
        fetcher.fetch(request, bulkhead="con_1")
    assert refused.value.sent is False
    assert server.connections == 0
    assert fetcher.fetch(request, bulkhead="con_2").status == 200


# --- loopback, for the local stack ---


def local(*, allow_loopback: bool) -> GuardedFetcher:
    return GuardedFetcher.for_issuer("http://127.0.0.1:1", allow_loopback=allow_loopback)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_local_stack_reaches_loopback_over_plain_http(host: str) -> None:
    with ScriptedServer(GOOD) as server:
        request = HttpRequest(method="GET", url=f"http://{host}:{server.port}/a?b=c")
        assert local(allow_loopback=True).fetch(request, bulkhead="con_1").body == b"{}"
        assert server.requests[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
        assert f"host: {host}:{server.port}\r\n".encode() in server.requests[0]


def test_a_deployment_does_not_reach_loopback(canary: ScriptedServer) -> None:
    for scheme in ("http", "https"):
        request = HttpRequest(method="GET", url=f"{scheme}://127.0.0.1:{canary.port}/")
        with pytest.raises(DestinationRefused):
            local(allow_loopback=False).fetch(request, bulkhead="con_1")


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("https://idp.example/", ["127.0.0.1"]),
        ("http://localhost/", ["1.1.1.1"]),
        ("http://localhost/", ["127.0.0.1", "10.0.0.1"]),
    ],
)
def test_names_and_loopback_do_not_stand_for_each_other_in_the_local_stack(
    url: str, addresses: list[str]
) -> None:
    tried: list[str] = []

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    fetcher = GuardedFetcher(
        policy=DestinationPolicy(allow_loopback=True),
        resolve=Network(answers=[addresses]).resolve,
        connect=connect,
    )
    with pytest.raises(Unreachable, match="not public"):
        fetcher.fetch(HttpRequest(method="GET", url=url), bulkhead="con_1")
    assert tried == []
