"""`make serve` as a process: what it prints, writes, keeps, refuses, and leaves behind."""

import base64
import hashlib
import json
import os
import shutil
import signal
import socket  # noqa: TID251  (a provider that is silent, a port that is taken)
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251  (an outside caller)
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, RSAKey
from tests.support.aws import Stores, database, keys
from tests.support.metadata_provider import loopback_provider
from tests.support.stack import Stack, children, runs

from signet.broker.client import MANAGEMENT_SCOPES
from signet.broker.keyring import Keyring
from signet.jose.jws import SigningKey, sign
from signet_local import administrator

END_SECONDS = 3
"""The contract: everything is over within this, on SIGTERM and on Ctrl-C."""
CONNECTION = {
    "name": "acme",
    "strategy": "oidc",
    "issuer": "http://127.0.0.1:9",
    "client_id": "signet",
    "token_endpoint_auth_signing_alg": "ES256",
}
OURS = {"admin.json", "environment.json", "access.log", "aws.json"}
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).decode().rstrip("=")


def client_document() -> dict[str, Any]:
    private = administrator.new_private_jwk()
    public = {name: value for name, value in private.items() if name != "d"}
    return {
        "client_id": "app",
        "name": "App",
        "redirect_uris": ["http://127.0.0.1:9/cb"],
        "jwks": {"keys": [public]},
    }


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def get(address: str, **headers: str) -> httpx.Response:
    return httpx.get(address, headers=headers, timeout=10, trust_env=False)


def authorize(address: str, connection: str = "acme") -> httpx.URL:
    query = {
        "client_id": "app",
        "redirect_uri": "http://127.0.0.1:9/cb",
        "response_type": "code",
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "connection": connection,
    }
    return httpx.URL(f"{address}/authorize", params=query)


def start_login(stack: Stack, address: str, **headers: str) -> tuple[httpx.URL, str]:
    """Start a login at a provider on loopback; return where it leads, and its cookie."""
    name = f"login-{len(stack.log_text())}"
    with loopback_provider() as issuer:
        document = {**CONNECTION, "name": name, "issuer": issuer}
        stack.register({"connections": [document], "clients": [client_document()]})
        answer = get(str(authorize(address, name)), **headers)
    assert answer.status_code == 303, answer.text
    assert "set-cookie" in answer.headers, stack.log_text()
    return httpx.URL(answer.headers["location"]), answer.headers["set-cookie"]


def jwks(issuer: str, connection_id: str | None = None) -> Any:
    path = f"connections/{connection_id}" if connection_id else ".well-known"
    answer = get(f"{issuer}/{path}/jwks.json")
    assert answer.status_code == 200
    return answer.json()


def assert_gone(pids: set[int], *, within: float) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline and any(runs(pid) for pid in pids):
        time.sleep(0.02)
    assert not {pid for pid in pids if runs(pid)}


# --- one stack for all that changes nothing --------------------------------------------------


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as running:
        yield running


