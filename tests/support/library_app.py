"""A real library as an application, driven by lines (tests/interop/app_lines.mjs)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.support.stack import PROJECT
from tests.support.travelled import Travelled

INTEROP = PROJECT / "tests" / "interop"
NODE = (str(Path(sys.prefix) / "bin" / "node"),)
PYTHON = (sys.executable,)
PROGRAMS = {
    "openid-client": (*NODE, str(INTEROP / "openid_client_app.mjs")),
    "oauth4webapi": (*NODE, str(INTEROP / "oauth4webapi_app.mjs")),
    "Authlib": (*PYTHON, str(INTEROP / "authlib_app.py")),
    "@auth/core": (*NODE, str(INTEROP / "auth_js_app.mjs")),
}


class LibraryApp:
    """The application's process; what it sends is noted as what travelled."""

    def __init__(
        self,
        issuer: str,
        travelled: Travelled,
        *,
        client_id: str,
        alg: str = "ES256",
        library: str = "openid-client",
        **options: Any,
    ) -> None:
        self._travelled = travelled
        self._process = subprocess.Popen(  # noqa: S603  (the project's own program)
            PROGRAMS[library],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.library = library
        self.client_id = client_id
        self.alg = alg
        made = self.tell(issuer=issuer, clientId=client_id, alg=alg, **options)
        self.jwks: dict[str, Any] = made["jwks"]
        self.jwks_uri: str = made["jwksUri"]
        self.redirect_uri: str = made["redirectUri"]
        self.post_logout_redirect_uri: str = made["postLogoutRedirectUri"]

    def registration(self, **document: Any) -> dict[str, Any]:
        """Write what an administrator registers; `document` has jwks or jwks_uri."""
        return {
            "client_id": self.client_id,
            "name": self.library,
            "redirect_uris": [self.redirect_uri],
            "post_logout_redirect_uris": [self.post_logout_redirect_uri],
            "token_endpoint_auth_signing_alg": self.alg,
            **document,
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
