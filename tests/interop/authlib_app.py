"""An application made of Authlib's Flask integration as it is, driven by lines.

The lines are those of app_lines.mjs. Each login is a browser of its own before the application, by
Flask's own test client.
"""

import json
import secrets  # noqa: TID251  (an application makes values of its own)
import sys
import threading
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.flask_client import OAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask, request
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, RSAKey
from werkzeug.wrappers import Response

APP = "http://127.0.0.1:9"
REDIRECT_URI = f"{APP}/callback"
POST_LOGOUT_REDIRECT_URI = f"{APP}/signed-out"
LIFETIME = 60
TOKENS = ("access_token", "id_token", "refresh_token")


@dataclass(slots=True)
class Login:
    """One person's browser before the application."""

    client: FlaskClient
    token: dict[str, Any] = field(default_factory=dict)


class Keys:
    """The application's keys, and the server of its JWKS."""

    def __init__(self, alg: str) -> None:
        self.alg = alg
        self.fetches = 0
        self.made: dict[str, Any] = {}
        self.published: list[str] = []
        self.kid = self.new("app-key-1")
        handler = type("Handler", (_Jwks,), {"keys": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.uri = f"http://127.0.0.1:{self._server.server_port}/jwks"

    def new(self, kid: str) -> str:
        about = {"kid": kid, "alg": self.alg, "use": "sig"}
        if self.alg.startswith("ES"):
            self.made[kid] = ECKey.generate_key("P-256", about)
        else:
            self.made[kid] = RSAKey.generate_key(2048, about)
        self.published.append(kid)
        self.kid = kid
        return kid

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.made[kid].as_dict(private=False) for kid in self.published]}


class _Jwks(BaseHTTPRequestHandler):
    keys: Keys

    def do_GET(self) -> None:
        self.keys.fetches += 1
        body = json.dumps(self.keys.jwks()).encode()
        self.send_response(200)
        self.send_header("content-type", "application/jwk-set+json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class AuthlibApp:
    """The Flask application, and what the lines ask of it."""

    def __init__(self, issuer: str, client_id: str, alg: str) -> None:
        self.keys = Keys(alg)
        self.carried: list[str] = []
        self.logins: dict[str, Login] = {}
        self.last = ""
        self._login: Login | None = None
        self._flask = Flask(__name__)
        self._flask.secret_key = secrets.token_urlsafe(32)
        self._issuer = issuer
        self._signet = OAuth(self._flask).register(
            "signet",
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_id=client_id,
            client_kwargs={
                "scope": "openid profile email",
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "private_key_jwt",
            },
            client_auth_methods=[("private_key_jwt", self._authenticate)],
            update_token=self._keep,
        )
        for rule, view in (
            ("/login", self._begin),
            ("/callback", self._finish),
            ("/refresh", self._refresh),
            ("/logout", self._logout),
        ):
            self._flask.add_url_rule(rule, rule, view)

    def _authenticate(self, auth: Any, method: str, uri: str, headers: Any, body: Any) -> Any:
        """Sign an assertion for the issuer that lives for a minute; Authlib's lives for an hour.

        A new method each time: one that is given claims keeps its `jti` in them.
        """
        auth.client_secret = self.keys.made[self.keys.kid]
        signing = PrivateKeyJWT(
            self._issuer,
            alg=self.keys.alg,
            headers={"kid": self.keys.kid},
            claims={"exp": int(time.time()) + LIFETIME},  # noqa: TID251  (an application's clock)
        )
        uri, headers, body = signing(auth, method, uri, headers, body)
        self.carried.append(body)
        return uri, headers, body

    def _keep(self, token: dict[str, Any], **_: Any) -> None:
        assert self._login is not None
        self._login.token = dict(token)

    # --- the application's own addresses ---

    def _begin(self) -> Response:
        return self._signet.authorize_redirect(REDIRECT_URI, **request.args.to_dict())

    def _finish(self) -> dict[str, Any]:
        token = self._signet.authorize_access_token()
        self._keep({name: value for name, value in token.items() if name != "userinfo"})
        return {"claims": token["userinfo"], "userinfo": self._signet.userinfo()}

    def _refresh(self) -> dict[str, Any]:
        """Ask for userinfo with a token that is over: Authlib refreshes it by itself."""
        assert self._login is not None
        self._login.token["expires_at"] = 1
        userinfo = self._signet.userinfo(token=self._login.token)
        claims = self._signet.parse_id_token(self._login.token, nonce=None)
        return {"claims": claims, "userinfo": userinfo}

    def _logout(self) -> Response:
        assert self._login is not None
        hint = self._login.token["id_token"]
        return self._signet.logout_redirect(POST_LOGOUT_REDIRECT_URI, id_token_hint=hint)

    # --- the lines ---

    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what one line asks for."""
        keys = self.keys
        if "rotate" in command:
            keys.new(command["rotate"])
            return {"jwks": keys.jwks()}
        if "use" in command:
            keys.kid = command["use"]
        elif "drop" in command:
            keys.published.remove(command["drop"])
        elif "begin" in command:
            return self.begin(command["begin"])
        elif "finish" in command:
            query = urlsplit(command["finish"]).query
            return self.made(command.get("login", self.last), f"/callback?{query}")
        elif "refresh" in command:
            return self.made(command["refresh"], "/refresh")
        elif "logout" in command:
            return {"url": self.visit(command["logout"], "/logout").location}
        return {"count": keys.fetches}

    def begin(self, parameters: dict[str, str]) -> dict[str, Any]:
        login = Login(self._flask.test_client())
        url = login.client.get("/login", query_string=parameters, base_url=APP).location
        self.last = parse_qs(urlsplit(url).query)["state"][0]
        self.logins[self.last] = login
        return {"url": url, "login": self.last}

    def visit(self, login: str, address: str) -> Any:
        self._login = self.logins[login]
        self._flask.testing = True  # an error is raised to whoever visits
        return self._login.client.get(address, base_url=APP)

    def made(self, login: str, address: str) -> dict[str, Any]:
        answer = self.visit(login, address).get_json()
        token = self.logins[login].token
        self.carried += [f"{name}={token[name]}" for name in TOKENS if name in token]
        header = token["id_token"].partition(".")[0]
        kid = json.loads(_decoded(header))["kid"]
        return {**answer, "kid": kid, "tokenType": token["token_type"].lower()}


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def main() -> None:
    """Answer lines until there are no more."""
    options = json.loads(sys.stdin.readline())
    app = AuthlibApp(options["issuer"], options["clientId"], options["alg"])

    def answer(document: dict[str, Any]) -> None:
        carried, app.carried = app.carried, []
        sys.stdout.write(json.dumps({**document, "carried": carried}) + "\n")
        sys.stdout.flush()

    answer({
        "jwks": app.keys.jwks(),
        "jwksUri": app.keys.uri,
        "redirectUri": REDIRECT_URI,
        "postLogoutRedirectUri": POST_LOGOUT_REDIRECT_URI,
    })  # fmt: skip
    for line in sys.stdin:
        try:
            done = app.do(json.loads(line))
        except Exception as error:  # noqa: BLE001  (a test wants to know of every one)
            code = getattr(error, "error", None)
            done = {"error": code or str(error), "code": type(error).__name__}
        answer(done)


if __name__ == "__main__":
    main()
