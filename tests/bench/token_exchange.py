"""CPU of one exchange at /token, beside npm oidc-provider's for the same one.

Counted is the processor time of the process that answers, on all of its threads: Signet's handler
in this one, oidc-provider in its own.
"""

# ruff: noqa: TID251  (an application from outside, with a clock and a network of its own)

import base64
import gc
import http.client
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from signet import wiring
from signet.broker.callback import FinishLogin
from signet.broker.redemption import RedeemCode
from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SigningKey, sign
from signet.oauth import pkce
from signet.oauth.client_assertion import ASSERTION_TYPE
from signet_local.template import PROJECT
from tests.bench.figures import Figure, table
from tests.bench.surroundings import (
    APP,
    ISSUER,
    Event,
    Surroundings,
    function,
    load_handler,
)
from tests.bench.warm_callback import LocalKey
from tests.support.memory import MemoryAudit, MemoryGrants, MemoryReplay, MemorySessions
from tests.support.software_kms import SoftwareKms

CLIENT_ID = "exchange"
VERIFIER = "v" * 43
ALG = "rs256"  # the connection through which Signet's logins went
WARMING_UP = 200  # exchanges after which Node.js has compiled what is called often

WHOLE = "Signet, as deployed (KMS, DynamoDB over HTTP)"
LOCAL_KEY = "Signet, signing with a key in software"
SAME_WORK = "Signet, and its records in memory"
OIDC_PROVIDER = "oidc-provider, its own in-memory store"
HTTP_ALONE = "the HTTP of oidc-provider's row alone"

LEFT_OUT = """
  Both authenticate a client by an ES256 assertion, use its jti and a code up, check PKCE S256, and
  sign two RS256 tokens of 2048 bits: an ID token with the person's claims, and an access token by
  RFC 9068. Signet's rows are its handler from the event to the answer; oidc-provider's has the
  reading and writing of HTTP in it besides, on a connection that stays open; the last row is that,
  with nothing behind it. Its codes are put into its store as its own models make them; Signet's
  come from whole logins. Neither is counted.
  Not in it: what AWS does and costs for Signet's calls (two signatures by KMS; DynamoDB's reads and
  writes), every wait for them, TLS, API Gateway. oidc-provider with a store that others share, and
  a key that cannot be copied, would have the same calls to make: its in-memory store forgets codes
  and used jtis with its process, and is no deployment. The first row is what Signet takes as it is
  deployed; the third does what oidc-provider does, so it is the one to hold beside it. One is
  Python, the other JavaScript, compiled as it runs.
"""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lane:
    """One thing to measure: `cpu_of` takes the milliseconds of so many exchanges."""

    name: str
    cpu_of: Callable[[int], float]


def measure(around: Surroundings, *, rounds: int, batch: int, progress: Progress) -> str:
    """Measure all lanes in turn, round by round."""
    client = _Client()
    wiring.registration().register_client({
        "client_id": CLIENT_ID, "name": "Exchange", "redirect_uris": [APP], "jwks": client.jwks
    })  # fmt: skip
    with _oidc_provider(client) as (theirs, http_alone):
        lanes = [*_signet(around, client), theirs, http_alone]
        samples: dict[str, list[float]] = {lane.name: [] for lane in lanes}
        progress("token: warming up")
        theirs.cpu_of(WARMING_UP)
        http_alone.cpu_of(WARMING_UP)
        for number in range(rounds + 1):
            if number:
                progress(f"token: round {number} of {rounds}")
            for lane in lanes:
                milliseconds = lane.cpu_of(batch)
                if number:
                    samples[lane.name].append(milliseconds / batch)
    return _report(samples, calls=rounds * batch)


