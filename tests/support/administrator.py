"""An administrator with admin.json and nothing else: a token by private_key_jwt, then requests."""

import json
import time
from collections.abc import Mapping
from typing import Any, Self

import httpx  # noqa: TID251  (a client of ours from outside)

from signet_local.assertion import client_assertion

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Administrator:
    """Calls the management API of a running stack."""

    def __init__(self, document: dict[str, Any], *, scope: str | None = None) -> None:
        self.issuer = document["issuer"]
        self._document = document
        self._http = httpx.Client(base_url=self.issuer, timeout=30, trust_env=False)
        self.scope = document["scope"] if scope is None else scope
        self.token = self.fetch_token()["access_token"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def fetch_token(self) -> dict[str, Any]:
        answer = self._http.post(
            "/token",
            data={
                "grant_type": "client_credentials",
                "scope": self.scope,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": client_assertion(self._document, now=_now()),
            },
        )
        assert answer.status_code == 200, answer.text
        members: dict[str, Any] = answer.json()
        return members

    def call(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        token: str | None = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a request to `/api/v1` + path; `token=None` sends it without one."""
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token or self.token}"
        if document is not None:
            content = json.dumps(document).encode()
            sent.setdefault("content-type", "application/json")
        return self._http.request(method, f"/api/v1{path}", headers=sent, content=content)


def _now() -> int:
    return int(time.time())  # noqa: TID251  (the running stack has the real clock)
