"""Which heavy modules each function loads: when its file is imported, and once it has answered.

A module in these tables is paid for at each cold start; whoever adds one changes a table.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.support.sandbox import FUNCTIONS, event, folder_of, invoke
from tests.support.software_kms import SoftwareKms

from signet.adapters.dynamodb.keyrings import keyring_item
from signet.broker.keyring import Keyring
from signet.broker.signing import publishable_key
from signet.jose.algorithms import algorithm

HEAVY = frozenset({
    "aws_lambda_powertools", "boto3", "botocore", "cryptography",
    "http.client", "jwt", "pydantic", "ssl", "urllib3",
})  # fmt: skip

AWS = {"botocore", "urllib3", "http.client", "ssl"}
JOSE = {"jwt", "cryptography"}
FETCHER = {"http.client", "ssl"}
# Powertools' Logger, from the first line on: only a refusal writes one. It loads botocore itself.
LOG = {"aws_lambda_powertools"}

AT_LOAD: dict[str, set[str]] = {
    "authorize": set(),
    "backchannel_logout": set(),
    "callback": set(),
    "discovery": set(),
    "initialize": JOSE | FETCHER,  # it runs at deployments only: nobody waits for its start
    "introspect": set(),
    "jwks": set(),
    "logout": set(),
    "manage": JOSE | FETCHER | {"pydantic"},  # administrators wait for its start, and no login does
    "par": set(),
    "reap_keys": JOSE | FETCHER,  # events run it: nobody waits for its start
    "revoke": set(),
    "rotate_keys": JOSE | FETCHER,
    "send_logout": JOSE | FETCHER,
    "token": set(),
    "userinfo": set(),
}

AFTER_ONE_REQUEST: dict[str, tuple[int, set[str]]] = {
    "authorize-get": (400, AWS | JOSE | FETCHER | LOG),
    "backchannel-logout": (400, AWS | JOSE | FETCHER | LOG),
    "callback-form-post": (400, AWS | JOSE | FETCHER | LOG),
    "discovery-oauth-authorization-server": (200, set()),
    "discovery-openid-configuration": (200, set()),
    "introspect": (401, AWS | JOSE | FETCHER | LOG),
    "jwks-connection": (404, AWS),
    "jwks-issuer": (200, AWS),
    "logout-get": (400, AWS | JOSE | FETCHER | LOG),
    "manage-list-connections": (401, AWS | JOSE | FETCHER | LOG | {"pydantic"}),
    "manage-openapi": (200, JOSE | FETCHER | {"pydantic"}),
    "par": (401, AWS | JOSE | FETCHER | LOG),
    "revoke": (401, AWS | JOSE | FETCHER | LOG),
    "token": (401, AWS | JOSE | FETCHER | LOG),
    "userinfo-get": (401, AWS | JOSE | FETCHER | LOG),
}


def issuer_keyring() -> dict[str, Any]:
    kms = SoftwareKms()
    key_id = kms.create_key(algorithm=algorithm("RS256"), tags={})
    key = publishable_key(kms, key_id=key_id, alg="RS256", challenge="x", now=1)
    return keyring_item(Keyring(owner="issuer", version=1, current=key))


ITEM = issuer_keyring()


class _Store(BaseHTTPRequestHandler):
    """DynamoDB with one item: the issuer's keyring."""

    def do_POST(self) -> None:
        call = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = call.get("Key") == {"owner": ITEM["owner"]}
        body = json.dumps({"Item": ITEM} if found else {}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the parent's name)
        """Write nothing."""


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Store)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_function_is_in_the_table() -> None:
    assert set(AT_LOAD) == {path.parent.name for path in FUNCTIONS.glob("*/app.py")}
    answering = {folder_of(name) for name in AFTER_ONE_REQUEST}
    assert set(AT_LOAD) - {"initialize", "reap_keys", "rotate_keys", "send_logout"} == answering


@pytest.mark.parametrize(("function", "modules"), AT_LOAD.items())
def test_a_function_loads_these_heavy_modules_and_no_other_at_import(
    function: str, modules: set[str], store: str
) -> None:
    outcome = invoke(FUNCTIONS / function / "app.py", None, aws=store)
    assert outcome.loaded & HEAVY == modules


@pytest.mark.parametrize(
    ("name", "status", "modules"),
    [(name, status, modules) for name, (status, modules) in AFTER_ONE_REQUEST.items()],
)
def test_a_function_has_loaded_these_heavy_modules_and_no_other_after_one_request(
    name: str, status: int, modules: set[str], store: str
) -> None:
    app = FUNCTIONS / folder_of(name) / "app.py"
    outcome = invoke(app, event(name), aws=store)
    assert (outcome.error, outcome.answer["statusCode"]) == (None, status)
    assert outcome.loaded_after & HEAVY == modules
