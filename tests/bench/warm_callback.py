"""CPU of one warm callback, beside Authlib's for the same exchange.

Counted is the processor time of this process alone, on all of its threads: AWS and the provider
are other processes, and waiting for them costs nothing here.
"""

import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from signet import wiring
from signet.broker.callback import FinishLogin
from signet.broker.connection import Connection
from signet.broker.login import StartLogin
from signet.broker.provider import Provider
from signet.jose.algorithms import SigningAlgorithm, algorithm
from signet.jose.jws import DigestSignature
from signet.oauth.http_message import HttpRequest
from tests.bench.authlib_client import AuthlibClient, Login
from tests.bench.figures import Figure, table
from tests.bench.surroundings import APP, Handler, Surroundings, function, load_handler
from tests.support.memory import MemoryGrants, MemoryLogins, MemorySessions
from tests.support.software_kms import SoftwareKms

WHOLE = "Signet, as deployed (KMS, DynamoDB over HTTP)"
LOCAL_KEY = "Signet, signing with a key in software"
SAME_WORK = "Signet, and its records in memory"
AUTHLIB = "Authlib"

LEFT_OUT = """
  Both take the same answer (code, state), sign an assertion, post it to the same provider over
  plain http on a connection of its own, and verify an RS256 ID token (signature, iss, aud, exp,
  nonce, at_hash). The provider's metadata and JWK Set are in memory for both. Not in it: TLS, any
  wait, the provider's and AWS's own work.
  Authlib's row is the protocol alone, signed with a key in software. Signet's rows are the whole
  handler: reading the event, binding the browser, using the stored login up, guarding where the
  request goes, strict JSON, storing a code for the application, answering. Its first row signs in
  KMS and keeps its records in DynamoDB; the third signs as Authlib does and keeps them in
  dictionaries, so it is the one to hold beside Authlib's.
"""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One thing to measure: `prepare` makes the calls of one batch, uncounted."""

    name: str
    alg: str
    prepare: Callable[[int], Sequence[Callable[[], object]]]


def measure(around: Surroundings, *, rounds: int, batch: int, progress: Progress) -> str:
    """Measure all lanes in turn, round by round."""
    clients = {
        alg: AuthlibClient(around.provider, _jwks(around.provider), alg=alg)
        for alg in around.connections
    }
    lanes = [
        lane
        for alg, connection in around.connections.items()
        for lane in (*_signet(around, connection, alg), _authlib(around, clients[alg], alg))
    ]
    samples: dict[tuple[str, str], list[float]] = {(lane.alg, lane.name): [] for lane in lanes}
    deployed = wiring.finish_login
    for number in range(rounds + 1):
        progress(f"warm callback: round {number} of {rounds}" if number else "warming up")
        for lane in lanes:
            milliseconds = _cpu_of_one(lane.prepare(batch + 1))
            if number:
                samples[lane.alg, lane.name].append(milliseconds)
    vars(wiring)["finish_login"] = deployed
    return _report(samples, calls=rounds * batch)


def _cpu_of_one(calls: Sequence[Callable[[], object]]) -> float:
    calls[0]()
    gc.collect()
    start = time.process_time()
    for call in calls[1:]:
        call()
    return (time.process_time() - start) * 1000 / (len(calls) - 1)


def _signet(around: Surroundings, connection: Connection, alg: str) -> tuple[Lane, ...]:
    handler = load_handler(function("callback"))
    start, finish = wiring.start_login(), wiring.finish_login()
    local_key = replace(finish, users=replace(finish.users, provider=_provider_with_key(alg)))
    logins = MemoryLogins()
    sign_on = replace(finish.sign_on, grants=MemoryGrants(), sessions=MemorySessions())
    in_memory = replace(local_key, logins=logins, sign_on=sign_on)

    def lane(name: str, begin: StartLogin, end: FinishLogin) -> Lane:
        def prepare(count: int) -> list[Callable[[], object]]:
            # The handler takes its use case from the composition: this is the lane's.
            vars(wiring)["finish_login"] = lambda: end
            events = [
                around.callback_event(connection, around.start(begin, connection))
                for _ in range(count)
            ]
            return [lambda event=event: _expect_code(handler, event) for event in events]

        return Lane(name=name, alg=alg, prepare=prepare)

    return (
        lane(WHOLE, start, finish),
        lane(LOCAL_KEY, start, local_key),
        lane(SAME_WORK, replace(start, logins=logins), in_memory),
    )


def _expect_code(handler: Handler, event: dict[str, object]) -> None:
    answer = handler(event, None)
    if "code=" not in answer["headers"].get("location", ""):
        raise AssertionError(answer)


class LocalKey(SoftwareKms):
    """Signs with its one key, whatever key is asked for: the provider verifies nothing."""

    def __init__(self, alg: str) -> None:
        super().__init__()
        self._key_id = self.create_key(algorithm=algorithm(alg), tags={})

    def sign_digest(
        self, *, key_id: str, algorithm: SigningAlgorithm, digest: bytes
    ) -> DigestSignature:
        return super().sign_digest(key_id=self._key_id, algorithm=algorithm, digest=digest)


def _provider_with_key(alg: str) -> Provider:
    return Provider(
        fetcher=wiring._fetcher(),
        keys=replace(wiring._current_keys(), kms=LocalKey(alg)),
        audit=wiring._audit(),
        clock=wiring._clock(),
        entropy=wiring._entropy(),
        together=wiring._together(),
    )


def _authlib(around: Surroundings, client: AuthlibClient, alg: str) -> Lane:
    def prepare(count: int) -> list[Callable[[], object]]:
        logins = [_login(around, number) for number in range(count)]
        return [lambda login=login: client.finish(login) for login in logins]

    return Lane(name=AUTHLIB, alg=alg, prepare=prepare)


def _login(around: Surroundings, number: int) -> Login:
    state, nonce = f"{number:043d}", f"{number + 1_000:043d}"
    answer = {"code": nonce, "state": state, "iss": around.provider}
    return Login(url=f"{APP}?{urlencode(answer)}", state=state, nonce=nonce)


def _jwks(issuer: str) -> dict[str, object]:
    answer = wiring._fetcher().fetch(HttpRequest(method="GET", url=f"{issuer}/jwks"), bulkhead="")
    document: dict[str, object] = json.loads(answer.body)
    return document


def _report(samples: dict[tuple[str, str], list[float]], *, calls: int) -> str:
    rows = [
        (
            alg,
            name,
            Figure.of(values).text(),
            Figure.ratio(values, samples[alg, AUTHLIB]).text(),
        )
        for (alg, name), values in samples.items()
    ]
    parts = [
        (alg, part, Figure.of([a - b for a, b in zip(more, less, strict=True)]).text())
        for alg in dict.fromkeys(alg for alg, _ in samples)
        for part, more, less in (
            ("KMS's client, less the signature", samples[alg, WHOLE], samples[alg, LOCAL_KEY]),
            ("DynamoDB's client and codec", samples[alg, LOCAL_KEY], samples[alg, SAME_WORK]),
        )
    ]
    return "\n".join(
        (
            f"CPU of a warm callback ({calls} calls a row; median, least and greatest round)\n",
            table(("assertion", "what", "ms of CPU a call", "ratio to Authlib"), rows),
            "\nWhat the AWS SDK takes of it\n",
            table(("assertion", "part", "ms of CPU a call"), parts),
            LEFT_OUT,
        )
    )