class _Client:
    """The application, whose key both know."""

    def __init__(self) -> None:
        kms = SoftwareKms()
        key_id = kms.create_key(algorithm=algorithm("ES256"), tags={})
        jwk = PublicJwk.from_der(kms.public_key(key_id), alg="ES256").as_dict()
        self.jwks = {"keys": [jwk]}
        self._key = SigningKey(kid=jwk["kid"], alg="ES256", key_id=key_id, signer=kms)

    def form(self, code: str, *, issuer: str) -> str:
        """Write a token request."""
        now = int(time.time())
        claims = {
            "iss": CLIENT_ID, "sub": CLIENT_ID, "aud": issuer, "jti": str(uuid.uuid4()),
            "iat": now, "exp": now + 60,
        }  # fmt: skip
        assertion = sign(claims, key=self._key, typ="JWT").compact
        return urlencode({
            "grant_type": "authorization_code", "code": code, "redirect_uri": APP,
            "code_verifier": VERIFIER, "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        })  # fmt: skip


def _signet(around: Surroundings, client: _Client) -> tuple[Lane, ...]:
    handler = load_handler(function("token"))
    finish, redeem = wiring.finish_login(), wiring._redeem_code()
    software = replace(redeem, keys=replace(redeem.keys, kms=LocalKey("RS256")))
    grants = MemoryGrants()
    sign_on = replace(finish.sign_on, grants=grants, sessions=MemorySessions())
    in_memory = replace(
        software,
        grants=grants,
        audit=MemoryAudit(),
        authentication=replace(software.authentication, replay=MemoryReplay()),
    )

    def lane(name: str, end: FinishLogin, use: RedeemCode) -> Lane:
        def cpu_of(count: int) -> float:
            # The handler takes its use case from the composition: this is the lane's.
            vars(wiring)["token_request"] = lambda _: use
            codes = [_code(around, end) for _ in range(count)]
            events = [_event(client.form(code, issuer=ISSUER)) for code in codes]
            gc.collect()
            start = time.process_time()
            answers = [handler(event, None) for event in events]
            taken = time.process_time() - start
            for answer in answers:
                _check(answer["statusCode"], answer["body"])
            return taken * 1000

        return Lane(name, cpu_of)

    return (
        lane(WHOLE, finish, redeem),
        lane(LOCAL_KEY, finish, software),
        lane(SAME_WORK, replace(finish, sign_on=sign_on), in_memory),
    )


def _code(around: Surroundings, end: FinishLogin) -> str:
    """Go through a login, and return the application's code."""
    connection = around.connections[ALG.upper()]
    started = around.start(wiring.start_login(), connection, client_id=CLIENT_ID)
    cookies = {cookie.name: cookie.value for cookie in started.cookies}
    finished = end(connection.id, around.answer(started), cookies)
    return parse_qs(urlsplit(finished.url).query)["code"][0]


def _event(form: str) -> Event:
    """Make a POST's event, payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "ANY /token",
        "rawPath": "/token",
        "rawQueryString": "",
        "headers": {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
            "host": "127.0.0.1:1",
        },
        "requestContext": {
            "http": {"method": "POST", "path": "/token", "sourceIp": "127.0.0.1"},
            "requestId": "bench",
            "routeKey": "ANY /token",
            "stage": "$default",
        },
        "body": base64.b64encode(form.encode()).decode(),
        "isBase64Encoded": True,
    }


def _check(status: int, body: str | bytes) -> None:
    """Both tokens are JWTs; a refusal would be cheap."""
    answer = json.loads(body)
    if status != 200 or any(answer[name].count(".") != 2 for name in ("id_token", "access_token")):
        raise AssertionError(answer)


@contextmanager
def _oidc_provider(client: _Client) -> Iterator[tuple[Lane, Lane]]:
    """Start oidc-provider, and end it however the block ends."""
    process = subprocess.Popen(  # noqa: S603  (the project's own program)
        [str(Path(sys.prefix) / "bin" / "node"), str(PROJECT / "tests/bench/oidc_provider.mjs")],
        cwd=PROJECT,
        env={
            "PATH": os.environ.get("PATH", ""),
            "NODE_ENV": "production",
            "CLIENT_ID": CLIENT_ID,
            "REDIRECT_URI": APP,
            "CODE_CHALLENGE": pkce.challenge_of(VERIFIER),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def tell(**command: Any) -> dict[str, Any]:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError
        process.stdin.write(json.dumps(command) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    try:
        issuer = tell(jwks=client.jwks)["issuer"]
        connection = http.client.HTTPConnection(urlsplit(issuer).netloc, timeout=10)

        def posting(forms: list[str], path: str) -> tuple[float, list[tuple[int, bytes]]]:
            start = tell(used=True)["microseconds"]
            answers = [_posted(connection, path, form) for form in forms]
            return (tell(used=True)["microseconds"] - start) / 1000, answers

        def cpu_of(count: int) -> float:
            forms = [client.form(code, issuer=issuer) for code in tell(codes=count)["codes"]]
            taken, answers = posting(forms, "/token")
            for status, body in answers:
                _check(status, body)
            return taken

        def http_alone(count: int) -> float:
            taken, _ = posting([client.form("c" * 43, issuer=issuer)] * count, "/http-alone")
            return taken

        yield Lane(OIDC_PROVIDER, cpu_of), Lane(HTTP_ALONE, http_alone)
        connection.close()
    finally:
        try:
            process.communicate(timeout=3)  # closes its standard input
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _posted(connection: http.client.HTTPConnection, path: str, form: str) -> tuple[int, bytes]:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", path, body=form, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def _report(samples: dict[str, list[float]], *, calls: int) -> str:
    rows: Sequence[Sequence[str]] = [
        (name, Figure.of(values).text(), Figure.ratio(values, samples[OIDC_PROVIDER]).text())
        for name, values in samples.items()
    ]
    return "\n".join((
        f"CPU of an exchange at /token ({calls} calls a row; median, least and greatest round)\n",
        table(("what", "ms of CPU a call", "ratio to oidc-provider"), rows),
        LEFT_OUT,
    ))  # fmt: skip
