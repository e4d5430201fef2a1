"""The rotation on its ports: each step in its time, whatever fails, and whoever else is at it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count

import pytest
from tests.support.broker import BOUNDS
from tests.support.canned_provider import answer
from tests.support.interference import (
    AFTER,
    BEFORE,
    MOMENTS,
    Crashed,
    Interference,
    crash,
    lose_the_answer,
)
from tests.support.racing import at_once
from tests.support.rotating import Rotating, managed_keys

from signet.broker import rotation
from signet.broker.key_creation import MOST_UNPROVED
from signet.broker.keyring import Keyring
from signet.broker.rotator import CREATIONS_A_SWEEP
from signet.errors import Misconfigured, Rejected, Unavailable
from signet.oauth.assertion_profile import MAX_LIFETIME_UPSTREAM

P, R = BOUNDS.propagation, BOUNDS.retention
TURN = BOUNDS.rotation
INTERVAL = BOUNDS.probe_interval
DAY = 86_400
ANNOUNCED = ["KeyAnnounced"]
PROMOTED = [*ANNOUNCED, "KeyProbed", "KeyPromoted"]
RETIRED = [*PROMOTED, "KeyRetired"]


@pytest.fixture
def rotating() -> Rotating:
    return Rotating()


@pytest.fixture
def manual() -> Rotating:
    return Rotating(key_registration="manual")


# --- the whole rotation --------------------------------------------------------------------------


def test_a_rotation_goes_round_by_the_sweeps_alone(rotating: Rotating) -> None:
    seen: list[tuple[int, str, str]] = []
    for _ in range(15):
        rotating.wait(100)
        rotating.tick()
        phase, _ = rotating.keyring.phase()
        if not seen or seen[-1][1] != phase:
            seen.append((rotating.now - rotating.begun_at, phase, rotating.keyring.current.kid))
    second = rotating.keyring.current
    assert second.kid != rotating.first.kid
    assert seen == [
        (100, "steady", rotating.first.kid),
        (TURN, "announced", rotating.first.kid),
        (TURN + P, "overlap", second.kid),
        (TURN + P + R, "steady", second.kid),
    ]
    assert rotating.kinds() == rotating.published() == RETIRED
    assert [former.kid for former in rotating.keyring.retired] == [rotating.first.kid]
    assert rotating.keyring.version == 5


def test_an_announced_key_is_the_connections_own_and_certified(rotating: Rotating) -> None:
    key = rotating.announce().next
    assert key is not None
    assert rotating.keyring.current == rotating.first
    assert (key.published_at, key.activated_at) == (rotating.now, None)
    assert key.certificate is not None
    assert key.alg == rotating.first.alg
    tags = rotating.broker.kms.tags[key.key_id]
    assert tags["signet:connection"] == rotating.owner
    assert tags["signet:operation"] == rotating.keyring.operation


def test_each_step_is_stored_with_who_asked_and_which_key(rotating: Rotating) -> None:
    rotating.rotator.step(rotating.owner, actor="admin", requested=True)
    rotating.wait(P)
    rotating.rotator.step(rotating.owner)
    rotating.wait(R)
    rotating.rotator.step(rotating.owner)
    second = rotating.keyring.current.kid
    told = [(e.type, e.actor, e.kid, e.connection) for e in rotating.broker.keyrings.events]
    assert told == [
        ("KeyAnnounced", "admin", second, rotating.owner),
        ("KeyProbed", "signet", second, rotating.owner),
        ("KeyPromoted", "signet", second, rotating.owner),
        ("KeyRetired", "signet", rotating.first.kid, rotating.owner),
    ]


@pytest.mark.parametrize(
    ("begin", "wait"),
    [(lambda _: None, TURN), (Rotating.announce, P), (Rotating.promote, R)],
    ids=["create", "promote", "retire"],
)
def test_a_step_is_made_in_its_second_and_not_before(
    rotating: Rotating, begin: Callable[[Rotating], object], wait: int
) -> None:
    begin(rotating)
    before = rotating.keyring
    rotating.wait(wait - 1)
    rotating.rotator.step(rotating.owner)
    assert rotating.keyring == before
    rotating.wait(1)
    rotating.rotator.step(rotating.owner)
    assert rotating.keyring != before


def test_a_clock_that_jumped_back_makes_nothing_early(rotating: Rotating) -> None:
    before = rotating.promote()
    rotating.wait(R - 600)
    rotating.rotator.step(rotating.owner)
    assert rotating.keyring == before


def test_the_issuers_key_rotates_by_time_and_nobody_is_asked(rotating: Rotating) -> None:
    keyrings = rotating.broker.keyrings.items
    first = keyrings["issuer"].current
    rotating.rotator.step("issuer", requested=True)
    rotating.wait(P - 1)
    rotating.rotator.step("issuer")
    assert keyrings["issuer"].current == first
    rotating.wait(1)
    rotating.rotator.step("issuer")
    assert keyrings["issuer"].current.kid != first.kid
    assert keyrings["issuer"].current.certificate is None
    assert not rotating.broker.idp.token_requests()
    assert [(e.type, e.subject, e.connection) for e in rotating.broker.keyrings.events] == [
        ("KeyAnnounced", "issuer", None),
        ("KeyPromoted", "issuer", None),
    ]
    tags = rotating.broker.kms.tags[keyrings["issuer"].current.key_id]
    assert tags["signet:purpose"] == "issuer"
    assert "signet:connection" not in tags


# --- the sweep -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "age"), [("steady", TURN), ("announced", P), ("held", INTERVAL), ("overlap", R)]
)
def test_a_sweep_asks_for_whose_time_has_come(rotating: Rotating, phase: str, age: int) -> None:
    reach: dict[str, Callable[[], object]] = {
        "steady": lambda: None,
        "announced": rotating.announce,
        "held": lambda: hold(rotating),
        "overlap": rotating.promote,
    }
    reach[phase]()
    assert rotating.keyring.phase()[0] == phase
    rotating.wait(age - 1)
    assert rotating.owner not in swept(rotating)
    rotating.wait(1)
    assert swept(rotating).count(rotating.owner) == 1


def test_a_sweep_asks_for_nobody_who_was_removed(rotating: Rotating) -> None:
    rotating.broker.connections.remove(rotating.connection, now=rotating.now)
    rotating.wait(TURN)
    assert swept(rotating) == ["issuer"]


def test_a_sweep_asks_for_every_page_and_says_how_many(rotating: Rotating) -> None:
    rotating.announce()
    copy_keyring(rotating, 250)
    rotating.wait(P)
    assert rotating.rotator.sweep() == 251
    assert len(set(rotating.broker.requests.owners)) == 251


def test_a_sweep_begins_no_more_rotations_than_kms_makes_keys_for(rotating: Rotating) -> None:
    copy_keyring(rotating, CREATIONS_A_SWEEP + 50)
    rotating.wait(TURN)
    assert rotating.rotator.sweep() == CREATIONS_A_SWEEP
    assert len(set(rotating.broker.requests.owners)) == CREATIONS_A_SWEEP


def copy_keyring(rotating: Rotating, owners: int) -> None:
    """Let many others be in the same phase."""
    for number in range(owners):
        owner = f"con_{number}"
        rotating.broker.keyrings.items[owner] = replace(rotating.keyring, owner=owner)


def swept(rotating: Rotating) -> list[str]:
    rotating.broker.requests.owners.clear()
    rotating.rotator.sweep()
    return list(rotating.broker.requests.owners)


def hold(rotating: Rotating) -> Keyring:
    """Have the provider refuse the next key when it is asked."""
    rotating.provider_says("invalid_client")
    rotating.announce()
    rotating.wait(P)
    rotating.rotator.step(rotating.owner)
    assert rotating.keyring.phase()[0] == "held"
    return rotating.keyring


# --- duplicates, and others at the same time -----------------------------------------------------


def test_a_step_that_comes_again_changes_nothing(rotating: Rotating) -> None:
    for prepare in (rotating.announce, lambda: rotating.wait(P), lambda: rotating.wait(R)):
        prepare()
        rotating.rotator.step(rotating.owner)
        once = rotating.keyring
        for _ in range(10):
            rotating.rotator.step(rotating.owner)
        assert rotating.keyring == once
    assert rotating.kinds() == RETIRED


def test_one_call_makes_a_few_steps_and_leaves_the_rest_to_the_next_sweep(
    rotating: Rotating,
) -> None:
    no_times = replace(BOUNDS, propagation=0, retention=0, rotation=0)
    rotator = replace(rotating.rotator, bounds=no_times)
    version = rotating.keyring.version
    rotator.step(rotating.owner)
    assert rotating.keyring.version == version + 6


def test_a_request_that_comes_again_begins_one_rotation(rotating: Rotating) -> None:
    keys = len(rotating.broker.kms.keys)
    for _ in range(3):
        rotating.rotator.step(rotating.owner, requested=True)
    assert len(rotating.broker.kms.keys) == keys + 1
    assert rotating.kinds() == ANNOUNCED


def test_a_step_that_comes_hours_late_does_what_is_due_then(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(6 * 3_600)
    rotating.rotator.step(rotating.owner)
    assert rotating.keyring.previous is not None, "what was promoted now stays for R from now"
    assert rotating.kinds() == PROMOTED


def test_nobody_steps_for_who_is_not_there(rotating: Rotating) -> None:
    assert rotating.rotator.step(f"con_{'a' * 26}") is None
    assert not rotating.kinds()


def test_a_removed_owners_keys_stay_as_they_are(rotating: Rotating) -> None:
    rotating.promote()
    rotating.broker.connections.remove(rotating.connection, now=rotating.now)
    left = rotating.keyring
    rotating.wait(TURN)
    assert rotating.rotator.step(rotating.owner, requested=True) == left
    rotating.rotator.refused(rotating.owner, left.current.kid)
    with pytest.raises(Rejected, match="not_found"):
        rotating.rotator.approve(rotating.owner, left.current.kid, actor="admin")
    assert rotating.keyring == left


def test_an_owner_of_whom_a_backup_brought_back_half_is_left_alone(rotating: Rotating) -> None:
    del rotating.broker.connections.items[rotating.owner]
    rotating.wait(TURN)
    assert rotating.rotator.step(rotating.owner) is None
    assert rotating.keyring.current == rotating.first


def due_to_create(rotating: Rotating) -> None:
    rotating.wait(TURN)


def due_to_promote(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(P)


def due_to_retire(rotating: Rotating) -> None:
    rotating.promote()
    rotating.wait(R)


DUE = [(due_to_create, ANNOUNCED), (due_to_promote, PROMOTED), (due_to_retire, RETIRED)]
EACH_STEP = pytest.mark.parametrize(("prepare", "kinds"), DUE, ids=["create", "promote", "retire"])


@EACH_STEP
def test_two_rotators_make_one_step_wherever_they_meet(
    prepare: Callable[[Rotating], None], kinds: list[str]
) -> None:
    for call in count(1):
        rotating = Rotating()
        prepare(rotating)
        other = Interference(call, BEFORE, lambda stage=rotating: stage.rotator.step(stage.owner))
        rotating.interfered(other).step(rotating.owner)
        assert rotating.kinds() == kinds, f"met at call {call}"
        assert sorted(rotating.published()) == sorted(kinds)
        assert not rotating.leaked(), f"met at call {call}"
        rotating.check_every_published_key_signs()
        if not other.happened:
            break
    assert call > 4


def test_who_loses_the_race_gives_its_key_up(rotating: Rotating) -> None:
    kms = rotating.broker.kms
    other = Interference(
        "create_key", AFTER, lambda: rotating.rotator.step(rotating.owner, requested=True)
    )
    rotating.interfered(other).step(rotating.owner, requested=True)
    assert rotating.keyring.next is not None
    (given_up,) = kms.scheduled
    assert given_up in kms.disabled
    assert given_up != rotating.keyring.next.key_id
    assert rotating.kinds() == rotating.published() == ANNOUNCED


@EACH_STEP
def test_many_rotators_at_once_make_one_step(
    prepare: Callable[[Rotating], None], kinds: list[str]
) -> None:
    for _ in range(20):
        rotating = Rotating()
        prepare(rotating)
        at_once([partial(rotating.rotator.step, rotating.owner)] * MOST_UNPROVED)
        assert rotating.kinds() == kinds
        assert sorted(rotating.published()) == sorted(kinds)
        assert not rotating.leaked()
        rotating.check_every_published_key_signs()


def test_many_rotators_and_an_administrator_at_once_have_one_winner() -> None:
    for _ in range(100):
        rotating = Rotating()
        rotating.wait(TURN)
        at_once([
            partial(rotating.rotator.step, rotating.owner, requested=requested, actor=actor)
            for actor, requested in (("signet", False), ("other", False), ("admin", True))
        ])  # fmt: skip
        assert rotating.kinds() == rotating.published() == ANNOUNCED
        assert not rotating.leaked()
        rotating.check_every_published_key_signs()


# --- lost answers of the conditional write -------------------------------------------------------


@EACH_STEP
def test_a_write_whose_answer_was_lost_happened_once(
    rotating: Rotating, prepare: Callable[[Rotating], None], kinds: list[str]
) -> None:
    prepare(rotating)
    lost = Interference("replace", AFTER, lose_the_answer)
    rotating.interfered(lost).step(rotating.owner)
    assert lost.happened
    assert rotating.kinds() == rotating.published() == kinds
    assert not rotating.broker.kms.disabled
    rotating.rotator.step(rotating.owner)
    assert rotating.kinds() == kinds


@EACH_STEP
def test_a_write_that_did_not_happen_is_made_later_and_happens_once(
    rotating: Rotating, prepare: Callable[[Rotating], None], kinds: list[str]
) -> None:
    prepare(rotating)
    before = rotating.keyring
    lost = Interference("replace", BEFORE, lose_the_answer)
    with pytest.raises(Unavailable):
        rotating.interfered(lost).step(rotating.owner)
    assert rotating.keyring == before
    # The write may be under way still: a key that it would publish is nobody's to give up.
    assert not rotating.broker.kms.disabled
    rotating.wait(INTERVAL)
    rotating.rotator.step(rotating.owner)
    assert rotating.kinds() == rotating.published() == kinds


def test_a_lost_answer_is_told_from_a_lost_race_by_the_operation(rotating: Rotating) -> None:
    def overtaken() -> None:
        rotating.rotator.step(rotating.owner, requested=True)
        lose_the_answer()

    other = Interference("replace", BEFORE, overtaken)
    rotating.interfered(other).step(rotating.owner, requested=True)
    assert rotating.kinds() == rotating.published() == ANNOUNCED
    assert len(rotating.broker.kms.scheduled) == 1
    rotating.check_every_published_key_signs()


def test_a_key_that_others_went_on_with_is_not_given_up(rotating: Rotating) -> None:
    def gone_on_with() -> None:
        rotating.wait(P)
        rotating.rotator.step(rotating.owner)
        lose_the_answer()

    other = Interference("replace", AFTER, gone_on_with)
    rotating.interfered(other).step(rotating.owner, requested=True)
    assert rotating.keyring.current.kid != rotating.first.kid
    rotating.check_every_published_key_signs()
    assert rotating.kinds() == PROMOTED
    assert rotating.published().count("KeyAnnounced") == 1


def test_a_key_that_others_revoked_already_is_known_again(rotating: Rotating) -> None:
    def revoked() -> None:
        situation = rotating.rotator.situation(rotating.owner)
        assert situation is not None
        kid = situation.keyring.next.kid
        rotating.rotator.commit(
            situation, lambda s, operation: rotation.revoke(s, kid, operation=operation)
        )
        lose_the_answer()

    other = Interference("replace", AFTER, revoked)
    rotating.interfered(other).step(rotating.owner, requested=True)
    assert rotating.published() == ANNOUNCED
    assert not rotating.broker.kms.scheduled, "a revoked key is kept for who looks into it"


def test_a_word_that_was_overtaken_is_not_said_to_be_taken(manual: Rotating) -> None:
    kid = manual.announce().next.kid

    def overtake() -> None:
        for _ in range(2):
            manual.keep_answer("unknown")

    other = Interference("replace", BEFORE, overtake)
    with pytest.raises(Unavailable, match="busy"):
        manual.interfered(other).approve(manual.owner, kid, actor="admin")
    assert manual.keyring.next.approved_at is None
    assert "KeyApproved" not in manual.published()


# --- crashes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", [crash, lose_the_answer])
def test_a_rotation_that_fails_at_any_call_ends_as_if_it_had_not(
    moment: str, fault: Callable[[], None]
) -> None:
    for call in count(1):
        rotating = Rotating()
        failing = Interference(call, moment, fault)
        rotate_with(rotating, failing)
        keyring = rotating.keyring
        assert keyring.phase()[0] == "steady", f"failed at call {call}"
        assert keyring.current.kid != rotating.first.kid, f"failed at call {call}"
        assert rotating.kinds() == RETIRED, f"failed at call {call}"
        rotating.wait(BOUNDS.grace + 1)
        rotating.reap()
        assert not rotating.leaked(), f"failed at call {call}"
        assert rotating.census().orphans == 0
        if not failing.happened:
            break
    assert call > 30


def rotate_with(rotating: Rotating, failing: Interference) -> None:
    """Let one whole rotation go on by ticks; whatever fails, the next tick comes."""
    broken = rotating.interfered(failing)
    rotating.wait(TURN)
    for _ in range(14):
        for act in (broken.sweep, lambda: broken.step(rotating.owner)):
            try:
                act()
            except (Crashed, Unavailable):
                continue
            finally:
                rotating.check_every_published_key_signs()
                assert rotating.keyring.current in rotating.keyring.published()
        rotating.wait(50)


# --- the probe -----------------------------------------------------------------------------------


def probes(rotating: Rotating) -> int:
    return len(rotating.broker.idp.token_requests())


def test_nobody_is_asked_before_p_is_over(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(P - 1)
    rotating.rotator.step(rotating.owner)
    assert probes(rotating) == 0


def test_a_provider_is_asked_once_in_an_interval(rotating: Rotating) -> None:
    hold(rotating)
    for _ in range(INTERVAL - 1):
        rotating.wait(1)
        rotating.rotator.step(rotating.owner)
    assert probes(rotating) == 1
    rotating.wait(1)
    rotating.rotator.step(rotating.owner)
    assert probes(rotating) == 2


def test_a_provider_is_asked_once_by_two_rotators(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(P)
    other = Interference("probe", BEFORE, lambda: rotating.rotator.step(rotating.owner))
    rotating.interfered(other).step(rotating.owner)
    assert probes(rotating) == 1


def test_an_answer_that_was_lost_is_not_asked_for_again_at_once(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(P)
    with pytest.raises(Crashed):
        rotating.interfered(Interference("probe", AFTER, crash)).step(rotating.owner)
    rotating.rotator.step(rotating.owner)
    assert probes(rotating) == 1
    rotating.wait(INTERVAL)
    rotating.rotator.step(rotating.owner)
    assert rotating.kinds() == PROMOTED


def test_a_refused_key_is_held_and_the_state_says_why(rotating: Rotating) -> None:
    keyring = hold(rotating)
    assert keyring.current.kid == rotating.first.kid
    assert keyring.next.probe == rotation.Probe(result="refused", at=rotating.now)
    assert rotating.reminders() == [
        ("RotationStuck", "the provider does not know the next key yet")
    ]


def test_a_held_key_is_promoted_once_the_provider_knows_it(rotating: Rotating) -> None:
    held = hold(rotating)
    rotating.provider_says("invalid_grant")
    rotating.wait(INTERVAL)
    rotating.tick()
    assert rotating.keyring.current.kid == held.next.kid
    assert rotating.kinds() == [*ANNOUNCED, "KeyProbed", "KeyProbed", "KeyPromoted"]


def test_a_provider_that_does_not_look_at_the_key_cannot_hold_it(rotating: Rotating) -> None:
    rotating.provider_says("invalid_request")
    keyring = rotating.promote()
    assert keyring.current.probe.result == "unknown"


def test_a_key_that_the_provider_cannot_be_asked_about_is_held(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(P)
    rotating.broker.idp.answers["/token"] = lambda _: answer({}, status=503)
    rotating.rotator.step(rotating.owner)
    assert rotating.keyring.current.kid == rotating.first.kid
    assert rotating.reminders() == [("RotationStuck", "the provider cannot be reached")]


def test_a_connection_that_is_removed_meanwhile_signs_no_probe(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(P)
    # The calls of a step: the keyring, the connection, and the connection again for the probe.
    removal = Interference(
        3, BEFORE, lambda: rotating.broker.connections.remove(rotating.connection, now=rotating.now)
    )
    rotating.interfered(removal).step(rotating.owner)
    assert removal.happened
    assert probes(rotating) == 0
    assert not rotating.broker.audit.events


# --- a key that somebody has to enter by hand ----------------------------------------------------


def test_a_manual_registration_waits_for_as_long_as_it_takes(manual: Rotating) -> None:
    manual.provider_says("invalid_request")
    manual.announce()
    for _ in range(20):
        manual.wait(TURN)
        manual.tick()
    assert manual.keyring.current.kid == manual.first.kid
    assert manual.keyring.previous is None
    manual.check_every_published_key_signs()


def test_a_manual_registration_goes_on_by_the_probe(manual: Rotating) -> None:
    manual.provider_says("invalid_client")
    following = manual.announce().next
    manual.wait(P)
    manual.tick()
    assert manual.keyring.current.kid == manual.first.kid
    manual.provider_says("invalid_grant")
    manual.wait(INTERVAL)
    manual.tick()
    assert manual.keyring.current.kid == following.kid


def test_a_manual_registration_goes_on_by_an_administrators_word(manual: Rotating) -> None:
    manual.provider_says("invalid_request")
    following = manual.announce().next
    manual.wait(P)
    manual.tick()
    manual.rotator.approve(manual.owner, following.kid, actor="admin")
    assert manual.keyring.current.kid == following.kid
    (approved,) = [e for e in manual.broker.keyrings.events if e.type == "KeyApproved"]
    assert (approved.actor, approved.kid) == ("admin", following.kid)
    assert approved in manual.broker.audit.published


def test_a_word_does_not_shorten_p(manual: Rotating) -> None:
    following = manual.announce().next
    manual.wait(P - 1)
    keyring = manual.rotator.approve(manual.owner, following.kid, actor="admin")
    assert keyring.current.kid == manual.first.kid
    manual.wait(1)
    manual.tick()
    assert manual.keyring.current.kid == following.kid
    assert probes(manual) == 0, "who was told does not ask"


def test_a_word_is_for_the_next_key_alone(manual: Rotating) -> None:
    manual.announce()
    with pytest.raises(Rejected, match="rotation_refused"):
        manual.rotator.approve(manual.owner, manual.first.kid, actor="admin")
    for owner, kid in ((manual.owner, "k" * 43), (f"con_{'a' * 26}", manual.first.kid)):
        with pytest.raises(Rejected, match="not_found"):
            manual.rotator.approve(owner, kid, actor="admin")
    assert manual.kinds() == ANNOUNCED


def test_a_reminder_comes_once_a_day(manual: Rotating) -> None:
    manual.provider_says("invalid_request")
    manual.announce()
    manual.wait(P)
    manual.tick()
    reason = "the provider's administrator has to enter the next key, or confirm that it is"
    assert manual.reminders() == [("KeyAwaitingRegistration", reason)]
    assert manual.published()[-1] == "KeyAwaitingRegistration"
    for hour in range(1, 49):
        manual.wait(3_600)
        manual.rotator.step(manual.owner)
        assert len(manual.reminders()) == 1 + hour // 24


def test_nobody_is_reminded_of_what_only_takes_its_time(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(P - 1)
    rotating.rotator.step(rotating.owner)
    assert rotating.reminders() == []


# --- a next key that cannot sign, and a promotion at once ----------------------------------------


def test_a_next_key_that_cannot_sign_is_never_promoted(rotating: Rotating) -> None:
    following = rotating.announce().next
    rotating.broker.kms.disabled.add(following.key_id)
    rotating.keep_answer("accepted")
    rotating.wait(P)
    rotating.rotator.step(rotating.owner)
    assert rotating.keyring.current.kid == rotating.first.kid
    ((kind, reason),) = rotating.reminders()
    assert kind == "RotationStuck"
    assert reason.startswith("the next key cannot sign")


def test_who_orders_a_key_to_sign_that_cannot_is_told(rotating: Rotating) -> None:
    following = rotating.announce().next
    rotating.broker.kms.disabled.add(following.key_id)
    with pytest.raises(Misconfigured, match="signing_key"):
        rotating.rotator.step(rotating.owner, requested=True, immediate=True)
    assert rotating.keyring.current.kid == rotating.first.kid
    assert [kind for kind, _ in rotating.reminders()] == ["RotationStuck"]


def test_a_next_key_that_cannot_sign_is_told_of_before_the_provider_is_asked(
    rotating: Rotating,
) -> None:
    following = rotating.announce().next
    rotating.broker.kms.disabled.add(following.key_id)
    rotating.wait(P)
    rotating.tick()
    assert rotating.keyring.current.kid == rotating.first.kid
    assert rotating.reminders() == [("RotationStuck", "the provider cannot be asked: signing_key")]
    assert rotating.published()[-1] == "RotationStuck"
    rotating.broker.kms.disabled.clear()
    rotating.wait(INTERVAL)
    rotating.tick()
    assert rotating.keyring.current.kid == following.kid


@pytest.mark.parametrize("call", ["probe", "sign_digest"])
def test_a_key_that_is_revoked_meanwhile_is_no_reason_for_an_alarm(
    rotating: Rotating, call: str
) -> None:
    following = rotating.announce().next
    rotating.wait(P)
    if call == "sign_digest":
        rotating.keep_answer("accepted")
    keys = managed_keys(rotating.broker, rotating.rotator)
    other = Interference(
        call, BEFORE, lambda: keys.revoke(rotating.owner, following.kid, actor="admin")
    )
    rotating.interfered(other).step(rotating.owner, immediate=call == "sign_digest")
    assert rotating.keyring.published() == (rotating.first,)
    assert rotating.reminders() == []


def test_a_next_key_whose_public_half_is_another_is_never_promoted(rotating: Rotating) -> None:
    following = rotating.announce().next
    kms = rotating.broker.kms
    kms.keys[following.key_id] = kms.keys[rotating.first.key_id]
    rotating.keep_answer("accepted")
    rotating.wait(P)
    rotating.rotator.step(rotating.owner)
    assert rotating.keyring.current.kid == rotating.first.kid
    assert [kind for kind, _ in rotating.reminders()] == ["RotationStuck"]


def test_a_key_that_is_not_proved_is_never_announced(rotating: Rotating) -> None:
    kms = rotating.broker.kms
    other = kms.public_key(rotating.first.key_id)
    kms.public_key = lambda _: other
    with pytest.raises(Misconfigured, match="key_not_proved"):
        rotating.rotator.step(rotating.owner, requested=True)
    assert rotating.keyring.next is None
    assert rotating.keyring.current == rotating.first


def test_a_key_that_was_published_before_is_never_announced(rotating: Rotating) -> None:
    rotating.broker.kms.create_key = lambda **_: rotating.first.key_id
    with pytest.raises(Rejected, match="published before"):
        rotating.rotator.step(rotating.owner, requested=True)
    rotating.check_every_published_key_signs()


def test_an_order_to_promote_at_once_waits_for_nothing(rotating: Rotating) -> None:
    rotating.provider_says("invalid_client")
    rotating.rotator.step(rotating.owner, actor="admin", requested=True, immediate=True)
    assert rotating.keyring.current.kid != rotating.first.kid
    assert rotating.keyring.previous.kid == rotating.first.kid
    promoted = rotating.broker.keyrings.events[-1]
    assert (promoted.type, promoted.actor) == ("KeyPromoted", "admin")
    assert promoted.detail == {"immediate": "true"}
    assert probes(rotating) == 0


def test_an_order_to_promote_at_once_takes_what_is_announced(rotating: Rotating) -> None:
    following = rotating.announce().next
    rotating.rotator.step(rotating.owner, requested=True, immediate=True)
    assert rotating.keyring.current.kid == following.kid


def test_nothing_is_promoted_at_once_beside_a_previous_key(rotating: Rotating) -> None:
    before = rotating.promote()
    with pytest.raises(Rejected, match="rotation_refused"):
        rotating.rotator.step(rotating.owner, requested=True, immediate=True)
    assert rotating.keyring == before


# --- refusals at login ---------------------------------------------------------------------------


def test_one_refusal_is_counted_and_two_bring_the_previous_key_back(rotating: Rotating) -> None:
    second = rotating.promote().current
    rotating.rotator.refused(rotating.owner, second.kid)
    assert rotating.keyring.current.kid == second.kid
    assert rotating.keyring.current.refusals == 1
    rotating.rotator.refused(rotating.owner, second.kid)
    keyring = rotating.keyring
    assert keyring.current.kid == rotating.first.kid
    assert keyring.current.retired_at is None
    assert (keyring.next.kid, keyring.previous) == (second.kid, None)
    assert keyring.phase() == ("held", rotating.now)
    assert rotating.kinds() == [*PROMOTED, *["KeyRefusalNoted"] * 2, "KeyRolledBack"]


def test_a_refusal_of_another_key_counts_for_nothing(rotating: Rotating) -> None:
    before = rotating.promote()
    for kid in (rotating.first.kid, "k" * 43):
        for _ in range(3):
            rotating.rotator.refused(rotating.owner, kid)
    assert rotating.keyring == before


def test_nobody_has_the_issuers_key_rolled_back(rotating: Rotating) -> None:
    keyrings = rotating.broker.keyrings.items
    rotating.rotator.step("issuer", requested=True)
    rotating.wait(P)
    rotating.rotator.step("issuer")
    promoted = keyrings["issuer"]
    assert promoted.previous is not None
    for _ in range(3):
        rotating.rotator.refused("issuer", promoted.current.kid)
    assert keyrings["issuer"] == promoted


def test_a_refusal_without_a_previous_key_counts_for_nothing(rotating: Rotating) -> None:
    before = rotating.keyring
    rotating.rotator.refused(rotating.owner, rotating.first.kid)
    assert rotating.keyring == before


def test_a_refusal_that_was_overtaken_is_counted_all_the_same(rotating: Rotating) -> None:
    second = rotating.promote().current
    other = Interference(
        "replace", BEFORE, lambda: rotating.rotator.refused(rotating.owner, second.kid)
    )
    rotating.interfered(other).refused(rotating.owner, second.kid)
    assert rotating.kinds().count("KeyRefusalNoted") == 2
    assert rotating.kinds().count("KeyRolledBack") == 1


def test_a_refusal_that_is_always_overtaken_is_left_to_the_next_one(rotating: Rotating) -> None:
    before = rotating.promote()
    rotating.broker.keyrings.replace = lambda *_: False
    rotating.rotator.refused(rotating.owner, before.current.kid)
    assert rotating.keyring == before
    assert rotating.published() == PROMOTED


def test_a_roll_back_that_was_cut_off_is_made_at_the_next_refusal(rotating: Rotating) -> None:
    second = rotating.promote().current
    rotating.rotator.refused(rotating.owner, second.kid)
    with pytest.raises(Crashed):
        rotating.interfered(Interference("replace", AFTER, crash)).refused(
            rotating.owner, second.kid
        )
    assert rotating.keyring.current.kid == second.kid
    rotating.rotator.refused(rotating.owner, second.kid)
    assert rotating.keyring.current.kid == rotating.first.kid


def test_a_key_that_signs_for_longer_than_an_hour_is_not_rolled_back() -> None:
    rotating = Rotating()
    bounds = replace(BOUNDS, retention=2 * rotation.WATCH)
    rotating.rotator = replace(rotating.rotator, bounds=bounds)
    second = rotating.promote().current
    rotating.wait(rotation.WATCH + 1)
    for _ in range(3):
        rotating.rotator.refused(rotating.owner, second.kid)
    assert rotating.keyring.current.kid == second.kid
    ((kind, reason),) = rotating.reminders()
    assert kind == "RotationStuck"
    assert "longer than an hour" in reason


def test_two_keys_that_are_both_refused_do_not_take_turns(rotating: Rotating) -> None:
    second = rotating.promote().current
    for _ in range(2):
        rotating.rotator.refused(rotating.owner, second.kid)
    rotating.wait(INTERVAL)
    rotating.tick()
    assert rotating.keyring.current.kid == second.kid, "the provider accepted it meanwhile"
    for _ in range(4):
        rotating.rotator.refused(rotating.owner, second.kid)
    assert rotating.keyring.current.kid == second.kid
    assert rotating.kinds().count("KeyRolledBack") == 1
    ((kind, reason),) = rotating.reminders()
    assert kind == "RotationStuck"
    assert "rolled back before" in reason


def test_a_rolled_back_key_waits_for_the_provider_to_accept_it(rotating: Rotating) -> None:
    second = rotating.promote().current
    rotating.provider_says("invalid_request")
    for _ in range(2):
        rotating.rotator.refused(rotating.owner, second.kid)
    for _ in range(5):
        rotating.wait(INTERVAL)
        rotating.tick()
    assert rotating.keyring.current.kid == rotating.first.kid


# --- rotations one after another ------------------------------------------------------------------


def test_whoever_keeps_our_keys_for_c_verifies_everything_whatever_crashes() -> None:
    rotating, seen = Rotating(), History()
    crashes = 0
    for tick in range(1_200):
        crashes += tick_that_may_crash(rotating, tick)
        seen.check(rotating.now, rotating.keyring)
        rotating.check_every_published_key_signs()
        rotating.wait(10 if tick % 2 else 90)
    assert crashes > 30
    assert rotating.kinds().count("KeyRetired") > 30
    rotating.wait(BOUNDS.grace + 1)
    rotating.reap()
    assert rotating.census().orphans == 0
    assert not rotating.leaked()


class History:
    """Who signed and what was published, at each time."""

    def __init__(self) -> None:
        self._seen: list[tuple[int, str, set[str]]] = []

    def check(self, now: int, keyring: Keyring) -> None:
        """See that whatever is signed now, or was and is still good, can be verified.

        A signer may know the record as it was S ago, and a verifier our keys as they were C ago.
        """
        published = {key.kid for key in keyring.published()}
        self._seen = [*self._seen[-20:], (now, keyring.current.kid, published)]
        signing = self._signers(now - BOUNDS.signer_cache)
        good = self._signers(now - BOUNDS.signer_cache - MAX_LIFETIME_UPSTREAM)
        copies = [kids for at, _, kids in self._seen if at >= now - BOUNDS.verifier_cache]
        assert all(signing <= copy for copy in copies)
        assert good <= published

    def _signers(self, since: int) -> set[str]:
        return {kid for at, kid, _ in self._seen if at >= since}


def tick_that_may_crash(rotating: Rotating, tick: int) -> bool:
    """Sweep and step, with a crash in one of the calls if there are so many."""
    fault = Interference(1 + tick * 7 % 41, MOMENTS[tick % 2], crash)
    broken = rotating.interfered(fault)
    try:
        broken.sweep()
        broken.step(rotating.owner)
    except Crashed:
        return True
    return False
