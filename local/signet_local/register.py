"""Register connections and clients with a running stack: `python -m signet_local.register`.

Takes a document `{"connections": […], "clients": […]}` from standard input, each member as the
management API takes it, and runs the use case that the API runs, on the stack's own tables. Prints
what was made: `{"connections": [{"id", "name", "redirect_uri", "jwks_uri"}], "clients": […]}`.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from signet import wiring
from signet.errors import SignetError
from signet_local import state
from signet_local.emulated_aws.process import use


def register(documents: dict[str, Any]) -> dict[str, Any]:
    """Register all connections, then all clients.

    Raises:
        SignetError: the first one that is refused; those before it stay.
    """
    registration = wiring.registration()
    issuer = wiring.settings().issuer
    connections = [registration.create_connection(d) for d in documents.get("connections", [])]
    clients = [registration.register_client(d) for d in documents.get("clients", [])]
    return {
        "connections": [
            {
                "id": connection.id,
                "name": connection.name,
                "redirect_uri": connection.redirect_uri(issuer),
                "jwks_uri": connection.jwks_uri(issuer),
            }
            for connection in connections
        ],
        "clients": [{"client_id": client.client_id, "name": client.name} for client in clients],
    }


def main(arguments: list[str]) -> int:
    """Read, register, print; 2 is the exit status of a refusal."""
    parser = argparse.ArgumentParser(prog="python -m signet_local.register", description=__doc__)
    default = Path(os.environ.get("SIGNET_STATE") or ".local")
    parser.add_argument("--state", type=Path, default=default, help="the stack's SIGNET_STATE")
    options = parser.parse_args(arguments)
    environment = state.State(folder=options.state).read(state.ENVIRONMENT)
    if environment is None:
        print(f"No stack has run in {options.state}: start one with `make serve`.", file=sys.stderr)
        return 2
    use(environment, os.environ)
    try:
        print(json.dumps(register(json.load(sys.stdin)), indent=1))
    except ValueError as problem:
        print(f"Standard input has to be a JSON document: {problem}", file=sys.stderr)
        return 2
    except SignetError as problem:
        print(f"{problem.code}: {problem.private or problem.public}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
