"""New keys: turns within KMS's quota, tags, the proof, and an end to what cannot be proved."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
from tests.support.broker import BOUNDS, Broker
from tests.support.faulty_kms import DENIED, NOT_FOUND, THROTTLED, FaultyKms
from tests.support.management import Desk as Administrator
from tests.support.management import connection
from tests.support.memory import CountingEntropy, FixedClock, MemoryRateLimits

from signet.broker.key_creation import CREATIONS_A_SECOND, MOST_UNPROVED, KeyCreation
from signet.broker.keyring import ISSUER
from signet.errors import Misconfigured, SignetError, Unavailable
from signet.jose.algorithms import algorithm

HOUR = 3_600
OWNER = "con_" + "a" * 26
ANOTHER = "con_" + "b" * 26
BEGINNING_OF_AN_HOUR = 1_800_000_000


class PassingTime(FixedClock):
    """Goes on as long as anybody waits, and in no other way."""

    def __init__(self) -> None:
        super().__init__(BEGINNING_OF_AN_HOUR)
        self.waits: list[float] = []

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time = BEGINNING_OF_AN_HOUR + int(sum(self.waits))


class StoppedLimits(MemoryRateLimits):
    """A store that takes turns, and fails when one is given back."""

    def give_back(self, key: str) -> None:
        raise Unavailable("store_unavailable", "Later.", private=key)


class NoTurns(MemoryRateLimits):
    """Whoever asks for a turn within KMS's quota is too late."""

    def take_one_of(self, key: str, *, limit: int, until: int) -> bool:
        if key.startswith("CREATEKEY#"):
            return False
        return super().take_one_of(key, limit=limit, until=until)


@dataclass
class Desk:
    """Makes keys of ES256; `worker` is another sandbox on the same KMS, clock and table."""

    clock: PassingTime = field(default_factory=PassingTime)
    kms: FaultyKms = field(default_factory=FaultyKms)
    limits: MemoryRateLimits = field(default_factory=MemoryRateLimits)
    entropy: CountingEntropy = field(default_factory=CountingEntropy)

    def worker(self) -> KeyCreation:
        return KeyCreation(
            stack="test",
            kms=self.kms,
            limits=self.limits,
            clock=self.clock,
            entropy=self.entropy,
            pause=self.clock.pause,
        )

    def make(self, owner: str = OWNER, *, patience: int = 20) -> str:
        key = self.worker()(owner, alg="ES256", operation="op-1", patience=patience)
        return key.key_id

    def fail(self, owner: str = OWNER) -> SignetError:
        with pytest.raises(SignetError) as caught:
            self.make(owner)
        return caught.value


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- KMS's quota -----------------------------------------------------------------------------


def test_workers_together_make_five_keys_a_second_and_no_more(desk: Desk) -> None:
    workers = [desk.worker() for _ in range(4)]
    made: Counter[int] = Counter()
    for number in range(14):
        key = workers[number % 4](f"{OWNER}{number}", alg="ES256", operation="op")
        assert key.key_id in desk.kms.keys
        made[desk.clock.time] += 1
    assert list(made.values()) == [CREATIONS_A_SECOND, CREATIONS_A_SECOND, 4]
    assert list(made) == [BEGINNING_OF_AN_HOUR + second for second in range(3)]


def test_whoever_gets_no_turn_waits_for_as_long_as_it_has_patience() -> None:
    desk = Desk(limits=NoTurns())
    with pytest.raises(Unavailable) as caught:
        desk.make(patience=5)
    assert caught.value.code == "busy"
    assert sum(desk.clock.waits) == 5
    assert desk.kms.creations == []


def test_waiting_in_vain_is_no_key_that_was_not_proved() -> None:
    desk = Desk(limits=NoTurns())
    for _ in range(MOST_UNPROVED + 1):
        with pytest.raises(Unavailable):
            desk.make(patience=1)
    desk.limits = _with_turns_of(desk.limits)
    assert desk.make()


def _with_turns_of(limits: MemoryRateLimits) -> MemoryRateLimits:
    after = MemoryRateLimits()
    after.taken = limits.taken
    return after


# --- tags ------------------------------------------------------------------------------------


