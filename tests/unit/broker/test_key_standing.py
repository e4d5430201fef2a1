"""Whose a KMS key is, and what it is to the one record that may refer to it."""

from dataclasses import replace

import pytest
from tests.support.broker import BOUNDS

from signet.broker.key_standing import Standing, owner_of, standing
from signet.broker.keyring import FormerKey, Keyring, PublishedKey
from signet.broker.ports import KmsKey

NOW = 1_800_000_000
OWNER = "con_" + "a" * 26
LONG_AGO = NOW - 10 * 86_400
OURS = {
    "signet:stack": "test",
    "signet:purpose": "connection",
    "signet:connection": OWNER,
    "signet:operation": "register",
}


def kms_key(key_id: str = "key", *, created_at: int = LONG_AGO, state: str = "enabled") -> KmsKey:
    return KmsKey(key_id=key_id, created_at=created_at, state=state, tags=OURS)


def published(key_id: str) -> PublishedKey:
    return PublishedKey(
        kid=f"kid-{key_id}",
        key_id=key_id,
        alg="ES256",
        jwk={},
        created_at=LONG_AGO,
        published_at=LONG_AGO,
    )


KEYRING = Keyring(
    owner=OWNER,
    version=1,
    next=published("next"),
    current=published("current"),
    previous=published("previous"),
    revoked=(
        FormerKey(
            kid="kid-revoked",
            key_id="revoked",
            alg="ES256",
            created_at=LONG_AGO,
            published_at=LONG_AGO,
            activated_at=None,
            left_at=LONG_AGO,
        ),
    ),
)


def judge(key: KmsKey, keyring: Keyring | None = KEYRING, *, now: int = NOW) -> Standing:
    return standing(key, keyring, bounds=BOUNDS, now=now)


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        (OURS, OWNER),
        ({**OURS, "signet:purpose": "issuer"}, "issuer"),
        ({**OURS, "signet:stack": "another"}, None),
        ({**OURS, "signet:stack": "TEST"}, None),
        ({**OURS, "signet:purpose": "audit"}, None),
        ({name: value for name, value in OURS.items() if name != "signet:stack"}, None),
        ({name: value for name, value in OURS.items() if name != "signet:purpose"}, None),
        ({name: value for name, value in OURS.items() if name != "signet:connection"}, None),
        ({}, None),
    ],
)
def test_a_key_is_ours_by_its_tags_alone(tags: dict[str, str], owner: str | None) -> None:
    assert owner_of(replace(kms_key(), tags=tags), stack="test") == owner


@pytest.mark.parametrize("key_id", ["next", "current", "previous"])
@pytest.mark.parametrize("state", ["enabled", "disabled", "pending_deletion"])
def test_a_published_key_is_referenced_in_whatever_state_it_is(key_id: str, state: str) -> None:
    assert judge(kms_key(key_id, state=state)) is Standing.REFERENCED


@pytest.mark.parametrize("created_at", [LONG_AGO, NOW])
def test_a_revoked_key_is_revoked_at_any_age(created_at: int) -> None:
    assert judge(kms_key("revoked", created_at=created_at)) is Standing.REVOKED


@pytest.mark.parametrize("keyring", [KEYRING, None], ids=["a record", "no record"])
@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, Standing.WITHIN_GRACE),
        (BOUNDS.grace, Standing.WITHIN_GRACE),
        (BOUNDS.grace + 1, Standing.UNREFERENCED),
    ],
)
def test_a_key_that_nothing_refers_to_is_left_alone_for_g(
    keyring: Keyring | None, age: int, expected: Standing
) -> None:
    assert judge(kms_key("other", created_at=NOW - age), keyring) is expected


@pytest.mark.parametrize("key_id", ["revoked", "other"])
def test_what_is_about_to_be_deleted_is_that(key_id: str) -> None:
    key = kms_key(key_id, state="pending_deletion")
    assert judge(key) is Standing.PENDING_DELETION
    assert judge(key, None) is Standing.PENDING_DELETION


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (0, Standing.REFERENCED),
        (BOUNDS.retention, Standing.REFERENCED),
        (BOUNDS.retention + 1, Standing.UNREFERENCED),
    ],
)
def test_the_keys_of_a_removed_owner_are_kept_for_r(since: int, expected: Standing) -> None:
    removed = replace(KEYRING, deleted_at=NOW - since)
    assert judge(kms_key("current"), removed) is expected


def test_the_keys_of_a_removed_owner_are_about_to_be_deleted_as_they_should_be() -> None:
    removed = replace(KEYRING, deleted_at=NOW)
    key = kms_key("current", state="pending_deletion")
    assert judge(key, removed) is Standing.PENDING_DELETION


def test_a_key_of_another_owners_record_is_not_this_ones() -> None:
    """Each key has one owner; the record of any other one says nothing about it."""
    other = Keyring(owner="con_" + "b" * 26, version=1, current=published("theirs"))
    assert judge(kms_key("current"), other) is Standing.UNREFERENCED
