"""Keys as administrators manage them: begin, confirm, look at what would break, and revoke."""

from collections.abc import Callable
from itertools import count

import pytest
from tests.support.broker import BOUNDS
from tests.support.interference import (
    AFTER,
    BEFORE,
    MOMENTS,
    Crashed,
    Interference,
    crash,
    lose_the_answer,
)
from tests.support.rotating import Rotating, managed_keys

from signet.broker.keyring import ISSUER
from signet.broker.managed_keys import ManagedKeys
from signet.broker.rotator import Rotator
from signet.errors import Misconfigured, Rejected, Unavailable

P, R, C, S = BOUNDS.propagation, BOUNDS.retention, BOUNDS.verifier_cache, BOUNDS.signer_cache
NOBODY = f"con_{'a' * 26}"
FOREIGN = "k" * 43


@pytest.fixture
def rotating() -> Rotating:
    return Rotating()


@pytest.fixture
def manual() -> Rotating:
    return Rotating(key_registration="manual")


def managed(rotating: Rotating, rotator: Rotator | None = None) -> ManagedKeys:
    return managed_keys(rotating.broker, rotator or rotating.rotator)


def revoke(rotating: Rotating, kid: str, interference: Interference | None = None) -> None:
    rotator = rotating.interfered(interference) if interference is not None else None
    managed(rotating, rotator).revoke(rotating.owner, kid, actor="admin")


# --- reading, rotating, approving ----------------------------------------------------------------


def test_who_has_no_keys_is_not_found(rotating: Rotating) -> None:
    keys = managed(rotating)
    rotating.promote()
    removed = rotating.owner
    kid = rotating.keyring.current.kid
    rotating.broker.connections.remove(rotating.connection, now=rotating.now)
    for owner in (removed, NOBODY):
        for act in (
            lambda owner=owner: keys.keyring(owner),
            lambda owner=owner: keys.state(owner),
            lambda owner=owner: keys.rotate(owner, actor="admin", immediate=False),
            lambda owner=owner: keys.rotate(owner, actor="admin", immediate=True),
            lambda owner=owner: keys.approve(owner, kid, actor="admin"),
            lambda owner=owner: keys.preview(owner, kid),
            lambda owner=owner: keys.revoke(owner, kid, actor="admin"),
        ):
            with pytest.raises(Rejected, match="not_found"):
                act()
    assert not rotating.broker.kms.disabled


def test_a_key_that_is_not_there_is_not_found(rotating: Rotating) -> None:
    keys = managed(rotating)
    for act in (
        lambda: keys.approve(rotating.owner, FOREIGN, actor="admin"),
        lambda: keys.preview(rotating.owner, FOREIGN),
        lambda: keys.revoke(rotating.owner, FOREIGN, actor="admin"),
    ):
        with pytest.raises(Rejected, match="not_found"):
            act()
    assert not rotating.kinds()


def test_a_rotation_begins_before_its_time_by_order(rotating: Rotating) -> None:
    keyring = managed(rotating).rotate(rotating.owner, actor="admin", immediate=False)
    assert keyring == rotating.keyring
    assert keyring.current == rotating.first
    assert keyring.next is not None


def test_the_state_says_what_comes_next_and_when(rotating: Rotating) -> None:
    keys = managed(rotating)

    def state() -> tuple[str, str, bool, str | None]:
        found = keys.state(rotating.owner)
        return found.phase, found.next_step, found.due_at is not None, found.held

    assert state() == ("steady", "wait", True, None)
    rotating.announce()
    assert state() == ("announced", "wait", True, "the next key was not published for long enough")
    rotating.wait(P)
    assert state() == ("announced", "probe", True, "the provider was not asked yet")
    rotating.provider_says("invalid_client")
    rotating.rotator.step(rotating.owner)
    assert state() == ("held", "wait", True, "the provider does not know the next key yet")
    rotating.provider_says("invalid_grant")
    rotating.wait(P)
    rotating.rotator.step(rotating.owner)
    assert state() == ("overlap", "wait", True, "what the previous key signed may still be valid")


def test_an_approved_key_takes_over_once_p_is_over(manual: Rotating) -> None:
    following = manual.announce().next
    keys = managed(manual)
    assert keys.approve(manual.owner, following.kid, actor="admin").current == manual.first
    manual.wait(P)
    assert keys.approve(manual.owner, following.kid, actor="admin").current.kid == following.kid


# --- what would break ----------------------------------------------------------------------------


def radius(rotating: Rotating, kid: str) -> tuple[str, str | None, bool, int | None]:
    before, signatures = rotating.keyring, rotating.broker.kms.signatures
    found = managed(rotating).preview(rotating.owner, kid)
    assert found.kid == kid
    assert found.text
    assert rotating.keyring == before
    assert rotating.broker.kms.signatures == signatures
    assert not rotating.broker.kms.disabled
    return found.state, found.takes_over, found.logins_fail, found.seconds


def test_without_the_current_key_logins_wait_for_the_verifiers_cache(rotating: Rotating) -> None:
    assert radius(rotating, rotating.first.kid) == ("current", "new", True, C)


