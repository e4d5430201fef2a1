"""`make demo`: the local stack, an identity provider and a sample app, until SIGTERM or Ctrl-C."""

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterable, Mapping

from signet.errors import SignetError
from signet_local.real_parts.app import AppProcess
from signet_local.real_parts.node import node
from signet_local.real_parts.provider import ProviderProcess
from signet_local.register import register
from signet_local.stack import HOST, LocalStack, end
from signet_local.stack_settings import StackRefused, StackSettings

CONNECTION = "acme"
_CLIENT_AT_PROVIDER = "signet"
_ALG = "RS256"
_PROVIDER_PORT = 8081
_APP_PORT = 8082

_READY = """\
signet ready {issuer}

  Sample app                 {app}   <- open this one
  Acme's identity provider   {provider}
  Signet                     {issuer}

  1. Open the sample app and choose "Log in".
  2. Sign in at Acme as ada, alan or grace; any password will do.
  3. Read what happened, step by step, and how many client secrets it took.

  The keys that Signet signs with, as Acme's provider sees them:
     {jwks}
  Logs and state: {state}

  Press Ctrl-C here to end everything.
"""


class Demo:
    """What runs beside the stack: the provider and the app, as children of this process."""

    def __init__(self, stack: LocalStack, settings: StackSettings) -> None:
        self._stack = stack
        self._folder = settings.state
        # Any free port for Signet means any free ones for the others, too.
        self._preferred = (_PROVIDER_PORT, _APP_PORT) if settings.port else (0, 0)
        self._starting = threading.Thread(target=self._start, name="demo", daemon=True)
        self._parts: list[ProviderProcess | AppProcess] = []
        self._ending = False
        self._failure: str | None = None

    def start(self) -> None:
        """Start the parts in the background: the app asks the stack, which has to go on."""
        self._starting.start()

    def failure(self) -> str | None:
        """Tell what went wrong, or None."""
        return self._failure or next((text for part in self._parts if (text := part.ended())), None)

    def stop(self) -> None:
        """End the parts, also one that is just being started."""
        self._ending = True
        self._stop_parts()
        if self._starting.ident is not None:
            self._starting.join(timeout=1)
        self._stop_parts()

    def _stop_parts(self) -> None:
        for part in self._parts:
            part.stop()

    def _start(self) -> None:
        try:
            self._start_parts()
        except SignetError as problem:
            self._failure = problem.private or problem.public
        except (RuntimeError, OSError) as problem:
            self._failure = str(problem)

    def _start_parts(self) -> None:
        """Register first: the provider's address is in the connection, and the reverse."""
        provider_port, app_port = _free_ports(*self._preferred)
        provider = ProviderProcess(provider_port, log=self._folder / "identity-provider.log")
        app = AppProcess(app_port, log=self._folder / "sample-app.log")
        made = register({
            "connections": [{
                "name": CONNECTION,
                "display_name": "Acme",
                "strategy": "oidc",
                "issuer": provider.issuer,
                "client_id": _CLIENT_AT_PROVIDER,
                "token_endpoint_auth_signing_alg": _ALG,
                "id_token_signed_response_alg": _ALG,
            }],
            "clients": [app.registration()],
        })  # fmt: skip
        connection = made["connections"][0]
        self._begin(provider, "Starting Acme's identity provider (npm oidc-provider) ...")
        provider.start()
        provider.add_connection(connection, client_id=_CLIENT_AT_PROVIDER, alg=_ALG)
        self._begin(app, "Starting the sample app (npm openid-client) ...")
        app.start(issuer=self._stack.issuer, connection=connection, provider=provider.issuer)
        print(
            _READY.format(
                issuer=self._stack.issuer,
                app=app.address,
                provider=provider.issuer,
                jwks=connection["jwks_uri"],
                state=self._folder,
            ),
            flush=True,
        )

    def _begin(self, part: ProviderProcess | AppProcess, progress: str) -> None:
        """Take a part among those that are ended with us; none begins once we are ending."""
        if self._ending:
            raise RuntimeError("The demo is ending.")
        self._parts.append(part)
        _say(progress)


def read_settings(environment: Mapping[str, str]) -> StackSettings:
    """Read the settings of `make serve`.

    Raises:
        StackRefused: naming the setting.
    """
    settings = StackSettings.read(environment)
    if settings.keep:
        # It would meet the registrations of another run, with the ports of that run.
        raise StackRefused(
            "SIGNET_KEEP=1 is for `make serve`: the demo registers everything anew. "
            "Run it without, or with another folder: SIGNET_STATE=/tmp/signet-demo"
        )
    return settings


def _free_ports(*preferred: int) -> list[int]:
    """Return a port for each: the first one from there on that nobody listens on, or any for 0."""
    with contextlib.ExitStack() as held:
        taken = [
            held.enter_context(_bound(range(first, first + 200) if first else [0]))
            for first in preferred
        ]
        return [listening.getsockname()[1] for listening in taken]


def _bound(ports: Iterable[int]) -> socket.socket:
    for port in ports:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            # Only now is it ours: a bound port can be bound again under SO_REUSEADDR.
            listening.listen()
        except OSError:
            listening.close()
        else:
            return listening
    raise RuntimeError(f"None of the ports {ports} is free.")


def _say(text: str) -> None:
    """Report progress; standard output is for what stays true."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run the demo; 2 is the exit status when it cannot start, or a part of it died."""
    try:
        settings = read_settings(os.environ)
        node()
        stack = LocalStack(settings)
        demo = Demo(stack, settings)
        _say("Starting Signet, with AWS emulated (KMS, DynamoDB) ...")
        try:
            stack.run(ready=demo.start, failure=demo.failure)
        finally:
            demo.stop()
    except (StackRefused, RuntimeError) as problem:
        print(problem, file=sys.stderr)
        return 2
    except SignetError as problem:
        print(problem.private or problem.public, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    end(main())
