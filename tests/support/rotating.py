"""One connection whose keys rotate in memory, with a clock that a test sets."""

from dataclasses import replace

from signet.broker import rotation
from signet.broker.census import Census, Count
from signet.broker.keyring import Keyring, Probe
from signet.broker.managed_keys import ManagedKeys
from signet.broker.rotator import Rotator
from tests.support.broker import BOUNDS, Broker
from tests.support.canned_provider import answer
from tests.support.interference import Interference


def interfered(broker: Broker, interference: Interference) -> Rotator:
    """Make a broker's rotator again, at every port of which something may happen."""
    around = interference.around
    return replace(
        broker.rotator,
        connections=around(broker.connections),
        keyrings=around(broker.keyrings),
        creation=replace(broker.creation, kms=around(broker.kms), limits=around(broker.limits)),
        probe=interference.calling("probe", broker.rotator.probe),
        limits=around(broker.limits),
        requests=around(broker.requests),
        audit=around(broker.audit),
        announcements=around(broker.audit),
    )


def managed_keys(broker: Broker, rotator: Rotator) -> ManagedKeys:
    """Make what administrators use; where the rotator's ports fail, the same ports fail here."""
    return ManagedKeys(
        rotator=rotator,
        bounds=BOUNDS,
        creation=rotator.creation,
        kms=rotator.creation.kms,
        clock=broker.clock,
        entropy=broker.entropy,
    )


class Rotating:
    """`owner` is the connection's id, `first` the key that it begins with."""

    def __init__(self, **members: object) -> None:
        self.broker = Broker()
        algorithm = {"token_endpoint_auth_signing_alg": "ES256"}
        self.connection = self.broker.connect(**{**algorithm, **members})
        self.owner = self.connection.id
        self.rotator = self.broker.rotator
        self.first = self.keyring.current
        self.begun_at = self.broker.clock.time
        self.provider_says("invalid_grant")

    @property
    def keyring(self) -> Keyring:
        return self.broker.keyrings.items[self.owner]

    @property
    def now(self) -> int:
        return self.broker.clock.time

    def wait(self, seconds: int) -> None:
        self._note_births()
        self.broker.clock.time += seconds
        self.broker.limits.taken.clear()

    def provider_says(self, error: str) -> None:
        """Have every token request answered with an error, as a made-up code is."""
        status = 401 if error == "invalid_client" else 400
        self.broker.idp.answers["/token"] = lambda _: answer({"error": error}, status=status)

    def keep_answer(self, result: str) -> None:
        """Write what the provider said of the next key, as a rotator does."""
        situation = self.rotator.situation(self.owner)
        assert situation is not None
        assert self.keyring.next is not None
        kid, probe = self.keyring.next.kid, Probe(result=result, at=self.now)
        assert self.rotator.commit(
            situation,
            lambda s, operation: rotation.record_probe(s, kid, probe, operation=operation),
        )

    # --- a rotation up to a phase, each in its usual time ---

    def announce(self) -> Keyring:
        """Begin a rotation now."""
        self.rotator.step(self.owner, requested=True)
        assert self.keyring.next is not None
        return self.keyring

    def promote(self) -> Keyring:
        """Begin a rotation, and have its key take over after P."""
        self.announce()
        self.wait(BOUNDS.propagation)
        self.rotator.step(self.owner)
        assert self.keyring.previous is not None
        return self.keyring

    def tick(self) -> None:
        """Sweep, and make each step that was asked for."""
        requests = self.broker.requests
        requests.owners.clear()
        self.rotator.sweep()
        for owner in tuple(requests.owners):
            self.rotator.step(owner)

    def interfered(self, interference: Interference) -> Rotator:
        """Make a second rotator, at every port of which something may happen."""
        return interfered(self.broker, interference)

    # --- what was left behind ---

    def kinds(self) -> list[str]:
        """Return the types of what is stored with the keyring, in order."""
        events = self.broker.keyrings.events
        return [event.type for event in events if event.subject == self.owner]

    def published(self) -> list[str]:
        """Return the types of what subscribers got of this connection, in order."""
        events = self.broker.audit.published
        return [event.type for event in events if event.subject == self.owner]

    def reminders(self) -> list[tuple[str, str]]:
        """Return what somebody was told to look at, and why."""
        events = self.broker.audit.events
        return [(event.type, event.detail["reason"]) for event in events if not event.jti]

    def leaked(self) -> set[str]:
        """Return keys of the connections that sign, and that no record ever knew."""
        kms, keyrings = self.broker.kms, self.broker.keyrings.items.values()
        tagged = {key_id for key_id, tags in kms.tags.items() if "signet:operation" in tags}
        known = {
            key.key_id
            for keyring in keyrings
            for key in (*keyring.published(), *keyring.retired, *keyring.revoked)
        }
        return tagged - known - kms.disabled - kms.scheduled

    def check_every_published_key_signs(self) -> None:
        """See that no key is gone that a record refers to."""
        gone = self.broker.kms.disabled | self.broker.kms.scheduled
        assert not gone & {key.key_id for key in self.keyring.published()}

    def reap(self) -> None:
        """Run the reaper over every key."""
        self._note_births()
        self.broker.reaper.run(None)

    def census(self) -> Count:
        self._note_births()
        broker = self.broker
        return Census(
            stack="test",
            bounds=BOUNDS,
            keyrings=broker.keyrings,
            kms=broker.kms,
            clock=broker.clock,
        )()

    def _note_births(self) -> None:
        for key_id in self.broker.kms.keys:
            self.broker.kms.created.setdefault(key_id, self.now)