def test_a_next_key_that_is_published_shortens_the_wait(rotating: Rotating) -> None:
    rotating.announce()
    rotating.wait(40)
    assert radius(rotating, rotating.first.kid) == ("current", "next", True, C - 40)
    rotating.wait(C)
    assert radius(rotating, rotating.first.kid) == ("current", "next", True, S)


def test_a_next_key_that_the_provider_refused_makes_no_promise(rotating: Rotating) -> None:
    rotating.announce()
    rotating.provider_says("invalid_client")
    rotating.wait(P)
    rotating.rotator.step(rotating.owner)
    assert radius(rotating, rotating.first.kid) == ("current", "next", True, None)


def test_an_administrators_word_counts_for_more_than_an_old_refusal(manual: Rotating) -> None:
    following = manual.announce().next
    manual.keep_answer("refused")
    assert radius(manual, manual.first.kid) == ("current", "next", True, None)
    managed(manual).approve(manual.owner, following.kid, actor="admin")
    assert radius(manual, manual.first.kid) == ("current", "next", True, C)


def test_a_next_key_that_the_provider_accepted_leaves_the_signers_cache(
    manual: Rotating,
) -> None:
    manual.announce()
    manual.keep_answer("accepted")
    assert radius(manual, manual.first.kid) == ("current", "next", True, S)


def test_without_the_previous_key_late_signers_fail(rotating: Rotating) -> None:
    rotating.promote()
    assert radius(rotating, rotating.first.kid) == ("previous", None, True, S)


def test_a_key_by_hand_has_to_be_entered_first(manual: Rotating) -> None:
    assert radius(manual, manual.first.kid) == ("current", "new", True, None)
    following = manual.announce().next
    assert radius(manual, manual.first.kid) == ("current", "next", True, None)
    managed(manual).approve(manual.owner, following.kid, actor="admin")
    assert radius(manual, manual.first.kid) == ("current", "next", True, C)


def test_without_the_next_key_no_login_fails(rotating: Rotating) -> None:
    kid = rotating.announce().next.kid
    assert radius(rotating, kid) == ("next", None, False, 0)


def test_the_issuers_keys_are_checked_by_apps(rotating: Rotating) -> None:
    keys = managed(rotating)
    found = keys.preview(ISSUER, keys.keyring(ISSUER).current.kid)
    assert (found.state, found.seconds) == ("current", C)
    assert "apps refuse tokens" in found.text


# --- revoking ------------------------------------------------------------------------------------


def test_a_revoked_current_key_is_followed_by_a_fresh_one_at_once(rotating: Rotating) -> None:
    revoke(rotating, rotating.first.kid)
    keyring = rotating.keyring
    assert keyring.current.kid != rotating.first.kid
    assert keyring.current.activated_at == keyring.current.published_at == rotating.now
    assert keyring.published() == (keyring.current,)
    assert [former.kid for former in keyring.revoked] == [rotating.first.kid]
    assert rotating.broker.kms.disabled == {rotating.first.key_id}
    assert not rotating.broker.kms.scheduled, "who looks into it may need the key"


def test_a_revoked_current_key_is_followed_by_the_next_one(rotating: Rotating) -> None:
    following = rotating.announce().next
    keys = len(rotating.broker.kms.keys)
    revoke(rotating, rotating.first.kid)
    assert rotating.keyring.published() == (rotating.keyring.current,)
    assert rotating.keyring.current.kid == following.kid
    assert len(rotating.broker.kms.keys) == keys


def test_a_next_key_that_cannot_sign_takes_over_from_nothing(rotating: Rotating) -> None:
    following = rotating.announce().next
    rotating.broker.kms.disabled.add(following.key_id)
    revoke(rotating, rotating.first.kid)
    keyring = rotating.keyring
    assert keyring.current.kid not in {rotating.first.kid, following.kid}
    assert {former.kid for former in keyring.revoked} == {rotating.first.kid, following.kid}
    rotating.check_every_published_key_signs()


@pytest.mark.parametrize(
    ("begin", "state"), [(Rotating.announce, "next"), (Rotating.promote, "previous")]
)
def test_another_key_is_revoked_and_the_current_one_goes_on(
    rotating: Rotating, begin: Callable[[Rotating], object], state: str
) -> None:
    begin(rotating)
    before = rotating.keyring
    key = getattr(before, state)
    revoke(rotating, key.kid)
    assert rotating.keyring.published() == (before.current,)
    assert rotating.broker.kms.disabled == {key.key_id}
    assert rotating.kinds()[-1] == "KeyRevoked"


def test_what_a_revocation_breaks_stands_in_the_audit(rotating: Rotating) -> None:
    text = managed(rotating).preview(rotating.owner, rotating.first.kid).text
    revoke(rotating, rotating.first.kid)
    revoked, promoted = rotating.broker.keyrings.events
    assert (revoked.type, revoked.kid, revoked.actor) == (
        "KeyRevoked", rotating.first.kid, "admin",
    )  # fmt: skip
    assert revoked.detail["reason"] == text
    assert (promoted.type, promoted.kid) == ("KeyPromoted", rotating.keyring.current.kid)
    assert [revoked, promoted] == rotating.broker.audit.published


