"""Keys over the management API: rotated, approved, looked at and revoked (contract, section 4)."""

from typing import Any

import pytest
from tests.support.broker import BOUNDS
from tests.support.canned_provider import answer
from tests.support.management import Answered, Desk

from signet.broker.keyring import Keyring, PublishedKey
from signet.errors import Unavailable

FOREIGN = "k" * 43
NOBODY = f"con_{'a' * 26}"


class Keys:
    """A desk with one connection, and the ways to its keys and to the issuer's."""

    def __init__(self, **members: object) -> None:
        self.desk = Desk()
        self.owner = str(self.desk.connect(**members)["id"])
        self.path = f"/connections/{self.owner}/keys"
        refused = answer({"error": "invalid_grant"}, status=400)
        self.desk.broker.idp.answers["/token"] = lambda _: refused

    @property
    def keyring(self) -> Keyring:
        return self.desk.broker.keyrings.items[self.owner]

    @property
    def next(self) -> PublishedKey:
        assert self.keyring.next is not None
        return self.keyring.next

    def post(self, suffix: str, document: object = None, **how: Any) -> Answered:
        return self.desk.call("POST", f"{self.path}/{suffix}", document, **how)

    def wait(self, seconds: int) -> None:
        self.desk.broker.clock.time += seconds

    def shown(self) -> list[tuple[str, str]]:
        return [(key["kid"], key["state"]) for key in self.desk.call("GET", self.path).json]

    def audited(self) -> list[tuple[str, str, str, str | None]]:
        """Return the writes of the audit since the connection was made."""
        items = self.desk.call("GET", "/events", query="limit=100").json["items"]
        rows = [(i["type"], i["outcome"], i["subject"], i["kid"]) for i in reversed(items)]
        return [row for row in rows if row[0].endswith("Requested") and row[0][:3] in NAMES]


NAMES = {"Rot", "Rev", "App"}


@pytest.fixture
def keys() -> Keys:
    return Keys()


# --- rotating ------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [None, {}, {"immediate": False}], ids=str)
def test_a_rotation_begins_with_202_and_the_keys_as_they_are(keys: Keys, document: object) -> None:
    first = keys.keyring.current.kid
    begun = keys.post("rotate", document)
    assert begun.status == 202
    assert [(key["kid"], key["state"]) for key in begun.json] == [
        (keys.next.kid, "next"),
        (first, "current"),
    ]
    assert keys.shown() == [(keys.next.kid, "next"), (first, "current")]


def test_a_rotation_at_once_has_promoted_already(keys: Keys) -> None:
    first = keys.keyring.current.kid
    begun = keys.post("rotate", {"immediate": True})
    assert begun.status == 202
    assert [key["state"] for key in begun.json] == ["current", "previous"]
    assert begun.json[1]["kid"] == first
    assert begun.json[1]["retires_at"] is not None


def test_nothing_is_promoted_at_once_while_the_previous_key_is_needed(keys: Keys) -> None:
    keys.post("rotate", {"immediate": True})
    before = keys.keyring
    refused = keys.post("rotate", {"immediate": True})
    assert (refused.status, refused.code) == (409, "rotation_refused")
    assert keys.keyring == before


@pytest.mark.parametrize(
    "document",
    [{"immediate": "true"}, {"immediate": 1}, {"immediate": None}, {"at_once": True}],
    ids=str,
)
def test_a_body_that_is_not_one_begins_nothing(keys: Keys, document: object) -> None:
    before = keys.keyring
    refused = keys.post("rotate", document)
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert keys.keyring == before


@pytest.mark.parametrize("document", [[], "x", 1], ids=str)
def test_a_body_that_is_no_object_begins_nothing(keys: Keys, document: object) -> None:
    refused = keys.post("rotate", document)
    assert (refused.status, refused.code) == (400, "invalid_json")
    assert keys.keyring.next is None


def test_a_rotation_is_shown_with_what_holds_it(keys: Keys) -> None:
    keys.post("rotate")
    shown = keys.desk.call("GET", f"{keys.path}/rotation").json
    assert shown == {
        "phase": "announced",
        "next_step": "wait",
        "due_at": "2027-01-15T08:01:40Z",
        "held": "the next key was not published for long enough",
    }


def test_a_repeated_request_rotates_once(keys: Keys) -> None:
    again = {"idempotency-key": "made-up-key"}
    first = keys.post("rotate", {"immediate": True}, headers=again)
    second = keys.post("rotate", {"immediate": True}, headers=again)
    assert (second.status, second.body) == (first.status, first.body) == (202, first.body)
    assert second.headers["idempotency-replayed"] == "true"


