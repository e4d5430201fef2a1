"""Counts at list prices, as the tables that stand in docs/operations.md."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from signet.broker.reaper import DISABLED_FOR
from signet.settings import Settings
from signet_local.template import Template
from tests.cost.counted import ECC, EVENT, KMS, READ, RSA, WRITE, Count
from tests.cost.login import deployment

MILLION = 1_000_000
RATES = (10, 100, 330, 1_000, 10_000)
"""Logins a second; three signatures each of 330 are what KMS gives an account at first."""
MINUTES = 30 * 24 * 60
_DAY = 86_400
_REMEMBERED = 30
_INVOCATION, _SECOND = "Lambda invocation", "Lambda GB-second (arm64)"
_REQUEST, _LOG = "API request", "log, GB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted: a login at its dearest and at its cheapest, and what goes on beside it.

    `sealing` is one login's share of a tick, `tick` the tick without it, `rotation` one of a key.
    """

    invoked: Sequence[str]
    fresh: Count
    remembered: Count
    sealing: Count
    tick: Count
    rotation: Count


def count() -> Counts:
    """Count everything, in two deployments."""
    with deployment(remembered=0) as forgetful:
        forgetful.login()  # the provider's metadata and keys are fetched once
        forgetful.meter.take()
        forgetful.login()
        fresh = forgetful.meter.take()
    with deployment(remembered=_REMEMBERED) as deployed:
        deployed.login()
        deployed.tick()
        deployed.meter.take()
        invoked = deployed.login()
        remembered = deployed.meter.take()
        deployed.tick()
        one = deployed.meter.take()
        deployed.login()
        deployed.login()
        deployed.meter.take()
        deployed.tick()
        sealing = deployed.meter.take().without(one)
        deployed.rotate()
        rotation = deployed.meter.take()
    return Counts(
        invoked=invoked,
        fresh=fresh,
        remembered=remembered,
        sealing=sealing,
        tick=one.without(sealing),
        rotation=rotation,
    )


class Prices:
    """The list prices of prices.json, and what it assumes."""

    def __init__(self) -> None:
        text = Path(__file__).with_name("prices.json").read_text("utf-8")
        document: dict[str, Any] = json.loads(text)
        self.as_of: str = document["as_of"]
        self.region: str = document["region"]
        self.assumed: dict[str, Any] = document["assumed"]
        self._list: dict[str, dict[str, float]] = document["list"]

    def of(self, unit: str, number: float) -> float:
        """Return what so many of a unit cost."""
        return number * self._list[unit]["dollars"] / self._list[unit]["for"]


