"""The sample application as a process: a certified relying party in front of Signet."""

from pathlib import Path

from signet_local.real_parts.node import NodeProgram


class AppProcess:
    """npm `openid-client` behind a few pages on a loopback port, from `start` to `stop`."""

    CLIENT_ID = "sample-app"

    def __init__(self, port: int, *, log: Path | None = None) -> None:
        self._port = port
        self._log = log
        self._program: NodeProgram | None = None
        self.address = f"http://127.0.0.1:{port}"

    def registration(self) -> dict[str, object]:
        """Return how it is registered with Signet: its keys by their address."""
        return {
            "client_id": self.CLIENT_ID,
            "name": "Sample app",
            "redirect_uris": [f"{self.address}/callback"],
            "jwks_uri": f"{self.address}/jwks.json",
        }

    def start(self, *, issuer: str, connection: dict[str, str], provider: str) -> None:
        """Start it and wait until it answers.

        Args:
            issuer: Signet's.
            connection: its name and the address of its keys, to compare with what is seen.
            provider: the identity provider's issuer, which tells what it received.

        Raises:
            RuntimeError: it ended at once; what it said is on standard error or in the log.
        """
        configuration = {
            "port": self._port,
            "issuer": issuer,
            "clientId": self.CLIENT_ID,
            "connection": {"name": connection["name"], "jwksUri": connection["jwks_uri"]},
            "provider": provider,
        }
        self._program = NodeProgram(
            "app.mjs", title="The sample app", configuration=configuration, log=self._log
        )
        self._program.start(ready="app ready ")

    def ended(self) -> str | None:
        """Tell in a sentence that it ended by itself, or None."""
        return self._program.ended() if self._program is not None else None

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()