# --- approving -----------------------------------------------------------------------------------


def test_a_next_key_is_approved() -> None:
    keys = Keys(key_registration="manual")
    keys.post("rotate")
    kid = keys.next.kid
    approved = keys.post(f"{kid}/approve")
    assert approved.status == 200
    assert keys.next.approved_at == keys.desk.broker.clock.time
    keys.wait(BOUNDS.propagation)
    assert keys.post("rotate").status == 202
    assert keys.keyring.current.kid == kid


def test_only_a_next_key_is_approved(keys: Keys) -> None:
    keys.post("rotate")
    before = keys.keyring
    refused = keys.post(f"{before.current.kid}/approve")
    assert (refused.status, refused.code) == (409, "rotation_refused")
    assert keys.post(f"{FOREIGN}/approve").code == "not_found"
    assert keys.keyring == before


# --- revoking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["next", "current", "previous"])
def test_a_preview_tells_and_changes_nothing(keys: Keys, state: str) -> None:
    keys.post("rotate", {"immediate": state == "previous"})
    key = getattr(keys.keyring, state)
    before, made = keys.keyring, len(keys.desk.broker.kms.keys)
    told = keys.post(f"{key.kid}/revoke", query="preview=true")
    assert told.status == 200
    assert (told.json["kid"], told.json["state"]) == (key.kid, state)
    assert told.json["text"]
    assert keys.keyring == before
    assert len(keys.desk.broker.kms.keys) == made
    assert not keys.desk.broker.kms.disabled


def test_a_preview_leaves_its_idempotency_key_for_the_revocation(keys: Keys) -> None:
    kid, again = keys.keyring.current.kid, {"idempotency-key": "made-up-key"}
    keys.post(f"{kid}/revoke", query="preview=true", headers=again)
    keys.post(f"{kid}/revoke", headers=again)
    assert keys.keyring.current.kid != kid


@pytest.mark.parametrize("query", ["preview=yes", "preview=True", "preview=1", "really=true"])
def test_a_question_that_is_not_one_revokes_nothing(keys: Keys, query: str) -> None:
    before = keys.keyring
    refused = keys.post(f"{before.current.kid}/revoke", query=query)
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert keys.keyring == before


@pytest.mark.parametrize("query", ["", "preview=false"])
def test_a_revoked_key_leaves_and_a_fresh_one_signs(keys: Keys, query: str) -> None:
    first = keys.keyring.current
    revoked = keys.post(f"{first.kid}/revoke", query=query)
    assert revoked.status == 200
    assert [(key["kid"], key["state"]) for key in revoked.json] == [
        (keys.keyring.current.kid, "current"),
        (first.kid, "revoked"),
    ]
    assert first.key_id in keys.desk.broker.kms.disabled
    again = keys.post(f"{first.kid}/revoke")
    assert (again.status, again.json) == (200, revoked.json)


def test_a_key_of_another_connection_is_not_found(keys: Keys) -> None:
    other = str(keys.desk.connect("other")["id"])
    kid = keys.desk.broker.keyrings.items[other].current.kid
    for suffix, query in (("revoke", ""), ("revoke", "preview=true"), ("approve", "")):
        refused = keys.post(f"{kid}/{suffix}", query=query)
        assert (refused.status, refused.code) == (404, "not_found")
    assert not keys.desk.broker.kms.disabled


@pytest.mark.parametrize("owner", [NOBODY, "issuer", "con_x"])
def test_keys_of_nobody_are_not_found(keys: Keys, owner: str) -> None:
    kid = keys.keyring.current.kid
    for method, suffix in (
        ("GET", ""),
        ("GET", "/rotation"),
        ("POST", "/rotate"),
        ("POST", f"/{kid}/approve"),
        ("POST", f"/{kid}/revoke"),
    ):
        refused = keys.desk.call(method, f"/connections/{owner}/keys{suffix}")
        assert (refused.status, refused.code) == (404, "not_found")
    assert not keys.desk.broker.keyrings.events


def test_keys_of_a_removed_connection_are_not_found(keys: Keys) -> None:
    kid = keys.keyring.current.kid
    keys.desk.call("DELETE", f"/connections/{keys.owner}")
    for suffix in ("rotate", f"{kid}/approve", f"{kid}/revoke"):
        assert keys.post(suffix).code == "not_found"


