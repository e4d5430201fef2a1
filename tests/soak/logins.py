"""People who sign in all the time, through the provider, and an application that verifies."""

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx  # noqa: TID251  (an outside caller)
from joserfc import jws as joserfc_jws
from joserfc.jwk import KeySet

from signet.oauth.client_assertion import MAX_LIFETIME
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.clock import now
from tests.support.travelled import Wire

KEPT_FAILURES = 20


class FreshWire(Wire):
    """Makes clients that are not kept: a run makes thousands of them."""

    def client(self) -> httpx.Client:
        client = super().client()
        self._clients.remove(client)
        return client

    def _sent(self, request: httpx.Request) -> None:
        del request

    def _received(self, response: httpx.Response) -> None:
        del response


@dataclass(slots=True)
class IssuerKeys:
    """The issuer's JWKS as an application keeps it: for its max-age, whatever comes meanwhile."""

    issuer: str
    _keys: KeySet | None = None
    _until: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def verify(self, token: str) -> None:
        """Verify a token's signature; a kid that is not there is a failure."""
        with self._lock:
            if self._keys is None or now() >= self._until:
                asked = now()
                answer = httpx.get(
                    f"{self.issuer}/.well-known/jwks.json", timeout=10, trust_env=False
                )
                self._keys = KeySet.import_key_set(answer.json())
                self._until = asked + max_age(answer.headers["cache-control"])
            keys = self._keys
        joserfc_jws.deserialize_compact(token, keys, algorithms=["RS256", "ES256"])


def max_age(cache_control: str) -> int:
    """Read how long an answer may be kept."""
    directives = dict(part.strip().partition("=")[::2] for part in cache_control.split(","))
    return int(directives["max-age"])


class Logins:
    """Signs in from `start` to `stop`, through one connection after the other.

    Args:
        application: registered with Signet.
        connections: their names; there may be more of them later.
        pause: seconds of the machine between two logins of one person.
        people: how many there are.
    """

    def __init__(
        self, application: Application, connections: Sequence[str], *, pause: float, people: int = 2
    ) -> None:
        self._application = application
        self._names = connections
        self._turns = itertools.count()
        self._keys = IssuerKeys(application.issuer)
        self._pause = pause
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._go_on) for _ in range(people)]
        self.done = 0
        self.failed = 0
        self.failures: list[str] = []

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, each after the login that is under way."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def sign_in(self, connection: str) -> dict[str, Any]:
        """Sign in once, as a person and an application do; every answer has to be the right one."""
        application = self._application
        browser = Browser(application.wire)
        with browser.client:
            request = application.request(connection)
            begun = browser.open(f"{application.issuer}/authorize", request.parameters)
            back = browser.sign_in(begun)
        assert back.get("state") == request.state, back
        assert "code" in back, back
        # As long-lived as is allowed: seconds of this clock are short.
        assertion = application.assertion(application.claims(exp=now() + MAX_LIFETIME))
        answer = application.redeem(back["code"], request.verifier, client_assertion=assertion)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        self._keys.verify(tokens["id_token"])
        return tokens

    def _go_on(self) -> None:
        while not self._over.is_set():
            with self._lock:
                name = self._names[next(self._turns) % len(self._names)]
            try:
                self.sign_in(name)
            except Exception as error:  # noqa: BLE001  (whatever it is, somebody could not sign in)
                self._note(f"{time.strftime('%H:%M:%S')} {name}: {type(error).__name__}: {error}")
            else:
                with self._lock:
                    self.done += 1
            self._over.wait(self._pause)

    def _note(self, failure: str) -> None:
        with self._lock:
            self.failed += 1
            if len(self.failures) < KEPT_FAILURES:
                self.failures.append(failure[:600])
