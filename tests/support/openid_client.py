"""npm openid-client as an application, driven by lines (tests/interop/openid_client_app.mjs)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.support.application import REDIRECT_URI
from tests.support.stack import PROJECT
from tests.support.travelled import Travelled

NODE = Path(sys.prefix) / "bin" / "node"
SCRIPT = PROJECT / "tests" / "interop" / "openid_client_app.mjs"


class OpenidClientApp:
    """The application's process; what it sends is noted as what travelled."""

    def __init__(self, issuer: str, travelled: Travelled, *, client_id: str, alg: str) -> None:
        self._travelled = travelled
        self._process = subprocess.Popen(  # noqa: S603  (the project's own program)
            [str(NODE), str(SCRIPT)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.client_id = client_id
        self.alg = alg
        made = self.tell(issuer=issuer, clientId=client_id, redirectUri=REDIRECT_URI, alg=alg)
        self.jwks: dict[str, Any] = made["jwks"]
        self.jwks_uri: str = made["jwksUri"]

    def registration(self, **keys: Any) -> dict[str, Any]:
        """Write what an administrator registers; `keys` is jwks or jwks_uri."""
        return {
            "client_id": self.client_id,
            "name": "openid-client",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_signing_alg": self.alg,
            **keys,
        }

    def tell(self, **command: Any) -> dict[str, Any]:
        """Send a command and return its answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        for body in answer["carried"]:
            self._travelled.note_all(dict(parse_qsl(body)))
        return answer

    def stop(self) -> None:
        """End it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is not None:
            stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if stdout is not None:
            stdout.close()
