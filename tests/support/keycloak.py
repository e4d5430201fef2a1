"""Keycloak as a process: started with a realm, given clients, ended with all its children."""

import contextlib
import os
import secrets  # noqa: TID251  (the password of one run)
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx  # noqa: TID251  (its administrator is outside of Signet)

from tests.support.stack import PROJECT

INSTALLED = PROJECT / ".keycloak"
REALM = Path(__file__).parents[1] / "keycloak" / "realm.json"
START_SECONDS = 300
_ADMIN = "admin"
# Its script's own default is 70 % of the machine's memory.
_HEAP = "-Xms64m -Xmx512m -XX:MaxMetaspaceSize=256m"


class KeycloakFailedError(AssertionError):
    """Keycloak did not start, or did not take what it was told."""


class Keycloak:
    """`kc.sh start-dev` with the realm of tests/keycloak; a context manager.

    Args:
        port: to listen on, at 127.0.0.1.
        progress: is told in short words how far the start is.
    """

    def __init__(self, port: int, *, progress: Callable[[str], None]) -> None:
        self._port = port
        self._progress = progress
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="signet-keycloak-")
        self._log = Path(self._folder.name) / "keycloak.log"
        self.origin = f"http://127.0.0.1:{port}"
        self.issuer = f"{self.origin}/realms/acme"
        self._http = httpx.Client(base_url=self.origin, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def version(self) -> str:
        """Return the version that is installed."""
        return (INSTALLED / "made-from").read_text("utf-8").split()[0]

    def add_client(self, client_id: str, **representation: Any) -> None:
        """Register a client, as its administrator does by hand."""
        document = {"clientId": client_id, "publicClient": False, **representation}
        answer = self._http.post(
            "/admin/realms/acme/clients",
            json=document,
            headers={"authorization": f"Bearer {self._admin_token()}"},
        )
        if answer.status_code != 201:
            raise KeycloakFailedError(f"{answer.status_code}: {answer.text}")

    def add_connection(
        self,
        connection: Mapping[str, Any],
        *,
        attributes: Mapping[str, str],
        **representation: Any,
    ) -> None:
        """Register Signet by what a connection's registration sheet says, with changes."""
        by_the_sheet = {
            "clientAuthenticatorType": "client-jwt",
            "redirectUris": [connection["redirect_uri"]],
            "attributes": {
                "use.jwks.url": "true",
                "jwks.url": connection["jwks_uri"],
                "token.endpoint.auth.signing.alg": connection["token_endpoint_auth_signing_alg"],
                "pkce.code.challenge.method": "S256",
                **attributes,
            },
        }
        self.add_client(connection["client_id"], **{**by_the_sheet, **representation})

    def _admin_token(self) -> str:
        answer = self._http.post(
            "/realms/master/protocol/openid-connect/token",
            data={
                "grant_type": "password",
                "client_id": "admin-cli",
                "username": _ADMIN,
                "password": self._password,
            },
        )
        token: str = answer.raise_for_status().json()["access_token"]
        return token

    def _start(self) -> None:
        server = INSTALLED / "server"
        if not server.is_dir():
            raise KeycloakFailedError("Keycloak is not here: `make interop` fetches it.")
        imported = server / "data" / "import"
        imported.mkdir(parents=True, exist_ok=True)
        (imported / "acme-realm.json").write_text(REALM.read_text("utf-8"), "utf-8")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (the pinned program)
                [  # noqa: S607  (whichever is there)
                    "bash",
                    str(server / "bin" / "kc.sh"),
                    "start-dev",
                    "--http-host=127.0.0.1",
                    f"--http-port={self._port}",
                    "--db=dev-mem",
                    "--cache=local",
                    "--import-realm",
                ],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its script starts Java as a child: all of them are this group.
                process_group=0,
            )
        self._wait_until_ready()

    def _environment(self) -> dict[str, str]:
        own = {
            name: value
            for name, value in os.environ.items()  # noqa: TID251  (to leave some out)
            if not name.startswith(("KC_", "KEYCLOAK_", "JAVA_OPTS", "JAVA_TOOL_OPTIONS"))
        }
        return {
            **own,
            "JAVA_OPTS_KC_HEAP": _HEAP,
            "KC_BOOTSTRAP_ADMIN_USERNAME": _ADMIN,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": self._password,
        }

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        began = time.monotonic()
        self._progress(f"Keycloak {self.version} starts (a minute or so) ")
        while (waited := time.monotonic() - began) < START_SECONDS:
            if self._process.poll() is not None:
                break
            if self._answers():
                self._progress(f" ready after {waited:.0f} s\n")
                return
            self._progress(".")
            time.sleep(1)
        self._progress(" failed\n")
        words = self._log.read_text("utf-8", "replace").splitlines()[-20:]
        raise KeycloakFailedError("\n".join(["Keycloak did not become ready:", *words]))

    def _answers(self) -> bool:
        try:
            return self._http.get("/realms/acme/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False

    def _end(self) -> None:
        self._http.close()
        process, self._process = self._process, None
        if process is not None:
            for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)
                    break
            # Whoever of the group outlived the script.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        self._folder.cleanup()
