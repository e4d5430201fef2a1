"""What runs beside `make serve` to try it out: `python -m signet_local.beside`.

The certified identity provider (npm oidc-provider), and the sample app (npm openid-client). With
--sheet the provider's administrator has entered a registration sheet: Signet is a client there.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from signet_local import state
from signet_local.real_parts.app import AppProcess
from signet_local.real_parts.provider import ProviderProcess

_READY = """\
beside ready {provider}
  Identity provider   {provider}   (sign in as ada, alan or grace)
  Sample app          {app}   (client {client})
Press Ctrl-C to end both."""


def main(arguments: list[str]) -> int:
    """Run both until Ctrl-C; 2 is the exit status when they cannot start."""
    options = _options(arguments)
    environment = state.State(folder=options.state).read(state.ENVIRONMENT)
    if environment is None:
        print(f"No stack has run in {options.state}: start one with `make serve`.", file=sys.stderr)
        return 2
    try:
        sheet = json.loads(options.sheet.read_text("utf-8")) if options.sheet else None
        with _running(options, issuer=environment["SIGNET_ISSUER"], sheet=sheet) as (provider, app):
            print(
                _READY.format(provider=provider.issuer, app=app.address, client=app.CLIENT_ID),
                flush=True,
            )
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
    except (OSError, ValueError, KeyError) as problem:
        print(f"--sheet {options.sheet} is no registration sheet: {problem!r}", file=sys.stderr)
        return 2
    except RuntimeError as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m signet_local.beside", description=__doc__)
    default = Path(os.environ.get("SIGNET_STATE") or ".local")
    parser.add_argument("--state", type=Path, default=default, help="the stack's SIGNET_STATE")
    parser.add_argument("--sheet", type=Path, help="a registration sheet, as JSON")
    parser.add_argument("--connection", default="acme", help="the name that the app logs in with")
    parser.add_argument("--provider-port", type=int, default=9000)
    parser.add_argument("--app-port", type=int, default=9001)
    return parser.parse_args(arguments)


@contextlib.contextmanager
def _running(
    options: argparse.Namespace, *, issuer: str, sheet: dict[str, Any] | None
) -> Iterator[tuple[ProviderProcess, AppProcess]]:
    # Before any child is started, so that a signal in between is kept for the end.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    provider, app = ProviderProcess(options.provider_port), AppProcess(options.app_port)
    try:
        provider.start()
        if sheet is not None:
            provider.add_connection(
                sheet,
                client_id=sheet["client_id"],
                alg=sheet["token_endpoint_auth_signing_alg"],
            )
        jwks_uri = sheet["jwks_uri"] if sheet is not None else f"{issuer}/.well-known/jwks.json"
        connection = {"name": options.connection, "jwks_uri": jwks_uri}
        app.start(issuer=issuer, connection=connection, provider=provider.issuer)
        yield provider, app
    finally:
        app.stop()
        provider.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
