"""The certified provider as a process: started, given clients, asked what it received, ended."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from signet_local.template import PROJECT

NODE = Path(sys.prefix) / "bin" / "node"


class ProviderProcess:
    """npm `oidc-provider` on a loopback port, from `start` to `stop`.

    Args:
        port: to listen on.
        options: further members of its configuration (see provider.mjs).
    """

    def __init__(self, port: int, **options: object) -> None:
        self._configuration = {"port": port, **options}
        self._process: subprocess.Popen[str] | None = None
        self.issuer = f"http://127.0.0.1:{port}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it ended at once; what it said is on standard error.
        """
        self._process = subprocess.Popen(
            [str(NODE), str(Path(__file__).with_name("provider.mjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        self._say(self._configuration)
        self._expect("provider ready ")

    def add_client(self, client: dict[str, Any]) -> None:
        """Register a client there, or change it."""
        self._say({"client": client})
        self._expect(f"client ready {client['client_id']}")

    def add_connection(self, connection: dict[str, Any], *, client_id: str, alg: str) -> None:
        """Register Signet as a client, by the JWKS address of one of its connections."""
        self.add_client({
            "client_id": client_id,
            "redirect_uris": [connection["redirect_uri"]],
            "jwks_uri": connection["jwks_uri"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": alg,
            "id_token_signed_response_alg": alg,
        })  # fmt: skip

    def assertions(self) -> list[dict[str, Any]]:
        """Return the client assertions that it received: endpoint, status, header, claims."""
        address = f"{self.issuer}/demo/assertions"
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310  (our own http)
            received: list[dict[str, Any]] = json.load(answer)
        return received

    def stop(self) -> None:
        """End it."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def _say(self, line: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("The identity provider is not running.")
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def _expect(self, beginning: str) -> None:
        line = ""
        if self._process is not None and self._process.stdout is not None:
            line = self._process.stdout.readline()
        if not line.startswith(beginning):
            self.stop()
            raise RuntimeError("The identity provider did not start.")
