"""Ports for programs that cannot be given an open one."""

import socket  # noqa: TID251  (to ask for one)


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
