"""What both sides of a comparison run against: AWS and a provider, each a process of its own."""

# ruff: noqa: TID251  (what is measured finds its AWS by the environment, as in Lambda)

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from signet import wiring
from signet.broker.connection import Connection
from signet.broker.front_channel import Redirection
from signet.broker.login import StartLogin
from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.oauth import pkce
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.process import EmulatedAws
from signet_local.emulated_aws.resources import create_resources
from signet_local.template import PROJECT, Template
from tests.support.loopback_provider import CLIENT_ID
from tests.support.software_kms import SoftwareKms

ISSUER = "http://127.0.0.1:1"
APP = "https://app.example/cb"
ALGORITHMS = ("RS256", "ES256")

Event = dict[str, Any]
Handler = Callable[[Event, object], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A deployment in the emulated AWS: one connection for each algorithm, and one application."""

    provider: str
    environment: dict[str, str]
    connections: dict[str, Connection]

    def start(
        self, start_login: StartLogin, connection: Connection, *, client_id: str = "app"
    ) -> Redirection:
        """Begin a login; the browser is at the provider then."""
        redirection = start_login(
            {
                "client_id": client_id,
                "redirect_uri": APP,
                "response_type": "code",
                "scope": "openid profile email",
                "state": "app-state",
                "nonce": "app-nonce",
                "code_challenge": pkce.challenge_of("v" * 43),
                "code_challenge_method": "S256",
                "connection": connection.name,
            }
        )
        if redirection.problem is not None:
            raise redirection.problem
        return redirection

    def answer(self, started: Redirection) -> dict[str, str]:
        """Return what the browser brings back: the provider takes a login's nonce as its code."""
        request = query_of(started.url)
        return {"code": request["nonce"], "state": request["state"], "iss": self.provider}

    def callback_event(self, connection: Connection, started: Redirection) -> Event:
        """Make the event of the browser's return."""
        cookies = [f"{cookie.name}={cookie.value}" for cookie in started.cookies]
        return event(
            f"/connections/{connection.id}/callback",
            route="ANY /connections/{connection_id}/callback",
            connection_id=connection.id,
            query=urlencode(self.answer(started)),
            cookies=cookies,
        )

    def jwks_event(self, connection: Connection) -> Event:
        """Make the event of a provider that fetches a connection's keys."""
        return event(
            f"/connections/{connection.id}/jwks.json",
            route="ANY /connections/{connection_id}/jwks.json",
            connection_id=connection.id,
        )


@contextmanager
def surroundings() -> Iterator[Surroundings]:
    """Start everything, and end it however the block ends; the environment is this process's."""
    aws, provider = EmulatedAws(), _Provider()
    before = dict(os.environ)
    try:
        aws.start()
        made = create_resources(Template.read(), endpoint=aws.endpoint, region=REGION)
        environment = {
            **aws.environment(),
            **made,
            "SIGNET_ISSUER": ISSUER,
            "SIGNET_ALLOW_LOOPBACK": "1",
            "SIGNET_SIGNER_CACHE_SECONDS": "60",
        }
        os.environ.update(environment)
        wiring.initialize_deployment()()
        yield Surroundings(
            provider=provider.issuer,
            environment=environment,
            connections=_register(provider.issuer),
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
        provider.stop()
        aws.stop()


def load_handler(path: Path) -> Handler:
    """Load a function's one file, as Lambda does."""
    spec = importlib.util.spec_from_file_location(f"handler_{path.parent.name}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


def function(name: str) -> Path:
    """Name the file of a function."""
    return PROJECT / "functions" / name / "app.py"


def query_of(url: str) -> dict[str, str]:
    """Read the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def event(
    path: str, *, route: str, connection_id: str, query: str = "", cookies: list[str] | None = None
) -> Event:
    """Make a GET's event, payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": dict(parse_qsl(query)),
        "headers": {
            "accept": "text/html,application/xhtml+xml",
            "accept-language": "en",
            "host": "127.0.0.1:1",
            "user-agent": "Mozilla/5.0",
        },
        "cookies": cookies or [],
        "pathParameters": {"connection_id": connection_id},
        "requestContext": {
            "http": {"method": "GET", "path": path, "sourceIp": "127.0.0.1"},
            "requestId": "bench",
            "routeKey": route,
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


def _register(provider: str) -> dict[str, Connection]:
    kms = SoftwareKms()
    key_id = kms.create_key(algorithm=algorithm("ES256"), tags={})
    jwk = PublicJwk.from_der(kms.public_key(key_id), alg="ES256").as_dict()
    registration = wiring.registration()
    registration.register_client(
        {"client_id": "app", "name": "App", "redirect_uris": [APP], "jwks": {"keys": [jwk]}}
    )
    return {
        alg: registration.create_connection({
            "name": alg.lower(),
            "strategy": "oidc",
            "issuer": provider,
            "client_id": CLIENT_ID,
            "token_endpoint_auth_signing_alg": alg,
            "assertion": {"audience": "token_endpoint", "typ": "JWT"},
        })
        for alg in ALGORITHMS
    }  # fmt: skip


class _Provider:
    """The provider's process; it ends with its standard input."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.loopback_provider"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.issuer = self._process.stdout.readline().strip() if self._process.stdout else ""

    def stop(self) -> None:
        try:
            self._process.communicate(timeout=3)  # closes its standard input
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
