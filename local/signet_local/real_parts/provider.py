"""The certified provider as a process: started, given clients, asked what it received, ended."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from signet_local.real_parts.node import NodeProgram


class ProviderProcess:
    """npm `oidc-provider` on a loopback port, from `start` to `stop`.

    Args:
        port: to listen on.
        log: where its standard error goes; ours without one.
        options: further members of its configuration (see provider.mjs).
    """

    def __init__(self, port: int, *, log: Path | None = None, **options: object) -> None:
        self._program = NodeProgram(
            "provider.mjs",
            title="The identity provider",
            configuration={"port": port, **options},
            log=log,
        )
        self._origin = f"http://127.0.0.1:{port}"
        self.issuer = str(options.get("issuer", self._origin))

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it ended at once; what it said is on standard error or in the log.
        """
        self._program.start(ready="provider ready ")

    def add_client(self, client: dict[str, Any], **demands: object) -> None:
        """Register a client there, or change it; `demands` are what it is held to besides."""
        self._program.say(
            {"client": client, "demands": demands}, answer=f"client ready {client['client_id']}"
        )

    def add_connection(
        self, connection: dict[str, Any], *, client_id: str, alg: str, **metadata: object
    ) -> None:
        """Register Signet as a client, by the JWKS address of one of its connections.

        A client whose metadata changed is a new one to it, of whose keys it has no copy.
        """
        self.add_client({
            "client_id": client_id,
            "redirect_uris": [connection["redirect_uri"]],
            "jwks_uri": connection["jwks_uri"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": alg,
            "id_token_signed_response_alg": alg,
            **metadata,
        })  # fmt: skip

    def assertions(self) -> list[dict[str, Any]]:
        """Return the client assertions that it received: endpoint, status, header, claims."""
        address = f"{self._origin}/demo/assertions"
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310  (our own http)
            received: list[dict[str, Any]] = json.load(answer)
        return received

    def ended(self) -> str | None:
        """Tell in a sentence that it ended by itself, or None."""
        return self._program.ended()

    def stop(self) -> None:
        """End it."""
        self._program.stop()