class Bill:
    """Counts, priced."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._prices = Prices()
        self._template = Template.read()

    def text(self) -> str:
        """Write all tables."""
        return "\n".join((*self._calls(), *self._million(), *self._connections(), *self._month()))

    def load(self) -> str:
        """Write what so many logins a second ask of AWS, at their dearest."""
        rows = []
        for rate in RATES:
            units = {unit: number * rate for unit, number in self._login.items()}
            asked = (units[name] for name in (RSA, WRITE, READ))
            row = (rate, units[_REQUEST], rate * self._environments(), *asked)
            rows.append([f"{number:,.0f}" for number in row])
        head = ("logins a second", "API requests", "Lambda concurrency", "RSA signatures",
                "write units", "read units")  # fmt: skip
        return "\n".join(_table(head, rows))

    def _environments(self) -> float:
        # Lambda gives one environment no more than ten requests a second, however short they are.
        milliseconds = self._prices.assumed["milliseconds"]
        return sum(max(milliseconds[name], 100) for name in self._counts.invoked) / 1_000

    def _calls(self) -> list[str]:
        fresh, warm = self._counts.fresh, self._counts.remembered
        rows = [
            (f"`{name}`", _calls(warm.of_function(name)),
             _calls(fresh.of_function(name).without(warm.of_function(name))) or "none")
            for name in self._counts.invoked
        ]  # fmt: skip
        head = ("function", "calls of one login", "more, when nothing is remembered")
        return _table(head, rows)

    @cached_property
    def _login(self) -> dict[str, float]:
        """Return the units of one login, the dearest way: nothing is remembered."""
        return self._requests(self._counts.invoked) | {
            unit: self._counts.fresh.of(unit) + self._counts.sealing.of(unit)
            for unit in (READ, WRITE, RSA, ECC, KMS, EVENT)
        }

    def _requests(self, functions: Sequence[str]) -> dict[str, float]:
        """Return what invocations cost that a request of the API brings."""
        assumed = self._prices.assumed
        bytes_each = assumed["log_bytes_an_invocation"] + assumed["log_bytes_an_api_request"]
        return {
            _REQUEST: len(functions),
            **self._invocations(functions),
            _LOG: len(functions) * bytes_each / 1e9,
        }

    def _invocations(self, functions: Sequence[str]) -> dict[str, float]:
        seconds = sum(self._prices.assumed["milliseconds"][name] for name in functions) / 1_000
        memory = 1  # GB, the template's MemorySize for all
        return {_INVOCATION: len(functions), _SECOND: seconds * memory}

    def _dollars(self, units: dict[str, float], times: float = 1) -> float:
        return sum(self._prices.of(unit, number * times) for unit, number in units.items())

    def _million(self) -> list[str]:
        rows = [
            (unit, _number(number), _dollars(self._prices.of(unit, number * MILLION)))
            for unit, number in self._login.items()
            if number
        ]
        total = self._dollars(self._login, MILLION)
        saved = self._prices.of(
            READ, MILLION * (self._counts.fresh.of(READ) - self._counts.remembered.of(READ))
        )
        ecc = self._prices.of(ECC, MILLION) - self._prices.of(RSA, MILLION)
        said = (
            f"at list prices of {self._prices.region}, {self._prices.as_of}, no free tier. What "
            f"functions remember saves up to {_dollars(saved)}; a connection's key on a curve "
            f"costs {_dollars(ecc)} more."
        )
        return [
            "",
            *_table(("unit", "one login", "a million logins"), rows),
            "",
            f"**A million logins: {_dollars(total)}**, {said}",
        ]

    def _connections(self) -> list[str]:
        settings = Settings.read({"SIGNET_ISSUER": "https://login.example.com"})
        # The next key, the previous one, and one that waits for its deletion, which costs nothing.
        overlap = settings.propagation + settings.retention + settings.grace + DISABLED_FOR
        keys = 1_000 * (1 + overlap / settings.rotation)
        rotations = 1_000 * 30 * _DAY / settings.rotation
        units: dict[str, float] = {
            unit: self._counts.rotation.of(unit) for unit in (READ, WRITE, RSA, ECC, KMS, EVENT)
        }
        fetches = 1_000 * self._prices.assumed["jwks_fetches_a_connection_and_month"]
        fetch = self._requests(["jwks"]) | {READ: self._counts.fresh.of_function("jwks").of(READ)}
        costs = (
            ("KMS keys, with those that overlap", keys, self._prices.of("KMS key, month", keys)),
            ("rotations", rotations, self._dollars(units, rotations)),
            ("fetches of a JWKS by the provider", fetches, self._dollars(fetch, fetches)),
        )
        rows = [(name, f"{number:,.0f}", _dollars(cost)) for name, number, cost in costs]
        return [
            "",
            *_table(("a thousand connections", "a month", "cost"), rows),
            "",
            f"**A thousand connections: {_dollars(sum(cost for *_, cost in costs))} a month.**",
        ]

    def _month(self) -> list[str]:
        tick = self._invocations(["rotate_keys"]) | {
            unit: self._counts.tick.of(unit) for unit in (READ, WRITE, RSA, ECC, KMS, EVENT)
        }
        keys = len(self._template.of_type("AWS::KMS::Key"))
        alarms = [
            max(1, len(alarm.get("Metrics", ())) - 1)
            for alarm in self._template.of_type("AWS::CloudWatch::Alarm").values()
        ]
        costs = (
            ("keys of the issuer and the audit", keys, self._prices.of("KMS key, month", keys)),
            ("metrics of alarms", sum(alarms), self._prices.of("alarm metric, month", sum(alarms))),
            ("ticks", MINUTES, self._dollars(tick, MINUTES)),
        )
        rows = [(name, f"{number:,.0f}", _dollars(cost)) for name, number, cost in costs]
        return [
            "",
            *_table(("while nobody logs in", "a month", "cost"), rows),
            "",
            f"**Idle: {_dollars(sum(cost for *_, cost in costs))} a month.**",
        ]


def report() -> str:
    """Count, and write all tables."""
    bill = Bill(count())
    return f"{bill.text()}\n\n{bill.load()}"


def _calls(counted: Count) -> str:
    named = (
        (operation.partition(":")[2], number)
        for (_, operation), number in sorted(counted.calls.items())
    )
    return ", ".join(f"{number} {operation}" for operation, number in named)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _number(number: float) -> str:
    return f"{number:.9g}"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}"