def test_a_key_says_whose_it_is_in_the_call_that_makes_it(desk: Desk) -> None:
    desk.make()
    assert desk.kms.creations == [
        {
            "signet:stack": "test",
            "signet:purpose": "connection",
            "signet:connection": OWNER,
            "signet:operation": "op-1",
        }
    ]


def test_a_key_of_the_issuer_belongs_to_no_connection(desk: Desk) -> None:
    desk.make("issuer")
    assert desk.kms.creations == [
        {"signet:stack": "test", "signet:purpose": "issuer", "signet:operation": "op-1"}
    ]


def test_a_key_whose_making_was_answered_in_vain_is_found_by_the_reaper_after_its_grace() -> None:
    broker = Broker(kms=FaultyKms())
    kms = broker.kms
    assert isinstance(kms, FaultyKms)
    connection = broker.connect(token_endpoint_auth_signing_alg="ES256")
    kms.lost = DENIED
    with pytest.raises(Unavailable):
        broker.rotator.step(connection.id, requested=True)
    orphan = list(kms.keys)[-1]
    kms.created[orphan] = broker.clock.time
    assert broker.keyrings.items[connection.id].next is None
    broker.clock.time += BOUNDS.grace
    broker.reaper.run(None)
    assert kms.disabled == set()
    broker.clock.time += 1
    broker.reaper.run(None)
    assert kms.disabled == {orphan}


# --- the proof -------------------------------------------------------------------------------


def test_a_connections_key_comes_with_its_certificate_and_the_issuers_without(desk: Desk) -> None:
    creation = desk.worker()
    assert creation(OWNER, alg="ES256", operation="op").certificate is not None
    assert creation("issuer", alg="ES256", operation="op").certificate is None


def test_a_key_that_is_not_what_kms_shows_is_not_handed_out_and_is_named(desk: Desk) -> None:
    desk.kms.create_key(algorithm=algorithm("ES256"), tags={})
    desk.kms.lying = True
    problem = desk.fail()
    assert isinstance(problem, Misconfigured)
    assert problem.code == "key_not_proved"
    assert list(desk.kms.keys)[-1] in problem.private
    assert list(desk.kms.keys)[-1] not in problem.public
    assert desk.kms.calls["public_key"] == 1


@pytest.mark.parametrize("faults", [[NOT_FOUND], [DENIED], [NOT_FOUND, DENIED, DENIED, NOT_FOUND]])
def test_a_key_that_kms_does_not_know_yet_is_waited_for(
    desk: Desk, faults: list[SignetError]
) -> None:
    desk.kms.faults["public_key"] = list(faults)
    desk.make()
    assert len(desk.kms.creations) == 1
    assert len(desk.clock.waits) == len(faults)


@pytest.mark.parametrize("alg", ["ES256", "ES384"])
def test_a_public_half_of_another_kind_is_no_fault_of_whoever_asked(desk: Desk, alg: str) -> None:
    desk.kms.create_key(algorithm=algorithm("RS256"), tags={})
    desk.kms.lying = True
    with pytest.raises(Misconfigured) as caught:
        desk.worker()(OWNER, alg=alg, operation="op")
    assert caught.value.code == "key_not_proved"
    assert list(desk.kms.keys)[-1] in caught.value.private


@pytest.mark.parametrize(("fault", "kind"), [(NOT_FOUND, Misconfigured), (DENIED, Unavailable)])
def test_a_key_that_kms_never_knows_is_given_up_as_what_it_is(
    desk: Desk, fault: SignetError, kind: type[SignetError]
) -> None:
    desk.kms.faults["public_key"] = [fault] * 5
    problem = desk.fail()
    assert isinstance(problem, kind)
    assert problem.code == fault.code
    assert fault.private in problem.private
    assert list(desk.kms.keys)[-1] in problem.private
    assert desk.kms.faults["public_key"] == []


def test_a_published_key_proves_itself_again_before_everything_depends_on_it(desk: Desk) -> None:
    creation = desk.worker()
    key = creation(OWNER, alg="ES256", operation="op")
    creation.prove(key)
    other = creation(OWNER, alg="ES256", operation="op")
    with pytest.raises(Misconfigured, match="key_not_proved"):
        creation.prove(replace(key, key_id=other.key_id))
    desk.kms.disable_key(key.key_id)
    with pytest.raises(Misconfigured, match="signing_key"):
        creation.prove(key)


