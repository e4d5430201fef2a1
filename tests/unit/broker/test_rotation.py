"""The rotation protocol's guards, transitions and plan, one by one."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from signet.broker import rotation
from signet.broker.keyring import Keyring, Probe, PublishedKey
from signet.broker.rotation import Bounds, Evidence, Situation, Step
from signet.errors import Rejected

BOUNDS = Bounds(
    propagation=100, retention=200, rotation=1_000, verifier_cache=100, signer_cache=30, grace=61
)
PROBED = Evidence(probe=True, word=False)
MANUAL = Evidence(probe=True, word=True)
START = 10_000


def key(name: str, **members: object) -> PublishedKey:
    given = {"activated_at": None, **members}
    return PublishedKey(
        kid=f"kid-{name}",
        key_id=f"key-{name}",
        alg="ES256",
        jwk={"kid": f"kid-{name}"},
        created_at=START,
        published_at=START,
        **given,  # type: ignore[arg-type]
    )


STEADY = Keyring(owner="con_a", version=1, current=key("one", activated_at=START))


def at(now: int, keyring: Keyring = STEADY, evidence: Evidence = rotation.TIME_ALONE) -> Situation:
    return Situation(keyring=keyring, bounds=BOUNDS, now=now, evidence=evidence)


def announced(now: int = START) -> Keyring:
    return rotation.announce(at(now), key("two"), operation="announce")


def promoted(now: int = START + 100) -> Keyring:
    return rotation.promote(at(now, announced()), operation="promote")


def test_a_rotation_goes_round() -> None:
    keyring = rotation.retire(at(START + 300, promoted()), operation="retire")
    assert keyring.version == 4
    assert keyring.current.kid == "kid-two"
    assert [former.kid for former in keyring.retired] == ["kid-one"]
    assert keyring.published() == (keyring.current,)


def test_a_next_key_is_published_and_does_not_sign() -> None:
    keyring = announced(START + 5)
    assert keyring.current.kid == "kid-one"
    assert keyring.next is not None
    assert keyring.next.published_at == START + 5
    assert keyring.operation == "announce"


@pytest.mark.parametrize("keyring", [announced(), promoted()])
def test_no_key_is_announced_beside_another_rotation(keyring: Keyring) -> None:
    with pytest.raises(Rejected, match="rotation_refused"):
        rotation.announce(at(START + 100, keyring), key("three"), operation="x")


def test_a_key_is_not_promoted_a_second_before_p() -> None:
    with pytest.raises(Rejected, match="long enough"):
        rotation.promote(at(START + 99, announced()), operation="x")
    assert promoted().current.kid == "kid-two"


@pytest.mark.parametrize("guards", [rotation.PROMOTE, rotation.PROMOTE_AT_ONCE])
def test_a_next_key_beside_a_previous_one_is_not_promoted(
    guards: tuple[rotation.Guard, ...],
) -> None:
    keyring = replace(promoted(), next=key("three"))
    with pytest.raises(Rejected, match="still needed"):
        rotation.promote(at(START + 300, keyring), operation="x", guards=guards)


def test_a_promotion_counts_refusals_anew() -> None:
    keyring = rotation.note_refusal(at(START + 105, promoted()), "kid-two", operation="n")
    keyring = rotation.roll_back(at(START + 110, keyring), "kid-two", operation="back")
    keyring = rotation.approve(at(START + 120, keyring), "kid-two", operation="word")
    again = rotation.promote(at(START + 300, keyring), operation="promote")
    assert again.current.kid == "kid-two"
    assert again.current.refusals == 0


@pytest.mark.parametrize(
    ("transition", "reason"),
    [
        (rotation.promote, "no next key"),
        (rotation.retire, "no previous key"),
        (lambda s, **how: rotation.roll_back(s, "kid-one", **how), "another one"),
    ],
    ids=["promote", "retire", "roll back"],
)
def test_even_without_its_guards_a_transition_needs_its_key(
    transition: Callable[..., Keyring], reason: str
) -> None:
    with pytest.raises(Rejected, match=reason):
        transition(at(START), operation="x", guards=())


def test_a_word_and_an_answer_are_for_the_next_key_alone() -> None:
    probe = Probe(result="accepted", at=START)
    gone = replace(announced(), deleted_at=START)
    for kid, keyring in (("kid-one", announced()), ("kid-two", promoted()), ("kid-two", gone)):
        with pytest.raises(Rejected, match="another one"):
            rotation.approve(at(START, keyring), kid, operation="x")
        with pytest.raises(Rejected, match="another one"):
            rotation.record_probe(at(START, keyring), kid, probe, operation="x")


def test_a_key_is_promoted_at_once_by_order() -> None:
    keyring = rotation.promote(
        at(START, announced()), operation="x", guards=rotation.PROMOTE_AT_ONCE
    )
    assert keyring.current.kid == "kid-two"


@pytest.mark.parametrize(
    ("result", "evidence", "is_held"),
    [
        (None, PROBED, True),
        ("accepted", PROBED, False),
        ("unknown", PROBED, False),
        ("refused", PROBED, True),
        ("unreachable", PROBED, True),
        ("accepted", MANUAL, False),
        ("unknown", MANUAL, True),
        (None, MANUAL, True),
        ("refused", rotation.TIME_ALONE, False),
    ],
)
def test_a_promotion_needs_its_evidence(
    result: str | None, evidence: Evidence, *, is_held: bool
) -> None:
    probe = Probe(result=result, at=START + 100) if result else None
    keyring = announced()
    if probe is not None:
        keyring = rotation.record_probe(at(START + 100, keyring), "kid-two", probe, operation="p")
    reason = rotation.held(at(START + 100, keyring, evidence), rotation.PROMOTE)
    assert (reason is not None) is is_held


def test_an_administrators_word_is_evidence() -> None:
    keyring = rotation.approve(at(START, announced(), MANUAL), "kid-two", operation="word")
    assert rotation.held(at(START + 100, keyring, MANUAL), rotation.PROMOTE) is None


def test_a_retention_is_kept_to_the_second() -> None:
    with pytest.raises(Rejected, match="still be valid"):
        rotation.retire(at(START + 299, promoted()), operation="x")


def test_a_roll_back_happens_once() -> None:
    keyring = rotation.roll_back(at(START + 110, promoted()), "kid-two", operation="back")
    assert keyring.current.kid == "kid-one"
    assert keyring.current.retired_at is None
    assert keyring.next is not None
    assert rotation.held(at(START + 300, keyring, PROBED), rotation.PROMOTE) is not None
    again = rotation.promote(
        at(START + 300, keyring), operation="x", guards=rotation.PROMOTE_AT_ONCE
    )
    with pytest.raises(Rejected, match="rolled back before"):
        rotation.roll_back(at(START + 310, again), "kid-two", operation="x")


def test_a_rolled_back_key_needs_more_than_an_unknown() -> None:
    keyring = rotation.roll_back(at(START + 110, promoted()), "kid-two", operation="back")
    probe = Probe(result="unknown", at=START + 300)
    keyring = rotation.record_probe(at(START + 300, keyring), "kid-two", probe, operation="p")
    assert rotation.held(at(START + 300, keyring, PROBED), rotation.PROMOTE) is not None


def test_a_roll_back_ends_an_administrators_word() -> None:
    approved = rotation.approve(at(START, announced()), "kid-two", operation="word")
    keyring = rotation.promote(at(START + 100, approved), operation="promote")
    keyring = rotation.roll_back(at(START + 110, keyring), "kid-two", operation="back")
    assert rotation.held(at(START + 300, keyring, MANUAL), rotation.PROMOTE) is not None


@pytest.mark.parametrize("evidence", [rotation.TIME_ALONE, PROBED, MANUAL])
def test_time_alone_never_brings_a_rolled_back_key_back(evidence: Evidence) -> None:
    keyring = rotation.roll_back(at(START + 110, promoted()), "kid-two", operation="back")
    plan = rotation.plan(at(START + 110, keyring, evidence))
    assert plan.step is Step.WAIT
    assert plan.held is not None
    keyring = rotation.approve(at(START + 120, keyring), "kid-two", operation="word")
    assert rotation.plan(at(START + 120, keyring, evidence)).step is Step.PROMOTE


def test_a_roll_back_is_for_the_first_hour_and_the_key_that_signs() -> None:
    with pytest.raises(Rejected, match="longer than an hour"):
        rotation.roll_back(at(START + 3_701, promoted()), "kid-two", operation="x")
    with pytest.raises(Rejected, match="another one"):
        rotation.roll_back(at(START + 110, promoted()), "kid-one", operation="x")


def test_refusals_are_counted_of_the_current_key_alone() -> None:
    keyring = rotation.note_refusal(at(START + 110, promoted()), "kid-two", operation="n")
    assert keyring.current.refusals == 1
    with pytest.raises(Rejected, match="another one"):
        rotation.note_refusal(at(START + 110, promoted()), "kid-one", operation="n")


def test_a_previous_key_stays_while_logins_fall_back_on_it() -> None:
    refused = rotation.note_refusal(at(START + 250, promoted()), "kid-two", operation="n")
    with pytest.raises(Rejected, match="logins need the previous one"):
        rotation.retire(at(START + 449, refused), operation="x")
    plan = rotation.plan(at(START + 300, refused))
    assert (plan.step, plan.at) == (Step.WAIT, START + 450)
    assert plan.held == "the provider refuses the current key, and logins need the previous one"
    assert rotation.retire(at(START + 450, refused), operation="x").previous is None


def test_a_jwks_is_kept_for_long_while_the_previous_key_stays() -> None:
    bounds = replace(BOUNDS, propagation=3_000, verifier_cache=900)
    refused = rotation.note_refusal(at(START + 250, promoted()), "kid-two", operation="n")
    age = rotation.jwks_max_age(refused, bounds, configured=300, now=START + 299)
    assert age == 151


def test_a_revoked_current_key_is_followed_by_the_next() -> None:
    keyring = rotation.revoke(at(START + 5, announced()), "kid-one", operation="r")
    assert keyring.current.kid == "kid-two"
    assert [former.kid for former in keyring.revoked] == ["kid-one"]
    assert b"kid-one" not in keyring.jwks()


def test_a_revoked_current_key_is_followed_by_a_new_one() -> None:
    with pytest.raises(Rejected, match="no key to take over"):
        rotation.revoke(at(START), "kid-one", operation="r")
    keyring = rotation.revoke(at(START), "kid-one", operation="r", replacement=key("new"))
    assert keyring.current.kid == "kid-new"


@pytest.mark.parametrize("name", ["next", "previous"])
def test_another_key_is_revoked_alone(name: str) -> None:
    keyring = announced() if name == "next" else promoted()
    kid = "kid-two" if name == "next" else "kid-one"
    revoked = rotation.revoke(at(START + 100, keyring), kid, operation="r")
    assert revoked.published() == (keyring.current,)


def test_a_key_that_is_not_there_cannot_be_revoked() -> None:
    with pytest.raises(Rejected, match="not_found"):
        rotation.revoke(at(START), "kid-none", operation="r")


def test_a_revoked_key_never_comes_again() -> None:
    revoked = rotation.revoke(at(START + 5, announced()), "kid-one", operation="r")
    with pytest.raises(Rejected, match="published before"):
        rotation.announce(at(START + 9, revoked), key("one"), operation="x")


def test_a_retired_key_never_comes_again() -> None:
    retired = rotation.retire(at(START + 300, promoted()), operation="retire")
    with pytest.raises(Rejected, match="published before"):
        rotation.announce(at(START + 900, retired), key("one"), operation="x")


def test_a_kms_key_never_comes_again_under_another_kid() -> None:
    other = replace(key("three"), key_id="key-one")
    with pytest.raises(Rejected, match="published before"):
        rotation.announce(at(START), other, operation="x")


def test_nothing_happens_to_the_keys_of_a_removed_owner() -> None:
    gone = replace(STEADY, deleted_at=START)
    assert rotation.plan(at(START + 5_000, gone)) == rotation.Plan(step=Step.WAIT)
    with pytest.raises(Rejected, match="removed"):
        rotation.announce(at(START, gone), key("two"), operation="x")


@pytest.mark.parametrize(
    ("now", "keyring", "evidence", "step"),
    [
        (START + 999, STEADY, PROBED, Step.WAIT),
        (START + 1_000, STEADY, PROBED, Step.CREATE),
        (START + 99, announced(), PROBED, Step.WAIT),
        (START + 100, announced(), PROBED, Step.PROBE),
        (START + 100, announced(), rotation.TIME_ALONE, Step.PROMOTE),
        (START + 299, promoted(), PROBED, Step.WAIT),
        (START + 300, promoted(), PROBED, Step.RETIRE),
    ],
)
def test_the_plan_names_the_next_step(
    now: int, keyring: Keyring, evidence: Evidence, step: Step
) -> None:
    assert rotation.plan(at(now, keyring, evidence)).step is step


def test_a_requested_rotation_begins_before_its_time() -> None:
    assert rotation.plan(at(START + 1), requested=True).step is Step.CREATE


@pytest.mark.parametrize(
    ("now", "result", "evidence", "step"),
    [
        (150, "refused", PROBED, Step.WAIT),
        (200, "refused", PROBED, Step.PROBE),
        (150, "unknown", PROBED, Step.PROMOTE),
        (150, "accepted", MANUAL, Step.PROMOTE),
        (150, "unknown", MANUAL, Step.WAIT),
        (150, None, Evidence(probe=False, word=True), Step.WAIT),
    ],
)
def test_a_promotion_is_planned_by_what_the_provider_said(
    now: int, result: str | None, evidence: Evidence, step: Step
) -> None:
    keyring = announced()
    if result is not None:
        probe = Probe(result=result, at=START + 100)
        keyring = rotation.record_probe(at(START + 100, keyring), "kid-two", probe, operation="p")
    assert rotation.plan(at(START + now, keyring, evidence)).step is step


@pytest.mark.parametrize(
    ("propagation", "interval"), [(86_400, 3_600), (3_601, 3_600), (100, 100), (0, 1)]
)
def test_a_provider_is_asked_once_an_hour_and_once_in_p_where_that_is_less(
    propagation: int, interval: int
) -> None:
    assert replace(BOUNDS, propagation=propagation).probe_interval == interval


def test_a_jwks_is_kept_for_less_when_it_is_about_to_change() -> None:
    bounds = replace(BOUNDS, propagation=3_000, verifier_cache=900)

    def age(now: int, keyring: Keyring = STEADY) -> int:
        return rotation.jwks_max_age(keyring, bounds, configured=300, now=now)

    assert age(START) == 300
    assert age(START + 800) == 200
    assert age(START + 990) == 60
    assert age(START + 9_000) == 60
    assert age(START, announced()) == 300
    assert age(START + 299, promoted()) == 60


def test_a_jwks_is_never_kept_for_longer_than_a_third_of_p() -> None:
    assert rotation.jwks_max_age(STEADY, BOUNDS, configured=300, now=START) == 33


@pytest.mark.parametrize(
    ("propagation", "verifier_cache", "skew", "max_age", "stale"),
    [
        (172_800, 86_400, 600, 300, 3_600),
        (10_000, 2_000, 0, 300, 1_700),
        (2_500, 2_000, 0, 300, 200),
        (2_500, 2_000, 150, 300, 50),
        (2_000, 2_000, 0, 300, 0),
    ],
)
def test_a_jwks_that_cannot_be_fetched_again_is_used_for_as_long_as_no_new_key_signs(
    propagation: int, verifier_cache: int, skew: int, max_age: int, stale: int
) -> None:
    bounds = replace(BOUNDS, propagation=propagation, verifier_cache=verifier_cache, skew=skew)
    assert rotation.jwks_stale_if_error(bounds, max_age=max_age) == stale


@pytest.mark.parametrize(
    ("changes", "inequality"),
    [
        ({"propagation": 99}, "SIGNET_PROPAGATION_SECONDS >= SIGNET_VERIFIER_CACHE_SECONDS"),
        ({"retention": 89}, "89 < 30 \\+ 60"),
        ({"grace": 60}, "SIGNET_REAPER_GRACE_SECONDS"),
        ({"skew": 1}, "100 < 100 \\+ 1"),
    ],
)
def test_a_broken_bound_is_named(changes: dict[str, int], inequality: str) -> None:
    assert BOUNDS.broken() is None
    broken = replace(BOUNDS, **changes).broken()
    assert broken is not None
    assert re.search(inequality, broken)