def test_one_line_says_that_it_is_ready_and_where(stack: Stack) -> None:
    assert stack.output() == f"signet ready {stack.issuer}\n"
    document = get(f"{stack.issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == stack.issuer


def test_admin_json_has_exactly_its_members(stack: Stack) -> None:
    admin = stack.admin()
    assert set(admin) == {"issuer", "client_id", "private_jwk", "scope"}
    assert admin["issuer"] == stack.issuer
    assert admin["scope"].split(" ") == list(MANAGEMENT_SCOPES)
    assert set(admin["private_jwk"]) == {"kty", "crv", "x", "y", "d", "kid", "alg", "use"}
    key = ECKey.import_key(admin["private_jwk"])
    assert key.thumbprint() == admin["private_jwk"]["kid"]
    assert isinstance(key.private_key, ec.EllipticCurvePrivateKey)


def test_published_keys_say_for_how_long_they_may_be_kept(stack: Stack) -> None:
    address = f"{stack.issuer}/.well-known/jwks.json"
    answer = get(address)
    assert answer.headers["cache-control"] == "public, max-age=300, stale-if-error=3600"
    again = get(address, **{"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == answer.headers["cache-control"]


def test_only_its_owner_can_read_what_is_secret(stack: Stack) -> None:
    for name in ("admin.json", "environment.json"):
        assert stat.S_IMODE((stack.state / name).stat().st_mode) == 0o600


def test_it_listens_on_loopback_only(stack: Stack) -> None:
    port = int(stack.issuer.rpartition(":")[2])
    for family in ("tcp", "tcp6"):
        lines = Path(f"/proc/{stack.pid}/net/{family}").read_text().splitlines()[1:]
        listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
        ours = [address for address in listening if address.endswith(f":{port:04X}")]
        assert ours == (["0100007F:" + f"{port:04X}"] if family == "tcp" else [])


def test_plain_http_cookies_go_without_secure_and_prefix(stack: Stack) -> None:
    redirect, cookie = start_login(stack, stack.issuer)
    assert redirect.params["redirect_uri"].startswith(f"{stack.issuer}/connections/con_")
    name, _, attributes = cookie.partition("=")
    assert name.startswith("signet-login-")
    assert "httponly" in attributes.lower()
    assert "secure" not in cookie.lower()


def test_registering_needs_a_stack_that_ran(tmp_path: Path, stack: Stack) -> None:
    other = Stack(state=tmp_path)
    with pytest.raises(AssertionError, match="No stack has run"):
        other.register({})


def test_a_refused_registration_says_why(stack: Stack) -> None:
    with pytest.raises(AssertionError, match="client_secret_refused"):
        stack.register({"connections": [{**CONNECTION, "client_secret": "x"}]})


def test_two_stacks_run_side_by_side_and_share_nothing(stack: Stack) -> None:
    with Stack() as other:
        assert other.issuer != stack.issuer
        made = other.register({"connections": [{**CONNECTION, "name": "other"}]})
        connection_id = made["connections"][0]["id"]
        assert jwks(other.issuer, connection_id)["keys"]
        elsewhere = get(f"{stack.issuer}/connections/{connection_id}/jwks.json")
        assert elsewhere.status_code == 404
        assert jwks(other.issuer) != jwks(stack.issuer)
        assert other.admin()["private_jwk"] != stack.admin()["private_jwk"]


# --- its end ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_all_that_it_started(state: Path, number: signal.Signals) -> None:
    stack = Stack(state=state)
    stack.start()
    started = stack.children()
    assert started
    assert stack.stop(number, within=END_SECONDS) == 0
    assert not {pid for pid in started if runs(pid)}
    assert "Traceback" not in stack.output()


def test_ctrl_c_in_a_terminal_reaches_the_whole_group_and_ends_it_all(state: Path) -> None:
    stack = Stack(state=state, SIGNET_KEEP="1")
    stack.start()
    started = stack.children()
    for pid in started:
        os.kill(pid, signal.SIGINT)
    assert stack.stop(signal.SIGINT, within=END_SECONDS) == 0
    assert not {pid for pid in started if runs(pid)}
    assert (state / "aws.json").exists()


def test_a_kill_leaves_no_child(state: Path) -> None:
    stack = Stack(state=state)
    stack.start()
    started = stack.children()
    stack.stop(signal.SIGKILL)
    assert_gone(started, within=END_SECONDS)


def test_it_ends_in_time_while_a_handler_waits_for_a_provider(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, Stack(state=state) as stack:
        provider = f"http://127.0.0.1:{silent.getsockname()[1]}"
        stack.register({
            "connections": [{**CONNECTION, "issuer": provider}],
            "clients": [client_document()],
        })  # fmt: skip

        def begin() -> None:
            try:
                httpx.get(authorize(stack.issuer), timeout=30, trust_env=False)
            except httpx.HTTPError:
                return

        login = threading.Thread(target=begin)
        login.start()
        silent.settimeout(10)
        waiting, _ = silent.accept()
        started = stack.children()
        assert stack.stop(within=END_SECONDS) == 0
        assert not {pid for pid in started if runs(pid)}
        waiting.close()
        login.join(timeout=10)
        assert not login.is_alive()


# --- what it refuses -------------------------------------------------------------------------

IMPOSSIBLE = {
    "P < C": (
        {"SIGNET_PROPAGATION_SECONDS": "10", "SIGNET_VERIFIER_CACHE_SECONDS": "20"},
        "SIGNET_PROPAGATION_SECONDS >= SIGNET_VERIFIER_CACHE_SECONDS fails: 10 < 20",
    ),
    "R < S + assertion lifetime": (
        {"SIGNET_RETENTION_SECONDS": "89", "SIGNET_SIGNER_CACHE_SECONDS": "30"},
        "SIGNET_SIGNER_CACHE_SECONDS + assertion lifetime fails: 89 < 30 + 60",
    ),
    "no number": ({"SIGNET_LOGIN_TTL_SECONDS": "ten"}, "SIGNET_LOGIN_TTL_SECONDS"),
    "negative": ({"SIGNET_PROPAGATION_SECONDS": "-1"}, "SIGNET_PROPAGATION_SECONDS"),
    "too long a code": ({"SIGNET_CODE_TTL_SECONDS": "61"}, "SIGNET_CODE_TTL_SECONDS"),
    "issuer with a slash": ({"SIGNET_ISSUER": "https://login.example/"}, "SIGNET_ISSUER"),
    "plain http elsewhere": ({"SIGNET_ISSUER": "http://login.example"}, "SIGNET_ISSUER"),
    "keys that are none": ({"SIGNET_ADMIN_JWKS": "x"}, "SIGNET_ADMIN_JWKS"),
    "a symmetric key": (
        {"SIGNET_ADMIN_JWKS": '{"keys": [{"kty": "oct", "k": "AA"}]}'}, "SIGNET_ADMIN_JWKS"),
    "port": ({"SIGNET_PORT": "65536"}, "SIGNET_PORT"),
    "port in words": ({"SIGNET_PORT": "http"}, "SIGNET_PORT"),
    "no tick": ({"SIGNET_TICK_SECONDS": "0"}, "SIGNET_TICK_SECONDS has to be a number from 1"),
    "a tick in words": ({"SIGNET_TICK_SECONDS": "1 minute"}, "SIGNET_TICK_SECONDS"),
    "too rare a tick": ({"SIGNET_TICK_SECONDS": "86401"}, "SIGNET_TICK_SECONDS"),
    "port of many digits": ({"SIGNET_PORT": "1" * 5_000}, "SIGNET_PORT"),
}  # fmt: skip


def refused(stack: Stack) -> str:
    """Start what cannot start; return what it said."""
    process = stack.launch()
    assert process.wait(timeout=30) == 2
    assert "Traceback" not in stack.output()
    assert "signet ready" not in stack.output()
    return stack.output()


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_impossible_settings_are_named_and_nothing_is_touched(state: Path, case: str) -> None:
    settings, said = IMPOSSIBLE[case]
    state.mkdir()
    for name in OURS:
        (state / name).write_text("an earlier run's")
    assert said in refused(Stack(state=state, **settings))
    assert {name: (state / name).read_text() for name in OURS} == dict.fromkeys(
        OURS, "an earlier run's"
    )
    assert {file.name for file in state.iterdir()} == OURS | {"output.log"}


def test_a_taken_port_is_refused_in_plain_words(state: Path) -> None:
    state.mkdir()
    (state / "admin.json").write_text("an earlier run's")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(Stack(state=state, SIGNET_PORT=port))
    assert said == (
        f"Port {port} is in use, or may not be used. Choose another one: SIGNET_PORT=8090\n"
    )
    assert (state / "admin.json").read_text() == "an earlier run's"


def test_of_two_that_start_at_once_on_one_port_one_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    stacks = [Stack(state=tmp_path / name, SIGNET_PORT=port) for name in ("one", "two")]
    try:
        first, second = (stack.launch() for stack in stacks)
        deadline = time.monotonic() + 60
        while first.poll() is None and second.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        ended = [
            (s, p) for s, p in zip(stacks, (first, second), strict=True) if p.poll() is not None
        ]
        ((lost, process),) = ended
        assert process.returncode == 2
        assert lost.output().startswith(f"Port {port} is in use")
        assert {file.name for file in lost.state.iterdir()} == {"output.log"}
    finally:
        for stack in stacks:
            stack.stop()


def test_a_state_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = refused(Stack(state=tmp_path, SIGNET_STATE=str(tmp_path / "file")))
    assert "SIGNET_STATE" in said


def test_a_kept_file_that_cannot_be_read_is_refused(state: Path) -> None:
    state.mkdir()
    (state / "admin.json").write_text("{")
    said = refused(Stack(state=state, SIGNET_KEEP="1"))
    assert "admin.json" in said
    assert "SIGNET_KEEP" in said


# --- what it keeps ---------------------------------------------------------------------------


def issuer_keyring(stack: Stack) -> tuple[Keyring, dict[str, str]]:
    environment = json.loads((stack.state / "environment.json").read_text())
    keyring = Stores(database(environment)).keyrings.get("issuer")
    assert keyring is not None
    return keyring, environment


def signed_and_verified(stack: Stack, published: Any) -> None:
    """Sign with the stack's issuer key; verify by another library under what was published."""
    keyring, environment = issuer_keyring(stack)
    current = keyring.current
    key = SigningKey(
        kid=current.kid, alg=current.alg, key_id=current.key_id, signer=keys(environment)
    )
    token = sign({"sub": "x"}, key=key, typ="JWT").compact
    (jwk,) = published["keys"]
    verified = joserfc_jws.deserialize_compact(token, RSAKey.import_key(jwk), algorithms=["RS256"])
    assert json.loads(verified.payload) == {"sub": "x"}


def test_connections_clients_and_keys_are_kept_over_a_restart(state: Path) -> None:
    with Stack(state=state, SIGNET_KEEP="1") as first:
        made = first.register({"connections": [CONNECTION], "clients": [client_document()]})
        connection_id = made["connections"][0]["id"]
        before = (jwks(first.issuer), jwks(first.issuer, connection_id), first.admin())
        port = first.issuer.rpartition(":")[2]
    assert stat.S_IMODE((state / "aws.json").stat().st_mode) == 0o600
    with Stack(state=state, SIGNET_KEEP="1", SIGNET_PORT=port) as second:
        after = (jwks(second.issuer), jwks(second.issuer, connection_id), second.admin())
        assert after == before
        signed_and_verified(second, before[0])
        client = database(issuer_keyring(second)[1])._client
        described = client.describe_time_to_live(TableName="LoginsTable")["TimeToLiveDescription"]
        assert described["TimeToLiveStatus"] == "ENABLED"
        with pytest.raises(AssertionError, match="name_taken"):
            second.register({"connections": [CONNECTION]})
        with pytest.raises(AssertionError, match="client_id_taken"):
            second.register({"clients": [client_document()]})
    with Stack(state=state) as third:
        assert jwks(third.issuer) != before[0]
        assert third.admin()["private_jwk"] != before[2]["private_jwk"]
        gone = get(f"{third.issuer}/connections/{connection_id}/jwks.json")
        assert gone.status_code == 404
        third.register({"connections": [CONNECTION], "clients": [client_document()]})


def test_foreign_files_stay(state: Path) -> None:
    state.mkdir()
    foreign = {
        name: f"mine: {name}"
        for name in ("notes.txt", "admin.draft", "aws.draft", "environment.draft", ".admin.json")
    }
    for name, text in foreign.items():
        (state / name).write_text(text)
    (state / "folder").mkdir()
    (state / "folder" / "admin.json").write_text("mine")
    for _ in range(2):
        with Stack(state=state) as stack:
            get(f"{stack.issuer}/.well-known/jwks.json")
    assert {name: (state / name).read_text() for name in foreign} == foreign
    assert (state / "folder" / "admin.json").read_text() == "mine"
    left = {file.name for file in state.iterdir()} - foreign.keys() - {"folder", "output.log"}
    assert left == OURS


def test_a_persons_own_aws_settings_change_nothing(state: Path) -> None:
    """A profile or an endpoint of theirs would send the stack's calls to AWS itself."""
    theirs = {
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL_KMS": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_REGION": "eu-central-1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }
    with Stack(state=state, **theirs) as stack:
        assert jwks(stack.issuer)["keys"]


# --- a configured issuer ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def named() -> Iterator[tuple[Stack, str]]:
    """Run a stack under a name that it is not reached by; return its own address too."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with Stack(SIGNET_ISSUER="https://login.example", SIGNET_PORT=port) as stack:
        yield stack, f"http://127.0.0.1:{port}"


FORWARDED = {
    "host": "evil.example",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "http",
    "forwarded": "host=evil.example;proto=http",
    "x-original-url": "/evil",
}


def test_every_address_is_the_configured_issuers(named: tuple[Stack, str]) -> None:
    stack, address = named
    assert stack.issuer == "https://login.example"
    assert stack.admin()["issuer"] == "https://login.example"
    for name in ("openid-configuration", "oauth-authorization-server"):
        plain = get(f"{address}/.well-known/{name}")
        forwarded = get(f"{address}/.well-known/{name}", **FORWARDED)
        assert plain.json() == forwarded.json()
        assert forwarded.json()["issuer"] == "https://login.example"
        for member, value in forwarded.json().items():
            if member.endswith(("_endpoint", "_uri")):
                assert value.startswith("https://login.example/"), member
        assert "evil" not in forwarded.text
        assert "127.0.0.1" not in forwarded.text


def test_a_login_comes_back_to_the_configured_issuer_with_a_cookie_of_that_host_only(
    named: tuple[Stack, str],
) -> None:
    redirect, cookie = start_login(*named, **FORWARDED)
    back = redirect.params["redirect_uri"]
    assert back.startswith("https://login.example/connections/con_")
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-signet-login-")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(attributes)
    assert not [attribute for attribute in attributes if attribute.startswith("Domain")]
    assert "evil" not in str(redirect)


def test_a_connection_is_made_with_the_configured_issuers_addresses(
    named: tuple[Stack, str],
) -> None:
    stack, _ = named
    (made,) = stack.register({"connections": [CONNECTION]})["connections"]
    assert made["redirect_uri"] == f"https://login.example/connections/{made['id']}/callback"
    assert made["jwks_uri"] == f"https://login.example/connections/{made['id']}/jwks.json"


def test_make_passes_a_signal_on_to_the_stack(state: Path) -> None:
    """A person types `make serve`: the recipe's shell must not stand between."""
    state.mkdir()
    environment = Stack(state=state).environment()
    with (state / "output.log").open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  (the project's own Makefile)
            [shutil.which("make") or "make", "serve"],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while "signet ready" not in (state / "output.log").read_text():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (server,) = children(process.pid)
        everything = {process.pid, server, *children(server)}
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=END_SECONDS)
        assert_gone(everything, within=0.5)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