# --- who may, and what the audit says ------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "scope"),
    [("rotate", "keys:rotate"), ("{kid}/approve", "keys:rotate"), ("{kid}/revoke", "keys:revoke")],
)
def test_each_change_needs_its_own_scope(keys: Keys, suffix: str, scope: str) -> None:
    keys.post("rotate")
    before = keys.keyring
    path = suffix.format(kid=keys.next.kid)
    others = {"keys:read", "keys:rotate", "keys:revoke", "connections:write"} - {scope}
    assert keys.post(path, token=f"admin2 {' '.join(others)}").code == "insufficient_scope"
    assert keys.keyring == before
    assert keys.post(path, token=f"admin2 {scope}").status in {200, 202}


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        ("rotate", "RotationRequested"),
        ("{kid}/approve", "ApprovalRequested"),
        ("{kid}/revoke", "RevocationRequested"),
    ],
)
def test_a_change_is_recorded_before_it_is_made_and_when_it_was(
    keys: Keys, suffix: str, kind: str
) -> None:
    keys.post("rotate")
    kid = keys.next.kid
    path, named = suffix.format(kid=kid), kid if "kid" in suffix else None
    earlier = len(keys.audited())
    keys.post(path)
    assert keys.audited()[earlier:] == [
        (kind, "started", keys.owner, named),
        (kind, "success", keys.owner, named),
    ]


@pytest.mark.parametrize("suffix", ["rotate", "{kid}/approve", "{kid}/revoke"])
def test_what_cannot_be_recorded_is_not_done(keys: Keys, suffix: str) -> None:
    keys.post("rotate")
    before = keys.keyring

    def down(*_: object) -> None:
        raise Unavailable("store_unavailable", "The service is not available now.")

    keys.desk.log.record = down  # type: ignore[method-assign]
    refused = keys.post(suffix.format(kid=before.next.kid if before.next else ""))
    assert (refused.status, refused.code) == (503, "store_unavailable")
    assert keys.keyring == before
    assert not keys.desk.broker.kms.disabled


def test_a_preview_is_told_from_a_revocation(keys: Keys) -> None:
    kid = keys.keyring.current.kid
    for query in ("preview=true", ""):
        keys.post(f"{kid}/revoke", query=query)
    items = keys.desk.call("GET", "/events", query="limit=100").json["items"][::-1]
    previews = [i["detail"].get("preview") for i in items if i["type"] == "RevocationRequested"]
    assert previews == ["true", "true", None, None]


def test_a_change_that_is_refused_is_recorded_as_one(keys: Keys) -> None:
    keys.post(f"{FOREIGN}/revoke")
    assert keys.audited() == [
        ("RevocationRequested", "started", keys.owner, FOREIGN),
        ("RevocationRequested", "failure", keys.owner, FOREIGN),
    ]


# --- the issuer's own ----------------------------------------------------------------------------


def test_the_issuers_keys_are_managed_beside_the_connections(keys: Keys) -> None:
    desk, before = keys.desk, keys.keyring
    (first,) = desk.call("GET", "/issuer/keys").json
    begun = desk.call("POST", "/issuer/keys/rotate")
    assert begun.status == 202
    assert [key["state"] for key in begun.json] == ["next", "current"]
    assert desk.call("GET", "/issuer/keys/rotation").json["phase"] == "announced"
    told = desk.call("POST", f"/issuer/keys/{first['kid']}/revoke", query="preview=true")
    assert told.json["takes_over"] == "next"
    revoked = desk.call("POST", f"/issuer/keys/{first['kid']}/revoke")
    assert [key["state"] for key in revoked.json] == ["current", "revoked"]
    assert desk.call("POST", f"/issuer/keys/{FOREIGN}/revoke").code == "not_found"
    assert keys.keyring == before
    assert [row[:3] for row in keys.audited()[:4]] == [
        ("RotationRequested", "started", "issuer"),
        ("RotationRequested", "success", "issuer"),
        ("RevocationRequested", "started", "issuer"),
        ("RevocationRequested", "success", "issuer"),
    ]


def test_nobody_has_to_approve_the_issuers_keys(keys: Keys) -> None:
    keys.desk.call("POST", "/issuer/keys/rotate")
    kid = keys.desk.call("GET", "/issuer/keys").json[0]["kid"]
    assert keys.desk.call("POST", f"/issuer/keys/{kid}/approve").code == "not_found"


# --- the census ----------------------------------------------------------------------------------


def test_the_census_adds_up(keys: Keys) -> None:
    keys.post("rotate")
    keys.post(f"{keys.keyring.current.kid}/revoke")
    counted = keys.desk.call("GET", "/keys/census")
    assert counted.status == 200
    assert counted.json == {
        "taken_at": "2027-01-15T08:00:00Z",
        "complete": True,
        "tagged": 2,
        "referenced": 1,
        "unusable": 0,
        "revoked": 1,
        "within_grace": 0,
        "leaving": 0,
        "pending_deletion": 0,
        "orphans": 0,
    }
