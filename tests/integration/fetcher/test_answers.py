"""What may come back, how much of it and how slowly (RP-084); and what leaves (RP-089)."""

import gzip
from collections.abc import Callable

import pytest
from tests.integration.fetcher.conftest import HOST, Network
from tests.support.scripted_server import ScriptedServer

from signet.adapters.fetcher.connection import Limits
from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.oauth.http_message import DestinationRefused, HttpAnswer, HttpRequest, Unreachable

Serve = Callable[..., ScriptedServer]
Get = Callable[..., HttpAnswer]
OK = b"HTTP/1.1 200 OK\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = OK + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
MOST = 262_144


def whole(body: bytes, *, head: bytes = OK + JSON) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def padded(size: int) -> bytes:
    """Return a JSON text of exactly so many bytes."""
    return b'{"a": "' + b"x" * (size - 9) + b'"}'


def chunks(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def numbered(count: int, size: int) -> bytes:
    return b"".join(b"X-%d: %b\r\n" % (number, b"y" * size) for number in range(count))


ACCEPTED = {
    "plain": ([whole(b"{}")], b"{}"),
    "head and body apart": ([OK + JSON + b"Content-Length: 2\r\n\r\n", b"{}"], b"{}"),
    "close, and the body after the head": (
        [OK + JSON + b"Connection: close\r\nContent-Length: 20000\r\n\r\n", padded(20_000)],
        padded(20_000),
    ),
    "close, and many pieces": (
        [OK + JSON + b"Connection: close\r\nContent-Length: 20000\r\n\r\n"]
        + [padded(20_000)[start : start + 1_000] for start in range(0, 20_000, 1_000)],
        padded(20_000),
    ),
    "until the end of the connection": (
        [OK + JSON + b"Connection: close\r\n\r\n", padded(20_000)],
        padded(20_000),
    ),
    "HTTP/1.0": ([b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n", b"{}"], b"{}"),
    "chunks": ([CHUNKED, chunks(padded(20_000), 1_000)], padded(20_000)),
    "chunks and trailers": ([CHUNKED, b"2\r\n{}\r\n0\r\nX-A: b\r\n\r\n"], b"{}"),
    "the most that is allowed": ([whole(padded(MOST))], padded(MOST)),
    "the most, in chunks": ([CHUNKED, chunks(padded(MOST), 65_536)], padded(MOST)),
    "100 first": ([b"HTTP/1.1 100 Continue\r\n\r\n" * 3, whole(b"{}")], b"{}"),
    "a charset": (
        [whole(b"{}", head=OK + b"Content-Type: Application/JSON; charset=utf-8\r\n")],
        b"{}",
    ),
    "a kind of JSON": (
        [whole(b"{}", head=OK + b"Content-Type: application/jwk-set+json\r\n")],
        b"{}",
    ),
    "identity named": ([whole(b"{}", head=OK + JSON + b"Content-Encoding: Identity\r\n")], b"{}"),
    "headers of 50 KB": (
        [whole(b"{}", head=OK + JSON + numbered(5, 10_000))],
        b"{}",
    ),
    "more than was said": ([whole(b"{}") + b"HTTP/1.1 200 OK\r\n\r\nevil"], b"{}"),
    "nothing at all": ([OK + b"Content-Length: 0\r\n\r\n"], b""),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_answer_in_a_form_that_servers_use_is_read(serve: Serve, get: Get, case: str) -> None:
    script, body = ACCEPTED[case]
    serve(script)
    answer = get()
    assert (answer.status, answer.body) == (200, body)


STATUSES = {
    "an error in JSON": (
        whole(b'{"error": "x"}', head=b"HTTP/1.1 400 No\r\n" + JSON),
        400,
        b'{"error": "x"}',
    ),
    "503 in JSON": (whole(b"{}", head=b"HTTP/1.1 503 No\r\n" + JSON), 503, b"{}"),
    "404 in HTML": (
        whole(b"<p>", head=b"HTTP/1.1 404 No\r\nContent-Type: text/html\r\n"),
        404,
        b"",
    ),
    "502 of no kind": (whole(b"oops", head=b"HTTP/1.1 502 No\r\n"), 502, b""),
    "201": (whole(b"{}", head=b"HTTP/1.1 201 Yes\r\n" + JSON), 201, b"{}"),
    "204": (b"HTTP/1.1 204 Yes\r\n" + JSON + b"\r\n", 204, b""),
}


@pytest.mark.parametrize("case", STATUSES)
def test_a_status_is_told_and_only_json_goes_with_it(serve: Serve, get: Get, case: str) -> None:
    script, status, body = STATUSES[case]
    serve(script)
    answer = get()
    assert (answer.status, answer.body) == (status, body)


REFUSED = {
    "a body that is too long": whole(padded(MOST + 1)),
    "a body that is too long, in chunks": CHUNKED + chunks(padded(MOST + 1), 65_536),
    "a body that is too long, until the end": OK + JSON + b"\r\n" + padded(MOST + 1),
    "2 GB announced": OK + JSON + b"Content-Length: 2147483648\r\n\r\n" + b"x" * (MOST + 1),
    "one line of more than 64 KB": whole(b"{}", head=OK + JSON + b"X: " + b"y" * 70_000 + b"\r\n"),
    "headers of more than 64 KB": whole(b"{}", head=OK + JSON + numbered(10, 9_000)),
    "10,000 headers": whole(b"{}", head=OK + JSON + numbered(10_000, 1)),
    "101 short headers": whole(b"{}", head=OK + JSON + numbered(101, 1)),
    "100 without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000 + whole(b"{}"),
    "100 and 64 KB of headers": b"HTTP/1.1 100 Continue\r\n"
    + numbered(10, 9_000)
    + b"\r\n"
    + whole(b"{}"),
    "103 as the last": whole(b"{}", head=b"HTTP/1.1 103 Early Hints\r\n" + JSON),
    "101": whole(b"{}", head=b"HTTP/1.1 101 Switching Protocols\r\n" + JSON),
    "trailers without end": CHUNKED + b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 100_000,
    "gzip": whole(gzip.compress(b"{}"), head=OK + JSON + b"Content-Encoding: gzip\r\n"),
    "gzip, hidden behind identity": whole(
        b"{}", head=OK + JSON + b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\n"
    ),
    "deflate": whole(b"{}", head=OK + JSON + b"Content-Encoding: deflate\r\n"),
    "less than was said": OK + JSON + b"Content-Length: 100\r\n\r\n{}",
    "a chunk that is cut off": CHUNKED + b"64\r\n{}",
    "no last chunk": CHUNKED + b"2\r\n{}\r\n",
    "a chunk of no size": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "a chunk of a negative size": CHUNKED + b"-1\r\n" + padded(MOST + 1),
    "HTML": whole(b"<html>", head=OK + b"Content-Type: text/html\r\n"),
    "JSON that is called text": whole(b"{}", head=OK + b"Content-Type: text/plain\r\n"),
    "of no kind": whole(b"{}", head=OK),
    "of two kinds": whole(b"{}", head=OK + b"Content-Type: text/html\r\n" + JSON),
    "a kind that only ends in JSON": whole(b"{}", head=OK + b"Content-Type: text/json\r\n"),
    "a status line of rubbish": b"rubbish\r\n\r\n" + whole(b"{}"),
    "no status line": b"{}",
    "HTTP/0.9": b"<html>hello</html>",
    "HTTP/2": whole(b"{}", head=b"HTTP/2.0 200 OK\r\n" + JSON),
    "a status of letters": whole(b"{}", head=b"HTTP/1.1 OK 200\r\n" + JSON),
    "a status of 42": whole(b"{}", head=b"HTTP/1.1 42 OK\r\n" + JSON),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": b"\x00" * 1_000,
    "nothing": b"",
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_other_answer_is_unreachable_and_the_request_was_sent(
    serve: Serve, get: Get, case: str
) -> None:
    server = serve(REFUSED[case])
    with pytest.raises(Unreachable) as refused:
        get()
    assert refused.value.sent is True
    assert refused.value.code == "destination_unavailable"
    assert len(server.requests) == 1


def test_fields_of_one_name_are_joined(serve: Serve, get: Get) -> None:
    serve(whole(b"{}", head=OK + JSON + b"X-A: 1\r\nx-a: 2\r\n"))
    assert get().headers["x-a"] == "1, 2"


SLOW = {
    "head": (1, 0),
    "body": (1, len(OK + JSON + b"Content-Length: 200\r\n\r\n")),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_slow_drip_ends_with_the_deadline_of_the_whole_call(
    serve: Serve, get: Get, case: str
) -> None:
    """Each byte comes in time; all of them together would not, and then be a good answer."""
    size, at_once = SLOW[case]
    answer = whole(padded(200))
    server = serve(b"")

    def drip(request: bytes) -> object:
        yield answer[:at_once]
        yield from server.pieces(answer[at_once:], size=size, pause=0.04)

    server.script = drip
    with pytest.raises(Unreachable, match="exchange: TimeoutError") as refused:
        get(limits=Limits(connect_seconds=2, total_seconds=2))
    assert refused.value.sent is True


def test_a_server_that_says_nothing_ends_with_the_deadline(serve: Serve, get: Get) -> None:
    server = serve(b"")
    server.script = server.pieces(whole(b"{}"), size=1_000, pause=15)
    with pytest.raises(Unreachable, match="exchange: TimeoutError") as refused:
        get(limits=Limits(connect_seconds=2, total_seconds=2))
    assert refused.value.sent is True


class Deaf(ScriptedServer):
    """Accepts and reads nothing."""

    def _answer(self, sock: object) -> None:
        self.stopped.wait(15)


def test_a_handshake_that_hangs_ends_with_the_deadline_and_nothing_was_sent(
    network: Network, get: Get
) -> None:
    with Deaf(b"") as deaf:
        network.port = deaf.port
        with pytest.raises(Unreachable, match="connect: TimeoutError") as refused:
            get(limits=Limits(connect_seconds=1, total_seconds=0.5))
    assert refused.value.sent is False


def test_an_endless_body_is_not_read_to_its_end(serve: Serve, get: Get) -> None:
    server = serve(b"")
    sent = []

    def endless(request: bytes) -> object:
        yield OK + JSON + b"\r\n"
        while len(sent) < 10_000:
            sent.append(1)
            yield b"x" * 10_000

    server.script = endless
    with pytest.raises(Unreachable):
        get()
    server.__exit__()
    assert len(sent) < 10_000


def test_a_request_that_is_not_taken_ends_with_the_deadline(
    network: Network, make_fetcher: Callable[..., GuardedFetcher]
) -> None:
    with Deaf(b"") as deaf:
        network.port = deaf.port
        request = HttpRequest(
            method="PUT", url=f"http://127.0.0.1:{deaf.port}/", content=b"x" * 50_000_000
        )
        fetcher = make_fetcher(Limits(total_seconds=0.5))
        fetcher._policy = type(fetcher._policy)(allow_loopback=True)
        with pytest.raises(Unreachable, match="exchange: TimeoutError") as refused:
            fetcher.fetch(request, bulkhead="con_1")
    assert refused.value.sent is True


# --- what leaves ---


def test_a_form_is_sent_as_one_request_whatever_it_holds(
    serve: Serve, make_fetcher: Callable[..., GuardedFetcher]
) -> None:
    server = serve(whole(b"{}"))
    form = {"a": "b\r\nHost: evil\r\n\r\nGET / HTTP/1.1", "ü": "&=+ %"}
    request = HttpRequest(method="POST", url=f"https://{HOST}/token", form=form)
    make_fetcher().fetch(request, bulkhead="con_1")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /token HTTP/1.1"
    assert b"content-type: application/x-www-form-urlencoded" in head.split(b"\r\n")
    assert body == (
        b"a=b%0D%0AHost%3A%20evil%0D%0A%0D%0AGET%20%2F%20HTTP%2F1.1&%C3%BC=%26%3D%2B%20%25"
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer a\r\nHost: evil"},
        {"authorization": "Bearer a\n"},
        {"authorization": "Bearer a\x00"},
        {"authorization": "Bearer \u0119"},
        {"a: b\r\nc": "d"},
        {"a b": "c"},
        {"": "c"},
        {"Authorization": "c"},
    ],
)
def test_a_header_that_would_not_stay_one_line_is_refused_before_anything_leaves(
    serve: Serve, make_fetcher: Callable[..., GuardedFetcher], headers: dict[str, str]
) -> None:
    server = serve(whole(b"{}"))
    request = HttpRequest(method="GET", url=f"https://{HOST}/", headers=headers)
    with pytest.raises(DestinationRefused):
        make_fetcher().fetch(request, bulkhead="con_1")
    assert server.connections == 0


def test_a_callers_headers_do_not_displace_the_fetchers_own(
    serve: Serve, make_fetcher: Callable[..., GuardedFetcher]
) -> None:
    server = serve(whole(b"{}"))
    headers = {"host": "evil.example", "accept-encoding": "gzip", "connection": "keep-alive"}
    request = HttpRequest(method="GET", url=f"https://{HOST}/", headers=headers)
    make_fetcher().fetch(request, bulkhead="con_1")
    lines = server.requests[0].split(b"\r\n")
    assert {b"host: idp.example", b"accept-encoding: identity", b"connection: close"} <= set(lines)
    assert not any(b"evil" in line or b"gzip" in line for line in lines)


def test_a_callers_user_agent_takes_the_place_of_the_fetchers(
    serve: Serve, make_fetcher: Callable[..., GuardedFetcher]
) -> None:
    server = serve(whole(b"{}"))
    headers = {"user-agent": "Acme sign-on"}
    make_fetcher().fetch(
        HttpRequest(method="GET", url=f"https://{HOST}/", headers=headers), bulkhead="con_1"
    )
    lines = server.requests[0].split(b"\r\n")
    assert [line for line in lines if line.startswith(b"user-agent")] == [
        b"user-agent: Acme sign-on"
    ]


def test_content_is_sent_as_it_is(
    serve: Serve, make_fetcher: Callable[..., GuardedFetcher]
) -> None:
    server = serve(OK + b"Content-Length: 0\r\n\r\n")
    request = HttpRequest(
        method="PUT", url=f"https://{HOST}/x", headers={"content-type": ""}, content=b'{"a":1}'
    )
    assert make_fetcher().fetch(request, bulkhead="con_1").body == b""
    assert server.requests[0].endswith(b'\r\n\r\n{"a":1}')