# --- an end to it ----------------------------------------------------------------------------


def test_an_owner_whose_keys_cannot_be_proved_gets_three_an_hour(desk: Desk) -> None:
    desk.kms.create_key(algorithm=algorithm("ES256"), tags={})
    desk.kms.lying = True
    for _ in range(MOST_UNPROVED):
        assert desk.fail().code == "key_not_proved"
    refused = desk.fail()
    assert refused.code == "busy"
    assert "2027-01-15T09:00:00Z" in refused.public
    assert OWNER in refused.private
    assert OWNER not in refused.public
    assert len(desk.kms.creations) == 1 + MOST_UNPROVED
    desk.clock.time = BEGINNING_OF_AN_HOUR + HOUR - 1
    assert desk.fail().code == "busy"
    desk.clock.time += 1
    assert desk.fail().code == "key_not_proved"


def test_one_owners_failures_are_nobody_elses(desk: Desk) -> None:
    desk.kms.faults["public_key"] = [NOT_FOUND] * 5 * MOST_UNPROVED
    for _ in range(MOST_UNPROVED):
        desk.fail()
    assert desk.fail().code == "busy"
    assert desk.make(ANOTHER)


def test_a_key_that_is_proved_takes_no_turn(desk: Desk) -> None:
    for _ in range(3 * MOST_UNPROVED):
        desk.make()
    desk.kms.faults["public_key"] = [NOT_FOUND] * 5
    assert desk.fail().code == "signing_key"


def test_a_key_whose_making_was_answered_in_vain_counts_too(desk: Desk) -> None:
    for _ in range(MOST_UNPROVED):
        desk.kms.lost = DENIED
        desk.fail()
    assert desk.fail().code == "busy"
    assert len(desk.kms.keys) == MOST_UNPROVED


def test_a_turn_that_cannot_be_given_back_costs_no_key() -> None:
    desk = Desk(limits=StoppedLimits())
    assert desk.make()


def test_a_deployment_of_short_periods_waits_no_longer_than_they_are(desk: Desk) -> None:
    creation = KeyCreation(
        stack="test",
        kms=desk.kms,
        limits=desk.limits,
        clock=desk.clock,
        entropy=desk.entropy,
        pause=desk.clock.pause,
        window=10,
    )
    desk.limits.taken = {f"CREATION#{OWNER}#{BEGINNING_OF_AN_HOUR // 10}": MOST_UNPROVED}
    with pytest.raises(Unavailable, match="not proved"):
        creation(OWNER, alg="ES256", operation="op")
    desk.clock.time += 10
    assert creation(OWNER, alg="ES256", operation="op")


def test_a_rotation_that_is_tried_at_every_sweep_makes_no_keys_without_end() -> None:
    broker = Broker(kms=FaultyKms())
    kms = broker.kms
    assert isinstance(kms, FaultyKms)
    connection = broker.connect(token_endpoint_auth_signing_alg="ES256")
    before = len(kms.keys)
    kms.lying = True
    for _ in range(3 * MOST_UNPROVED):
        with suppress(SignetError):
            broker.rotator.step(connection.id, requested=True)
    assert len(kms.keys) == before + MOST_UNPROVED
    assert broker.keyrings.items[connection.id].next is None


class Stuck:
    """A connection whose new keys cannot be proved."""

    def __init__(self) -> None:
        self.kms = FaultyKms()
        self.broker = Broker(kms=self.kms)
        self.owner = self.broker.connect(token_endpoint_auth_signing_alg="ES256").id
        self.broker.clock.time += BOUNDS.rotation
        self.kms.lying = True
        # Waiting takes no time here, and forgets no turns.
        creation = replace(self.broker.creation, pause=lambda _: None)
        self.rotator = replace(self.broker.rotator, creation=creation)

    def reasons(self) -> list[str]:
        events = self.broker.audit.events
        assert self.broker.audit.published == events
        assert {event.type for event in events} <= {"RotationStuck"}
        return [event.detail["reason"] for event in events]


