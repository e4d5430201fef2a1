"""Whom a connection is made to, and what it has to prove (RP-079, RP-086)."""

import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.integration.fetcher.conftest import ADDRESS, HOST, Network
from tests.support.certificates import DAY, NOW, Authority, self_signed
from tests.support.scripted_server import ScriptedServer, server_context

from signet.adapters.fetcher.guarded import GuardedFetcher
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable

GOOD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    b"Connection: close\r\n\r\n{}"
)
Serve = Callable[..., ScriptedServer]
Get = Callable[..., HttpAnswer]


def assert_unproved(get: Get, server: ScriptedServer, *, reason: str = "SSL") -> None:
    with pytest.raises(Unreachable, match=f"connect: {reason}") as refused:
        get()
    assert refused.value.sent is False
    assert server.connections > 0
    assert server.requests == []


def test_the_right_certificate_is_accepted(serve: Serve, get: Get) -> None:
    serve(GOOD)
    assert get() == HttpAnswer(
        status=200,
        headers={"content-type": "application/json", "content-length": "2", "connection": "close"},
        body=b"{}",
    )


def test_the_name_is_in_sni_and_host_while_the_connection_goes_to_the_address(
    serve: Serve, get: Get, network: Network
) -> None:
    server = serve(GOOD)
    get()
    assert network.connected == [(ADDRESS, 443)]
    assert server.names == [HOST]
    assert server.requests[0].split(b"\r\n") == [
        b"GET /document HTTP/1.1",
        b"accept: application/json",
        b"host: idp.example",
        b"user-agent: Signet",
        b"accept-encoding: identity",
        b"connection: close",
        b"",
        b"",
    ]


WRONG = {
    "for another host": {"names": ["other.example"]},
    "for a host below": {"names": ["a.idp.example"]},
    "for the domain above": {"names": ["example"]},
    "for every host of a top level": {"names": ["*.example.org"]},
    "for the address alone": {"addresses": [ADDRESS]},
    "with the name as a common name alone": {"common_name": HOST},
    "with the name as a common name beside an address": {
        "common_name": HOST,
        "addresses": [ADDRESS],
    },
    "expired": {"names": [HOST], "not_before": NOW - 2 * DAY, "not_after": NOW - DAY / 2},
    "not valid yet": {"names": [HOST], "not_before": NOW + DAY / 2},
    "for a client": {"names": [HOST], "usage": ExtendedKeyUsageOID.CLIENT_AUTH},
}


@pytest.mark.parametrize("case", WRONG)
def test_another_certificate_is_refused_before_anything_is_sent(
    authority: Authority, tmp_path: Path, serve: Serve, get: Get, case: str
) -> None:
    assert_unproved(get, serve(GOOD, leaf=authority.issue(tmp_path, **WRONG[case])))


def test_a_certificate_that_vouches_for_itself_is_refused(
    tmp_path: Path, serve: Serve, get: Get
) -> None:
    assert_unproved(get, serve(GOOD, leaf=self_signed(tmp_path, HOST)))


def test_another_authoritys_certificate_is_refused(tmp_path: Path, serve: Serve, get: Get) -> None:
    assert_unproved(get, serve(GOOD, leaf=Authority("Another").issue(tmp_path, [HOST])))


def test_an_authority_is_trusted_only_by_the_fetcher_that_was_given_it(
    serve: Serve, network: Network
) -> None:
    server = serve(GOOD)
    fetcher = GuardedFetcher.for_aws()
    fetcher._resolve, fetcher._allowed, fetcher._connect = (
        network.resolve,
        network.allowed,
        network.connect,
    )

    def get() -> HttpAnswer:
        request = HttpRequest(method="GET", url=f"https://{HOST}/")
        return fetcher.fetch(request, bulkhead="con_1")

    assert_unproved(get, server)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_old_version_of_tls_is_refused(
    certificate: Path, network: Network, get: Get, version: ssl.TLSVersion
) -> None:
    context = server_context(certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with ScriptedServer(GOOD, context=context) as server:
        network.port = server.port
        assert_unproved(get, server)


def test_a_server_without_tls_is_refused(network: Network, get: Get) -> None:
    with ScriptedServer(GOOD) as server:
        network.port = server.port
        with pytest.raises(Unreachable, match="connect: ") as refused:
            get(limits=None)
        assert refused.value.sent is False
        assert not any(b"GET" in request for request in server.requests)


def test_session_keys_are_written_nowhere(
    serve: Serve, get: Get, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(path))
    serve(GOOD)
    get()
    assert not path.exists()
