"""The benchmarks: ratios against named baselines, measured in turn in one run.

    make bench
    .venv/bin/python -m tests.bench [--quick] [warm] [token] [cold] [rotation]

warm: processor time of a callback beside Authlib's for the same exchange.
token: processor time of an exchange at /token beside npm oidc-provider's for the same one.
cold: import and first answer of `callback` and `jwks` in fresh interpreters, beside a handler that
imports boto3, Powertools and PyJWT at once.

rotation: AWS calls of one rotation, and 10,000 of them beside what KMS's quota takes alone, by an
emulated clock.

AWS and the provider are processes on loopback, started and ended by this one. It ends by itself in
less than six minutes. Quote the ratios: single times are this machine's, at this moment.
"""

import argparse
import os
import platform
import signal
import sys
from importlib.metadata import version
from pathlib import Path

from tests.bench import cold_start, rotation, token_exchange, warm_callback
from tests.bench.surroundings import surroundings

LIMIT_SECONDS = 350
ALL = ["warm", "token", "cold", "rotation"]
PACKAGES = (
    "Authlib", "joserfc", "requests", "PyJWT", "cryptography", "boto3", "aws-lambda-powertools",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what", nargs="*", metavar="|".join(ALL), help="which; all if none is named"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a minute")
    options = parser.parse_args(arguments)
    chosen = options.what or ALL
    if not {*chosen} <= {*ALL}:
        parser.error(f"choose of {', '.join(ALL)}")
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(LIMIT_SECONDS)
    _say(_machine())
    _progress("starting AWS and the provider")
    with surroundings() as around:
        if "warm" in chosen:
            rounds, batch = (4, 10) if options.quick else (12, 20)
            _say(warm_callback.measure(around, rounds=rounds, batch=batch, progress=_progress))
        if "token" in chosen:
            rounds, batch = (4, 10) if options.quick else (10, 20)
            _say(token_exchange.measure(around, rounds=rounds, batch=batch, progress=_progress))
        if "cold" in chosen:
            runs = 4 if options.quick else 12
            _say(cold_start.measure(around, runs=runs, progress=_progress))
        if "rotation" in chosen:
            connections = 1_000 if options.quick else 10_000
            _say(rotation.measure(around, connections=connections, progress=_progress))
    return 0


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = " ".join(f"{average:.1f}" for average in os.getloadavg())
    return (
        f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} processors, "
        f"load {load}\n{platform.python_implementation()} {platform.python_version()}; {packages}\n"
    )


def _processor() -> str:
    """Name the processor where Linux tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _out_of_time(*_: object) -> None:
    raise TimeoutError(f"not done within {LIMIT_SECONDS} s")


def _progress(text: str) -> None:
    sys.stderr.write(f"… {text}\n")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