def test_a_key_that_could_not_be_proved_is_told_once_a_day_and_named() -> None:
    stuck = Stuck()
    for _ in range(MOST_UNPROVED):
        with pytest.raises(Misconfigured, match="key_not_proved"):
            stuck.rotator.step(stuck.owner)
    first = list(stuck.kms.keys)[2]
    (reason,) = stuck.reasons()
    assert reason.startswith(f"no new key could be made: the new KMS key {first} is not proved")


def test_a_sweep_waits_quietly_until_an_owner_may_have_another_key() -> None:
    stuck = Stuck()
    for _ in range(MOST_UNPROVED):
        with pytest.raises(Misconfigured):
            stuck.rotator.step(stuck.owner)
    made = len(stuck.kms.keys)
    assert stuck.rotator.step(stuck.owner) == stuck.broker.keyrings.items[stuck.owner]
    with pytest.raises(Unavailable, match="busy"):
        stuck.rotator.step(stuck.owner, requested=True)
    assert len(stuck.kms.keys) == made
    assert len(stuck.reasons()) == 1
    stuck.broker.clock.time += HOUR
    stuck.kms.lying = False
    rotated = stuck.rotator.step(stuck.owner)
    assert rotated is not None
    assert rotated.next is not None


def test_an_owner_whose_keys_kms_denies_is_told_of_when_it_gets_no_more() -> None:
    stuck = Stuck()
    stuck.kms.faults["public_key"] = [DENIED] * 5 * MOST_UNPROVED
    for _ in range(MOST_UNPROVED):
        with pytest.raises(Unavailable):
            stuck.rotator.step(stuck.owner)
        assert stuck.reasons() == []
    stuck.rotator.step(stuck.owner)
    (reason,) = stuck.reasons()
    assert f"{MOST_UNPROVED} new keys of {stuck.owner} were not proved" in reason


# --- giving up -------------------------------------------------------------------------------


def test_a_key_that_is_given_up_signs_no_more_and_is_deleted(desk: Desk) -> None:
    key_id = desk.make()
    desk.worker().discard(key_id, owner=OWNER)
    assert key_id in desk.kms.disabled
    assert key_id in desk.kms.scheduled


def test_an_issuers_key_that_is_given_up_is_the_reapers_to_delete(desk: Desk) -> None:
    key_id = desk.make(ISSUER)
    desk.worker().discard(key_id, owner=ISSUER)
    assert key_id in desk.kms.disabled - desk.kms.scheduled


def test_a_key_that_kms_does_not_take_back_is_left_to_the_reaper(desk: Desk) -> None:
    key_id = desk.make()
    desk.kms.faults["disable_key"] = [THROTTLED]
    desk.worker().discard(key_id, owner=OWNER)
    assert key_id not in desk.kms.disabled | desk.kms.scheduled
    desk.kms.faults["schedule_deletion"] = [DENIED]
    desk.worker().discard(key_id, owner=OWNER)
    assert key_id in desk.kms.disabled - desk.kms.scheduled


def test_an_administrator_is_told_when_to_try_again() -> None:
    desk = Administrator()
    kms = FaultyKms()
    creation = replace(desk.broker.creation, kms=kms)
    connections = desk.api.connections
    registration = replace(connections.registration, creation=creation)
    desk.api = replace(desk.api, connections=replace(connections, registration=registration))
    kms.create_key(algorithm=algorithm("ES256"), tags={})
    kms.lying = True
    headers = {"idempotency-key": "the-same-request"}
    codes = []
    for _ in range(MOST_UNPROVED + 1):
        answer = desk.call("POST", "/connections", connection(), headers=headers)
        codes.append((answer.status, answer.json["code"]))
    assert codes == [(500, "key_not_proved")] * MOST_UNPROVED + [(503, "busy")]
    assert "Please try again after 2027-01-15T09:00:00Z." in answer.json["detail"]
    assert len(kms.creations) == 1 + MOST_UNPROVED


def test_a_refused_registration_gives_its_key_up() -> None:
    broker = Broker()
    broker.connect(token_endpoint_auth_signing_alg="ES256")
    with pytest.raises(SignetError, match="name_taken"):
        broker.connect(token_endpoint_auth_signing_alg="ES256")
    assert broker.kms.scheduled == {list(broker.kms.keys)[-1]}
