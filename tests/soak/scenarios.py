"""The runs: what is set up, what is waited for, and what has to be true in the end."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signet.broker.keyring import ISSUER, STEADY
from signet.broker.rotation import WORKER_DEADLINE
from tests.soak.faults import KINDS
from tests.soak.logins import Logins
from tests.soak.rotations import Rotations
from tests.soak.scene import Scene, scene

VERIFIER_CACHE = 75
"""npm oidc-provider keeps a client's JWKS for a minute, and as long as its max-age says."""
KEPT_FOR_TOO_LONG = 900
SIGNER_CACHE = 5
RETENTION = SIGNER_CACHE + 60
GRACE = 10 * WORKER_DEADLINE
DAY = 86_400
FIRST_ROTATION = 200
"""Seconds of the run's clock in which a batch of connections is made, and their faults planned."""
BATCH = 20
SHORT = {
    "SIGNET_TICK_SECONDS": "1",
    "SIGNET_ROTATION_SECONDS": "1",
    "SIGNET_VERIFIER_CACHE_SECONDS": str(VERIFIER_CACHE),
    "SIGNET_PROPAGATION_SECONDS": str(VERIFIER_CACHE),
    "SIGNET_SIGNER_CACHE_SECONDS": str(SIGNER_CACHE),
    "SIGNET_RETENTION_SECONDS": str(RETENTION),
    "SIGNET_REAPER_GRACE_SECONDS": str(GRACE),
    "SIGNET_JWKS_MAX_AGE": "60",
}
AT_REST = {**SHORT, "SIGNET_ROTATION_SECONDS": str(400 * DAY)}
"""So that no key is on its way when the keys are counted."""
REAPER_SECONDS = 25
"""Seconds of the machine in which the reaper, which comes at each tenth tick, sees all twice."""
SETTLING = 300
"""Seconds of the machine within which a stack at rest has finished what was begun."""

Progress = Callable[[str], None]


@dataclass(slots=True)
class Result:
    """What a run found: `wrong` is empty where everything held."""

    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: object, otherwise: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`rotations` are of all connections; `limit`, `tick`, `pause` seconds of the machine."""

    folder: Path
    rotations: int
    connections: int
    speed: float
    rate: float
    limit: float
    tick: int
    pause: float
    progress: Progress


def rotate(plan: Plan) -> Result:
    """Rotate one connection's keys after the other's, and count what went wrong meanwhile."""
    result = Result()
    report = plan.folder / "faults.json"
    faults = json.dumps({"rate": plan.rate, "report": str(report)}) if plan.rate else ""
    settings = {**SHORT, "SIGNET_TICK_SECONDS": str(plan.tick)}
    with scene(
        plan.folder,
        connections=plan.connections,
        speed=plan.speed,
        settings=settings,
        faults=faults,
    ) as playing:
        rotations = Rotations(playing)
        with _signing_in(playing, result, pause=plan.pause) as logins:
            reached = _until(
                plan,
                playing,
                rotations,
                logins,
                lambda: rotations.of_connections() >= plan.rotations,
            )
        result.expect(reached, f"only {rotations.of_connections()} rotations in {plan.limit} s")
        result.expect(rotations.rolled_back == 0, f"{rotations.rolled_back} roll-backs")
        result.figures |= {
            "rotations of connections": rotations.of_connections(),
            "fewest of one connection": rotations.fewest(),
            "rotations of the issuer's key": rotations.finished.get("issuer", 0),
        }
        if report.exists():
            made: dict[str, int] = json.loads(report.read_text("utf-8"))["made"]
            result.figures["faults"] = sum(made.values())
            result.figures["kinds of faults"] = len(made)
        _count_keys(plan, playing, result)
    return result


def kept_for_too_long(plan: Plan) -> Result:
    """Have the provider keep our JWKS for longer than P allows for."""
    result = Result()
    with scene(
        plan.folder,
        connections=1,
        speed=plan.speed,
        settings=SHORT,
        provider={"jwksMaxAge": KEPT_FOR_TOO_LONG},
    ) as playing:
        (owner,) = playing.connections
        first = playing.keyring(owner).current.kid
        rotations = Rotations(playing)
        with _signing_in(playing, result) as logins:
            held = playing.wait(plan.limit, lambda: _is_held(playing, owner))
            result.expect(held, "the promotion was not held back")
            state = playing.ask(f"/connections/{owner}/keys/rotation")
            result.figures["the state says"] = state
            result.expect(playing.keyring(owner).current.kid == first, "another key signs")
            before = logins.done
            playing.wait(plan.limit, lambda: logins.done >= before + 10)
            plan.progress("held back; waiting until the provider asks for the keys again")
            reached = _until(
                plan, playing, rotations, logins, lambda: rotations.of_connections() >= 1
            )
        result.expect(reached, "it was never promoted")
        keyring = playing.keyring(owner)
        waited = (keyring.current.activated_at or 0) - keyring.current.published_at
        result.figures["promoted after (s of the run's clock)"] = waited
        result.expect(waited > VERIFIER_CACHE, "it was promoted as if nothing held it back")
    return result


def fault_at_each_call(plan: Plan) -> Result:
    """Have each kind of fault at each AWS call of a rotation, in a rotation of its own."""
    result = Result()
    report, planned = plan.folder / "faults.json", plan.folder / "plan.json"
    settings = {**SHORT, "SIGNET_ROTATION_SECONDS": str(FIRST_ROTATION)}
    faults = json.dumps({"plan": str(planned), "report": str(report)})
    with scene(
        plan.folder, connections=1, speed=plan.speed, settings=settings, faults=faults
    ) as playing:
        rotations = Rotations(playing)
        with _signing_in(playing, result, pause=0.3) as logins:
            plan.progress("counting the requests of a rotation without faults")
            reached = _until(plan, playing, rotations, logins, lambda: _are_rotated(playing))
            result.expect(reached, "the first rotation did not come to its end")
            counted = _report(report)["requests"][playing.connections[0]]
            wanted = [
                (operation, occurrence, kind)
                for operation, count in counted.items()
                for occurrence in range(1, count + 1)
                for kind in KINDS
            ]
            plan.progress(f"{len(wanted)} faults, each in a rotation of its own")
            _connect_with_plan(playing, planned, wanted)
            due = Counter(f"{operation} {kind}" for operation, _, kind in wanted)
            reached = _until(
                plan,
                playing,
                rotations,
                logins,
                lambda: _report(report)["made"] == due and _are_rotated(playing),
            )
            result.expect(reached, "not every rotation came to its end")
        made: Counter[str] = Counter(_report(report)["made"])
        result.expect(made == due, f"not every fault was made: {due - made}")
        result.figures |= {
            "requests of a rotation": counted,
            "faults": made.total(),
            "rotations of connections": rotations.of_connections(),
        }
        _count_keys(plan, playing, result)
    return result


def _connect_with_plan(
    playing: Scene, planned: Path, wanted: Sequence[tuple[str, int, str]]
) -> None:
    """Make a connection for each fault; it is planned before the connection's first rotation."""
    plan: dict[str, tuple[str, int, str]] = {}
    for first in range(0, len(wanted), BATCH):
        batch = wanted[first : first + BATCH]
        plan |= dict(zip(playing.connect(len(batch)), batch, strict=True))
        written = planned.with_suffix(".new")
        written.write_text(json.dumps(plan), encoding="utf-8")
        written.replace(planned)


