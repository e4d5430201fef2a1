"""What travelled in a run and must stand in no log line: collected on the wire, looked for after.

Collecting is done where requests and answers pass (`Wire`), so that no test has to think of it.
"""

import json
import ssl
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx  # noqa: TID251  (whoever stands outside of Signet)

Client = httpx.Client
Response = httpx.Response

CARRIED = frozenset({
    "code", "state", "nonce", "code_verifier", "client_assertion", "access_token", "id_token",
    "request", "request_uri", "refresh_token", "client_secret", "logout_token", "id_token_hint",
    "confirm", "dpop",
})  # fmt: skip
"""Parameters and members whose values are for their receiver alone."""

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi"})
_SHORTEST = 16  # what is shorter may stand in a log by chance


class Travelled:
    """A set of values, each with what it was."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._values)

    def kinds(self) -> set[str]:
        """Return what kinds of values travelled."""
        return set(self._values.values())

    def note(self, value: object, what: str) -> None:
        """Remember a value; a token's parts and a URN's last part count by themselves."""
        if not isinstance(value, str):
            return
        for part in {value, *value.split("."), value.rpartition(":")[2]}:
            if len(part) >= _SHORTEST:
                self._values[part] = what

    def note_all(self, members: Mapping[str, Any]) -> None:
        """Remember those members that are for their receiver alone."""
        for name in CARRIED & members.keys():
            self.note(members[name], name)

    def note_address(self, address: str) -> None:
        """Remember what an address carries in its query."""
        self.note_all(dict(parse_qsl(urlsplit(address).query)))

    def note_private_key(self, jwk: Mapping[str, Any]) -> None:
        """Remember a private key's own members."""
        for name in PRIVATE_MEMBERS & jwk.keys():
            self.note(jwk[name], "private key")

    def found_in(self, text: str) -> list[str]:
        """Return what stands in a text, by kind; never the value, which would then be in ours."""
        return sorted({what for value, what in self._values.items() if value in text})


class Wire:
    """Makes HTTP clients whose every request and answer is looked through."""

    def __init__(self, travelled: Travelled) -> None:
        self.travelled = travelled
        self._clients: list[httpx.Client] = []
        # Made once: a context of its own for each of hundreds of browsers takes longer than they.
        self._tls = ssl.create_default_context()

    def client(self) -> httpx.Client:
        """Make a client with a cookie jar of its own; it follows nothing by itself."""
        hooks = {"request": [self._sent], "response": [self._received]}
        limits = httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(
            event_hooks=hooks, timeout=30, limits=limits, trust_env=False, verify=self._tls
        )
        client.event_hooks["response"].append(lambda _: _trusting_loopback(client))
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()

    def _sent(self, request: httpx.Request) -> None:
        self.travelled.note_address(str(request.url))
        body = request.content.decode("utf-8", "replace")
        self.travelled.note_all(dict(parse_qsl(body)))
        _, *credentials = request.headers.get("authorization", "").split(" ")
        for credential in credentials:
            self.travelled.note(credential, "authorization")
        self.travelled.note(request.headers.get("dpop"), "dpop")
        for pair in request.headers.get("cookie", "").split(";"):
            self.travelled.note(pair.strip().partition("=")[2], "cookie")

    def _received(self, response: httpx.Response) -> None:
        self.travelled.note_address(response.headers.get("location", ""))
        for header in response.headers.get_list("set-cookie"):
            for morsel in SimpleCookie(header).values():
                self.travelled.note(morsel.value, "cookie")
        if "json" in response.headers.get("content-type", ""):
            response.read()
            try:
                document = json.loads(response.content)
            except ValueError:
                return
            if isinstance(document, dict):
                self.travelled.note_all(document)


def _trusting_loopback(client: Client) -> None:
    """Keep Secure cookies for http too, as browsers do at 127.0.0.1 [Secure Contexts 3.1]."""
    for cookie in client.cookies.jar:
        cookie.secure = False
