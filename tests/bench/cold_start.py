"""Import and first answer of two functions, beside a handler that imports everything at once."""

# ruff: noqa: TID251, S603  (starts interpreters with an environment: its own file, nothing else)

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from signet import wiring
from tests.bench.figures import Figure, table
from tests.bench.surroundings import APP, Event, Surroundings, event, function

HERE = Path(__file__).parent
EAGER = HERE / "eager_handler.py"
SIGNET, BASELINE = "Signet", "eager"

LEFT_OUT = """
  Milliseconds from before the handler's import, each run in a fresh interpreter with its byte code
  cached; the interpreter's own start is in neither. `eager` imports boto3 (with clients for
  DynamoDB and KMS), Powertools' Logger and event handler, PyJWT and urllib3 at the top of one
  file, and then does the same work with them: it reads the same records, asks the same provider
  and answers the same, one wait after the other and with fewer checks. Not in it: Lambda's own
  start, downloading and unpacking a zip, TLS, and a real network's latency (AWS and the provider
  answer on loopback).
"""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One handler and one route."""

    route: str
    name: str
    path: Path
    event: Callable[[], Event]


def measure(around: Surroundings, *, runs: int, progress: Progress) -> str:
    """Start every handler in turn, `runs` times after one uncounted run."""
    lanes = _lanes(around)
    samples: dict[tuple[str, str], list[dict[str, Any]]] = {
        (lane.route, lane.name): [] for lane in lanes
    }
    for number in range(runs + 1):
        progress(f"cold start: run {number} of {runs}" if number else "filling byte code caches")
        for lane in lanes:
            result = _run(lane, around.environment)
            if number:
                samples[lane.route, lane.name].append(result)
    return _report(samples, runs=runs)


def _lanes(around: Surroundings) -> tuple[Lane, ...]:
    connection = around.connections["RS256"]

    def callback() -> Event:
        return around.callback_event(connection, around.start(wiring.start_login(), connection))

    def jwks() -> Event:
        return around.jwks_event(connection)

    return (
        Lane(route="jwks", name=SIGNET, path=function("jwks"), event=jwks),
        Lane(route="jwks", name=BASELINE, path=EAGER, event=jwks),
        Lane(route="callback", name=SIGNET, path=function("callback"), event=callback),
        Lane(route="callback", name=BASELINE, path=EAGER, event=lambda: _eager_callback(around)),
    )


def _eager_callback(around: Surroundings) -> Event:
    """Store a login as the eager handler keeps it, and come back with the provider's answer."""
    connection = around.connections["RS256"]
    started = around.start(wiring.start_login(), connection)
    answer = around.answer(started)
    record = {"nonce": answer["code"], "code_verifier": "v" * 43, "client_id": "app"}
    wiring._database().call(
        "put_item",
        TableName=wiring.settings().tables.logins,
        Item={
            "pk": {"S": f"EAGER#{answer['state']}"},
            "document": {"S": json.dumps(record)},
        },
    )
    return event(
        f"/connections/{connection.id}/callback",
        route="ANY /connections/{connection_id}/callback",
        connection_id=connection.id,
        query=urlencode(answer),
    )


def _run(lane: Lane, environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(HERE / "one_cold_start.py"), str(lane.path)],
        input=json.dumps(lane.event()),
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    right = result["location"].startswith(f"{APP}?") and "code=" in result["location"]
    if not (right if lane.route == "callback" else result["status"] == 200):
        raise AssertionError(result)
    return result


def _report(samples: dict[tuple[str, str], list[dict[str, Any]]], *, runs: int) -> str:
    rows = []
    for (route, name), results in samples.items():
        for part in ("import", "answer", "cpu"):
            ours = [result[part] for result in results]
            theirs = [result[part] for result in samples[route, BASELINE]]
            rows.append(
                (
                    route,
                    name,
                    {"import": "import", "answer": "first answer", "cpu": "CPU of both"}[part],
                    Figure.of(ours).text(0),
                    Figure.ratio(ours, theirs).text(),
                    str(results[0]["modules"]) if part == "answer" else "",
                )
            )
    heads = ("function", "whose", "until", "ms", "ratio to eager", "modules")
    return "\n".join(
        (
            f"Cold start ({runs} fresh interpreters a row; median, least and greatest)\n",
            table(heads, rows),
            LEFT_OUT,
        )
    )