def _are_rotated(playing: Scene) -> bool:
    """Tell whether every connection has a rotation behind it."""
    keyrings = (playing.keyring(owner) for owner in playing.connections)
    return all(keyring.retired for keyring in keyrings)


def _report(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return document


@contextmanager
def _signing_in(playing: Scene, result: Result, *, pause: float = 0.1) -> Iterator[Logins]:
    logins = Logins(playing.application, playing.names, pause=pause)
    logins.start()
    try:
        yield logins
    finally:
        logins.stop()
        result.figures |= {"logins": logins.done, "failed logins": logins.failed}
        result.expect(logins.done, "nobody signed in")
        result.figures["failed logins"] = logins.failed
        for failure in logins.failures:
            result.wrong.append(f"a login failed: {failure}")


def _until(
    plan: Plan,
    playing: Scene,
    rotations: Rotations,
    logins: Logins,
    reached: Callable[[], bool],
) -> bool:
    """Watch until something is reached, and say how it goes, every few seconds."""
    said = time.monotonic()

    def look() -> bool:
        nonlocal said
        rotations.look()
        if time.monotonic() - said >= 10:
            said = time.monotonic()
            plan.progress(
                f"{rotations.of_connections()} rotations, {logins.done} logins, "
                f"{logins.failed} failed"
            )
        return reached() or logins.failed >= 50

    return playing.wait(plan.limit, look) and reached()


def _is_held(playing: Scene, owner: str) -> bool:
    key = playing.keyring(owner).next
    return key is not None and key.probe is not None and key.probe.result == "refused"


def _count_keys(plan: Plan, playing: Scene, result: Result) -> None:
    """Let the reaper take away what is left over, a week later for good, and count all keys."""
    plan.progress("letting the reaper meet what is left over, a day later")
    playing.clock.speed = 1  # a census gives up after some seconds
    playing.go_ahead(DAY, AT_REST)
    # A rotation that was under way ends first: its previous key is nobody's before that.
    playing.wait(SETTLING, lambda: _are_steady(playing), pause=1)
    playing.wait(SETTLING, lambda: _is_met(playing.ask("/keys/census")), pause=1)
    playing.wait(REAPER_SECONDS, lambda: False, pause=1)
    plan.progress("counting the keys, eight days later")
    playing.go_ahead(8 * DAY, AT_REST)
    playing.wait(SETTLING, lambda: _is_at_rest(playing.ask("/keys/census")), pause=1)
    census = playing.ask("/keys/census")
    result.figures["census"] = census
    result.expect(census["complete"], "the census is not complete")
    result.expect(census["orphans"] == 0, f"{census['orphans']} orphans")
    result.expect(census["unusable"] == 0, f"{census['unusable']} published keys cannot sign")
    left = census["tagged"] - census["referenced"] - census["pending_deletion"]
    result.expect(left == 0, f"{left} keys are neither referenced nor about to be deleted")
    verified = _verify_chain(playing)
    result.figures["events in the chain"] = verified["head"]["seq"]
    result.expect(verified["holds"], f"the chain does not verify: {verified}")


def _are_steady(playing: Scene) -> bool:
    """Tell whether no rotation is under way."""
    owners = (*playing.connections, ISSUER)
    return all(playing.keyring(owner).phase()[0] == STEADY for owner in owners)


def _is_met(census: dict[str, Any]) -> bool:
    """Tell whether the reaper has disabled every key that no record refers to."""
    left: int = census["orphans"] + census["within_grace"]
    return bool(census["complete"]) and left == 0


def _is_at_rest(census: dict[str, Any]) -> bool:
    left: int = census["tagged"] - census["referenced"] - census["pending_deletion"]
    return left == 0


def _verify_chain(playing: Scene) -> dict[str, Any]:
    position = 1
    while True:
        answer = playing.ask(f"/events/verify?from_seq={position}")
        if not answer["holds"] or answer["next_seq"] is None:
            return answer
        position = answer["next_seq"]
