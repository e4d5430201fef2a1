"""The local stack: the emulated AWS, the deployment's resources in it, and the gateway."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

import uvicorn

from signet import wiring
from signet.settings import Settings
from signet_local import administrator, state
from signet_local.deliveries import Deliveries
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.process import EmulatedAws, use
from signet_local.emulated_aws.resources import create_resources, emulated_client
from signet_local.gateway.application import Gateway
from signet_local.gateway.functions import Functions
from signet_local.stack_settings import StackRefused, StackSettings
from signet_local.template import Template

HOST = "127.0.0.1"


class LocalStack:
    """Everything that `make serve` runs, in this process and one that it starts."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._state = state.State(folder=settings.state)
        self._template = Template.read()
        self._aws = EmulatedAws(snapshot=settings.state / state.SNAPSHOT)
        self._deliveries: Deliveries | None = None
        self._is_ending = False
        self.issuer = ""

    def run(
        self, *, ready: Callable[[], None], failure: Callable[[], str | None] = lambda: None
    ) -> None:
        """Serve until SIGTERM or Ctrl-C.

        Args:
            ready: called when requests are answered; none is while it runs.
            failure: of what runs beside the stack; asked ten times a second, and a text ends it.

        Raises:
            StackRefused: it cannot start, and why.
            SignetError: a setting cannot be used.
            RuntimeError: the emulated AWS ended by itself, or `failure` told of something.
        """
        self._watch_signals()
        with _bound_socket(self._settings.port) as listening:
            port = listening.getsockname()[1]
            self.issuer = self._settings.issuer or f"http://{HOST}:{port}"
            try:
                self._start()
                asyncio.run(self._serve(listening, ready, lambda: self._aws.ended() or failure()))
            finally:
                if self._deliveries is not None:
                    self._deliveries.stop()
                self._aws.stop()

    def _watch_signals(self) -> None:
        """Remember that we are to end, until the server takes the signals over.

        The exception alone is not enough: Python loses one that is raised in a finalizer.
        """

        def end(number: int, frame: object) -> NoReturn:
            del number, frame
            self._is_ending = True
            raise KeyboardInterrupt

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)

    def _start(self) -> None:
        os.environ |= {"SIGNET_ISSUER": self.issuer, "SIGNET_ALLOW_LOOPBACK": "1"}
        # Before anything is made or forgotten: impossible settings change nothing.
        administrator.check(Settings.read(os.environ).admin_jwks)
        self._state.prepare(keep=self._settings.keep)
        self._aws.start()
        use(self._aws.environment(), os.environ)
        made = create_resources(self._template, endpoint=self._aws.endpoint, region=REGION)
        deployment = {**self._aws.environment(), **made}
        os.environ |= deployment
        private_jwk = self._private_jwk()
        jwks = administrator.admin_jwks(private_jwk, os.environ.get("SIGNET_ADMIN_JWKS"))
        os.environ["SIGNET_ADMIN_JWKS"] = jwks
        wiring.initialize_deployment()()
        self._state.write(
            state.ENVIRONMENT,
            {
                "SIGNET_ISSUER": self.issuer,
                "SIGNET_ALLOW_LOOPBACK": "1",
                "SIGNET_ADMIN_JWKS": jwks,
                **deployment,
            },
        )
        admin = administrator.admin_document(self.issuer, private_jwk)
        self._state.write(state.ADMIN, admin)
        self._deliveries = Deliveries(
            self._template,
            queues=emulated_client("sqs", endpoint=self._aws.endpoint, region=REGION),
            invoke=Functions(self._template).invoke,
            tick=self._settings.tick,
        )
        self._deliveries.start()

    def _private_jwk(self) -> dict[str, str]:
        kept = self._state.read(state.ADMIN)
        return kept["private_jwk"] if kept is not None else administrator.new_private_jwk()

    async def _serve(
        self,
        listening: socket.socket,
        ready: Callable[[], None],
        failure: Callable[[], str | None],
    ) -> None:
        gateway = Gateway(self._template, access_log=self._settings.state / state.ACCESS_LOG)
        config = uvicorn.Config(
            gateway,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            # What is under way gets a moment; all has to be over within three seconds.
            timeout_graceful_shutdown=1,
        )
        server = _Server(config, ready, failure)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.end)
        if self._is_ending:
            return
        await server.serve(sockets=[listening])
        if server.failure is not None:
            raise RuntimeError(server.failure)


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handling, which ends the process before we have tidied up."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        find_failure: Callable[[], str | None],
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._find_failure = find_failure
        self.failure: str | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        self.failure = self._find_failure()
        return await super().on_tick(counter) or self.failure is not None

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()

    def end(self) -> None:
        self.should_exit = True


def end(status: int) -> NoReturn:
    """End this process now, its output written.

    Not sys.exit, which waits for every thread: a handler may be waiting for a provider that does
    not answer, and the stack has to be gone within three seconds.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _bound_socket(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        # Now, not when all is ready: two that start at once can both bind, and only one listen.
        listening.listen()
    except OSError:
        listening.close()
        raise StackRefused(
            f"Port {port} is in use, or may not be used. Choose another one: SIGNET_PORT=8090"
        ) from None
    return listening