def test_revoking_again_changes_nothing_more(rotating: Rotating) -> None:
    revoke(rotating, rotating.first.kid)
    once, keys = rotating.keyring, len(rotating.broker.kms.keys)
    for _ in range(3):
        revoke(rotating, rotating.first.kid)
    assert rotating.keyring == once
    assert len(rotating.broker.kms.keys) == keys


def test_a_key_that_was_not_disabled_is_disabled_when_it_is_revoked_again(
    rotating: Rotating,
) -> None:
    failing = Interference("disable_key", BEFORE, lose_the_answer)
    with pytest.raises(Unavailable):
        revoke(rotating, rotating.first.kid, failing)
    assert rotating.first.kid not in rotating.keyring.jwks().decode()
    assert not rotating.broker.kms.disabled
    revoke(rotating, rotating.first.kid)
    assert rotating.broker.kms.disabled == {rotating.first.key_id}


def test_nothing_is_taken_away_before_its_follower_is_there(rotating: Rotating) -> None:
    kms = rotating.broker.kms
    other = kms.public_key(rotating.first.key_id)
    kms.public_key = lambda _: other
    with pytest.raises(Misconfigured, match="key_not_proved"):
        revoke(rotating, rotating.first.kid)
    assert rotating.keyring.current == rotating.first
    assert not kms.disabled


def test_every_revoked_key_is_kept_and_never_published_again(rotating: Rotating) -> None:
    revoked = []
    for _ in range(12):
        revoked.append(rotating.keyring.current)
        revoke(rotating, rotating.keyring.current.kid)
    assert [former.kid for former in rotating.keyring.revoked] == [key.kid for key in revoked]
    kms = rotating.broker.kms
    kms.disabled.clear()
    for key in (revoked[0], revoked[-1]):
        kms.create_key = lambda key=key, **_: key.key_id
        with pytest.raises(Rejected, match="published before"):
            rotating.rotator.step(rotating.owner, requested=True)
        with pytest.raises(Rejected, match="published before"):
            revoke(rotating, rotating.keyring.current.kid)
    assert not {key.kid for key in revoked} & {key.kid for key in rotating.keyring.published()}


def test_a_revocation_that_was_overtaken_is_made_from_what_is_there_then(
    rotating: Rotating,
) -> None:
    other = Interference("replace", BEFORE, rotating.announce)
    revoke(rotating, rotating.first.kid, other)
    assert rotating.kinds() == ["KeyAnnounced", "KeyRevoked", "KeyPromoted"]
    assert len(rotating.broker.kms.scheduled) == 1, "the key that was made for nothing"
    assert not rotating.leaked()
    rotating.check_every_published_key_signs()


def test_a_follower_that_others_went_on_with_is_not_given_up(rotating: Rotating) -> None:
    def gone_on_with() -> None:
        rotating.announce()
        lose_the_answer()

    other = Interference("replace", AFTER, gone_on_with)
    revoke(rotating, rotating.first.kid, other)
    assert rotating.keyring.current.kid != rotating.first.kid
    rotating.check_every_published_key_signs()
    assert rotating.kinds().count("KeyRevoked") == rotating.published().count("KeyRevoked") == 1


def test_somebody_who_is_always_overtaken_is_told_that_it_is_busy(rotating: Rotating) -> None:
    rotating.broker.keyrings.replace = lambda *_: False
    with pytest.raises(Unavailable, match="busy"):
        revoke(rotating, rotating.first.kid)
    assert not rotating.leaked()
    rotating.check_every_published_key_signs()


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("fault", [crash, lose_the_answer])
@pytest.mark.parametrize("begin", [lambda _: None, Rotating.announce], ids=["new", "next"])
def test_a_revocation_that_fails_at_any_call_is_completed_by_another(
    begin: Callable[[Rotating], object], fault: Callable[[], None], moment: str
) -> None:
    for call in count(1):
        rotating = Rotating()
        begin(rotating)
        failing = Interference(call, moment, fault)
        try:
            revoke(rotating, rotating.first.kid, failing)
        except (Crashed, Unavailable):
            rotating.check_every_published_key_signs()
            revoke(rotating, rotating.first.kid)
        assert rotating.kinds().count("KeyRevoked") == 1, f"failed at call {call}"
        assert rotating.first.key_id in rotating.broker.kms.disabled, f"failed at call {call}"
        assert rotating.first.kid not in rotating.keyring.jwks().decode()
        rotating.check_every_published_key_signs()
        rotating.wait(BOUNDS.grace + 1)
        rotating.reap()
        assert not rotating.leaked(), f"failed at call {call}"
        if not failing.happened:
            break
    assert call > 5


def test_the_issuers_key_is_revoked_as_any_other(rotating: Rotating) -> None:
    keys = managed(rotating)
    first = keys.keyring(ISSUER).current
    keyring = keys.revoke(ISSUER, first.kid, actor="admin")
    assert keyring.current.kid != first.kid
    assert keyring.current.alg == first.alg
    assert first.key_id in rotating.broker.kms.disabled
