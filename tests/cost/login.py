"""Whole logins through the deployed handlers, in this process; AWS is emulated in another one."""

# ruff: noqa: TID251  (what is counted finds its AWS by the environment, as in Lambda)

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from signet import wiring
from signet.adapters import aws
from signet.broker.connection import Connection
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.process import EmulatedAws, use
from signet_local.emulated_aws.resources import create_resources, emulated_client
from signet_local.gateway.event import HttpRequest, build_event
from signet_local.gateway.functions import Functions
from signet_local.gateway.routes import Routes
from signet_local.template import Template
from tests.cost.counted import Meter
from tests.support.application import Application
from tests.support.browser import query_of
from tests.support.lying_provider import CLIENT_ID, LyingProvider, Tenant, lying_provider
from tests.support.memory import FixedClock
from tests.support.travelled import Travelled, Wire

ISSUER = "http://127.0.0.1:1"
TICK = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "id": "tick"}
_DAY = 86_400


@dataclass(slots=True)
class Deployment:
    """The template's functions behind its routes, one connection and one application."""

    template: Template
    meter: Meter
    application: Application
    tenant: Tenant
    connection: Connection
    functions: Functions = field(init=False)

    def __post_init__(self) -> None:
        self.functions = Functions(self.template)

    def login(self) -> list[str]:
        """Sign a person in, and return which functions were invoked."""
        app, invoked = self.application, list[str]()
        sign_in = app.request(self.connection.name)
        started = self._call(invoked, "GET", "/authorize", query=urlencode(sign_in.parameters))
        asked = query_of(started["headers"]["location"])
        assert "error" not in asked, asked
        answer = {"code": self.tenant.expect(asked), "state": asked["state"]}
        returned = self._call(
            invoked,
            "GET",
            urlsplit(self.connection_url("callback")).path,
            query=urlencode({**answer, "iss": self.tenant.issuer}),
            cookie="; ".join(part.partition(";")[0] for part in started["cookies"]),
        )
        code = query_of(returned["headers"]["location"])["code"]
        form = urlencode(app.form(code, sign_in.verifier))
        tokens = json.loads(self._call(invoked, "POST", "/token", form=form)["body"])
        bearer = f"Bearer {tokens['access_token']}"
        self._call(invoked, "GET", "/userinfo", authorization=bearer)
        self._call(invoked, "GET", "/.well-known/jwks.json")
        return invoked

    def connection_url(self, last: str) -> str:
        """Return one of the connection's own addresses."""
        return f"{ISSUER}/connections/{self.connection.id}/{last}"

    def tick(self) -> None:
        """Do what comes each minute: a sweep for keys that are due, and the audit's sealing."""
        with self.meter.function("rotate_keys"):
            self.functions.invoke("RotateKeysFunction", dict(TICK))

    def rotate(self) -> None:
        """Rotate the connection's key once, from its creation until it is retired."""
        clock, machines = FixedClock(int(time.time())), wiring._clock
        _forget_composition()  # whatever has the machine's clock already
        vars(wiring)["_clock"] = lambda: clock
        rotator = wiring.rotator()
        with self.meter.function("rotate_keys"):
            rotator.step(self.connection.id, requested=True)
            for _ in range(2):
                clock.time += int(2.1 * _DAY)
                rotator.step(self.connection.id)
        vars(wiring)["_clock"] = machines
        _forget_composition()

    def _call(
        self, invoked: list[str], method: str, path: str, *, query: str = "", form: str = "",
        **headers: str,
    ) -> dict[str, Any]:  # fmt: skip
        routes = self.template.routes()
        match = Routes(list(routes)).match(method, path)
        assert match is not None, path
        if form:
            headers["content-type"] = "application/x-www-form-urlencoded"
        request = HttpRequest(
            method=method,
            raw_path=path,
            query=query,
            headers=[("host", urlsplit(ISSUER).netloc), *headers.items()],
            body=form.encode(),
            source_ip="127.0.0.1",
        )
        function = routes[match.route_key]
        name = self.template.functions()[function].folder.name
        with self.meter.function(name):
            answer = self.functions.invoke(function, build_event(request, match))
        assert answer is not None
        assert answer["statusCode"] in {200, 303}, answer
        invoked.append(name)
        return answer


@contextmanager
def deployment(*, remembered: int) -> Iterator[Deployment]:
    """Make a deployment whose functions remember what they read for so many seconds.

    The environment and what `wiring` keeps are this process's, and as before afterwards.
    """
    emulated, travelled, before = EmulatedAws(), Travelled(), dict(os.environ)
    wire = Wire(travelled)
    try:
        emulated.start()
        template = Template.read()
        made = create_resources(template, endpoint=emulated.endpoint, region=REGION)
        use(emulated.environment(), os.environ)
        os.environ.update(
            made,
            SIGNET_ISSUER=ISSUER,
            SIGNET_ALLOW_LOOPBACK="1",
            SIGNET_SIGNER_CACHE_SECONDS=str(remembered),
        )
        with lying_provider(travelled) as provider, _wiring_anew():
            meter = Meter(emulated_client("dynamodb", endpoint=emulated.endpoint, region=REGION))
            yield _deployed(template, meter, provider, wire)
    finally:
        wire.close()
        os.environ.clear()
        os.environ.update(before)
        emulated.stop()


def _deployed(template: Template, meter: Meter, provider: LyingProvider, wire: Wire) -> Deployment:
    wiring.initialize_deployment()()
    tenant, application = provider.tenant("acme"), Application(ISSUER, wire)
    registration = wiring.registration()
    registration.register_client(application.registration())
    connection = registration.create_connection(
        {
            "name": "acme",
            "strategy": "oidc",
            "issuer": tenant.issuer,
            "client_id": CLIENT_ID,
            "id_token_signed_response_alg": "ES256",
        }
    )
    return Deployment(
        template=template,
        meter=meter,
        application=application,
        tenant=tenant,
        connection=connection,
    )


@contextmanager
def _wiring_anew() -> Iterator[None]:
    """Forget what the composition keeps, before and after: it names another deployment."""
    kept = dict(vars(wiring))
    _forget()
    try:
        yield
    finally:
        vars(wiring).update(kept)
        _forget()


def _forget() -> None:
    _forget_composition()
    aws._session.cache_clear()


def _forget_composition() -> None:
    for value in list(vars(wiring).values()):
        if hasattr(value, "cache_clear"):
            value.cache_clear()
