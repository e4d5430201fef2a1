"""Administrators, sweeps, the reaper and faults in any order: what holds of keys after each act."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.broker import BOUNDS
from tests.support.canned_provider import answer
from tests.support.interference import MOMENTS, Crashed, Interference, crash, lose_the_answer
from tests.support.management import Answered, Desk
from tests.support.rotating import interfered, managed_keys

from signet.broker.census import Count
from signet.broker.event import Event
from signet.broker.keyring import ISSUER, Keyring
from signet.broker.rotator import Rotator
from signet.broker.signing import publishable_key
from signet.errors import Unavailable
from signet.jose.algorithms import algorithm
from signet.jose.jws import read_unverified
from signet.oauth.http_message import HttpAnswer, HttpRequest

FOREIGN = "k" * 43
FOLLOWS = "it follows a revoked key"
LOOKS, LOOKS_AWAY, DOWN = "looks", "looks away", "down"

OWNERS = st.sampled_from(["acme", "manual", ISSUER])
STATES = st.sampled_from(["next", "current", "previous", "revoked", "foreign"])
CALLS = st.sampled_from(["replace", "create_key", "disable_key"]) | st.integers(1, 12)
FAULTS = st.none() | st.builds(
    Interference, CALLS, st.sampled_from(MOMENTS), st.sampled_from([crash, lose_the_answer])
)
ACTS = st.sampled_from([
    ("rotate", "", {}),
    ("rotate", "", {"immediate": True}),
    ("approve", "next", None),
    ("revoke", "current", None),
    ("revoke", "next", None),
])  # fmt: skip
Act = tuple[str, str, dict[str, bool] | None]


class Keys(RuleBasedStateMachine):
    """Two connections and the issuer; one connection's keys are entered at its provider by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.broker = self.desk.broker
        self.owners = {
            "acme": str(self.desk.connect("acme")["id"]),
            "manual": str(self.desk.connect("manual", key_registration="manual")["id"]),
            ISSUER: ISSUER,
        }
        self._make_the_issuers_key_a_quick_one()
        self.fetched: set[str] = set()
        self.mood = LOOKS
        self.broker.idp.answers["/token"] = self._provider
        self.disabled_by_hand: set[str] = set()
        self.seen = dict(self.broker.keyrings.items)
        self.shown: dict[str, Keyring | None] = dict.fromkeys(self.owners)
        self.told = len(self.broker.keyrings.events)
        self.ever: dict[str, str] = {}
        self._note_births()

    def _make_the_issuers_key_a_quick_one(self) -> None:
        """RSA keys take a tenth of a second each, and a new key has the algorithm of the old."""
        keyrings, kms = self.broker.keyrings.items, self.broker.kms
        key = publishable_key(
            kms,
            key_id=kms.create_key(algorithm=algorithm("ES256"), tags={}),
            alg="ES256",
            challenge="challenge",
            now=self.broker.clock.time,
        )
        keyrings[ISSUER] = replace(keyrings[ISSUER], current=key)

    def _provider(self, request: HttpRequest) -> HttpAnswer:
        if self.mood == DOWN:
            return answer({}, status=503)
        kid = read_unverified((request.form or {})["client_assertion"]).header["kid"]
        if self.mood == LOOKS and kid not in self.fetched:
            return answer({"error": "invalid_client"}, status=401)
        error = "invalid_grant" if self.mood == LOOKS else "invalid_request"
        return answer({"error": error}, status=400)

    # --- the world --------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 30, 61, 100, 200, 1_000]))
    def time_passes(self, seconds: int) -> None:
        self._note_births()
        self.broker.clock.time += seconds
        self.broker.limits.taken.clear()

    @rule()
    def the_provider_fetches_the_jwks(self) -> None:
        self.fetched = {key.kid for keyring in self._keyrings() for key in keyring.published()}

    @rule(mood=st.sampled_from([LOOKS, LOOKS_AWAY, DOWN]))
    def the_provider_is(self, mood: str) -> None:
        self.mood = mood

    @rule(owner=OWNERS)
    def somebody_disables_the_next_key_in_the_console(self, owner: str) -> None:
        following = self._keyring(owner).next
        if following is not None:
            self.broker.kms.disabled.add(following.key_id)
            self.disabled_by_hand.add(following.key_id)

    # --- what runs by itself ----------------------------------------------------------------

    @rule(fault=FAULTS, turned=st.booleans(), times=st.integers(1, 2))
    def a_tick(self, fault: Interference | None, times: int, *, turned: bool) -> None:
        """Sweep, and make the steps in any order, once or again."""
        requests = self.broker.requests.owners
        requests.clear()
        with self._failing(fault) as rotator:
            rotator.sweep()
            for owner in list(reversed(requests) if turned else requests) * times:
                with self._failing(fault):
                    rotator.step(owner)

    @rule(owner=OWNERS, fault=FAULTS)
    def a_late_request_for_a_step(self, owner: str, fault: Interference | None) -> None:
        with self._failing(fault) as rotator:
            rotator.step(self.owners[owner])

    @rule(owner=OWNERS, fault=FAULTS)
    def a_login_is_refused(self, owner: str, fault: Interference | None) -> None:
        with self._failing(fault) as rotator:
            rotator.refused(self.owners[owner], self._keyring(owner).current.kid)

    @rule()
    def the_reaper_runs(self) -> None:
        self._note_births()
        self.broker.reaper.run(None)

    # --- administrators ---------------------------------------------------------------------

    @rule()
    def every_rotation_begins(self) -> None:
        for owner in self.owners:
            self._post(owner, "rotate")

    @rule(owner=OWNERS, immediate=st.booleans(), fault=FAULTS)
    def rotate(self, owner: str, fault: Interference | None, *, immediate: bool) -> None:
        before = self._keyring(owner)
        answered = self._post(owner, "rotate", {"immediate": immediate}, fault=fault)
        if answered.status == 409:
            assert immediate
            assert before.previous is not None

    @rule(owner=OWNERS, state=STATES, fault=FAULTS)
    def approve(self, owner: str, state: str, fault: Interference | None) -> None:
        kid = self._kid(owner, state)
        answered = self._post(owner, f"{kid}/approve", fault=fault)
        if answered.status == 200:
            assert state == "next"

    @rule(owner=OWNERS, state=STATES)
    def preview(self, owner: str, state: str) -> None:
        before = dict(self.broker.keyrings.items), len(self.broker.kms.keys)
        kid = self._kid(owner, state)
        known = kid in {key.kid for key in self._keyring(owner).published()}
        answered = self._post(owner, f"{kid}/revoke", query="preview=true")
        assert answered.status == (200 if known else 404)
        assert (dict(self.broker.keyrings.items), len(self.broker.kms.keys)) == before

    @rule(owner=OWNERS, state=STATES, fault=FAULTS)
    def revoke(self, owner: str, state: str, fault: Interference | None) -> None:
        kid = self._kid(owner, state)
        answered = self._post(owner, f"{kid}/revoke", fault=fault)
        if answered.status == 200:
            keyring = self._keyring(owner)
            (former,) = [key for key in keyring.revoked if key.kid == kid]
            assert former.key_id in self.broker.kms.disabled

    @rule(
        owner=OWNERS,
        first=ACTS,
        second=ACTS,
        call=CALLS,
        moment=st.sampled_from(MOMENTS),
        lost=st.booleans(),
    )
    def two_at_once(
        self, owner: str, first: Act, second: Act, call: int | str, moment: str, *, lost: bool
    ) -> None:
        """Let one of two act in the middle of what the other does, who may miss an answer too."""

        def meanwhile() -> None:
            self._do(owner, second)
            if lost:
                lose_the_answer()

        leaked = self._leaked()
        self._do(owner, first, Interference(call, moment, meanwhile))
        assert lost or self._leaked() == leaked

    def _do(self, owner: str, act: Act, meanwhile: Interference | None = None) -> None:
        kind, state, document = act
        kid = f"{self._kid(owner, state)}/" if state else ""
        answered = self._post(owner, f"{kid}{kind}", document, fault=meanwhile)
        assert answered.status != 500 or self.disabled_by_hand

    def _leaked(self) -> set[str]:
        """Return keys that sign and that no record ever knew."""
        keyrings, kms = self._keyrings(), self.broker.kms
        known = {k.key_id for r in keyrings for k in (*r.published(), *r.retired, *r.revoked)}
        tagged = {key_id for key_id, tags in kms.tags.items() if "signet:stack" in tags}
        return tagged - known - kms.disabled - kms.scheduled

    def _post(
        self,
        owner: str,
        suffix: str,
        document: object = None,
        *,
        query: str = "",
        fault: Interference | None = None,
    ) -> Answered:
        """Make a request, in which something may fail: nothing else may fail then."""
        whole = self.desk.api
        if fault is not None:
            keys = managed_keys(self.broker, interfered(self.broker, fault))
            self.desk.api = replace(whole, keys=keys)
        path = f"{self._path(owner)}/keys/{suffix}"
        answered = self.desk.call("POST", path, document, query=query)
        self.desk.api = whole
        failed = fault is not None and fault.happened
        assert answered.status < 500 or failed or self.disabled_by_hand, answered.body
        return answered

    @contextmanager
    def _failing(self, fault: Interference | None) -> Iterator[Rotator]:
        """Give a rotator, and take what it raises for the fault that is in its ports."""
        rotator = interfered(self.broker, fault) if fault is not None else self.broker.rotator
        try:
            yield rotator
        except (Crashed, Unavailable):
            assert fault is not None
            assert fault.happened

    # --- what holds -------------------------------------------------------------------------

    @invariant()
    def one_key_signs_and_everybody_can_find_it(self) -> None:
        for keyring in self._keyrings():
            kids = [key.kid for key in keyring.published()]
            assert keyring.current.kid in kids
            assert len(set(kids)) == len(kids)
            assert all(kid.encode() in keyring.jwks() for kid in kids)
        for owner, shown in self.shown.items():
            if shown is not self._keyring(owner):
                listed = self.desk.call("GET", f"{self._path(owner)}/keys").json
                assert [key["state"] for key in listed].count("current") == 1
                self.shown[owner] = self._keyring(owner)

    @invariant()
    def what_is_published_signs(self) -> None:
        gone = self.broker.kms.disabled | self.broker.kms.scheduled
        for keyring in self._keyrings():
            assert keyring.current.key_id not in gone
            assert {k.key_id for k in keyring.published()} & gone <= self.disabled_by_hand

    @invariant()
    def no_key_is_shared_and_none_comes_back(self) -> None:
        published: list[str] = []
        for keyring in self._keyrings():
            keys = keyring.published()
            published += [key.key_id for key in keys]
            left = {key.kid for key in (*keyring.retired, *keyring.revoked)}
            assert not left & {key.kid for key in keys}
            for name in (name for key in keys for name in (key.kid, key.key_id)):
                assert self.ever.setdefault(name, keyring.owner) == keyring.owner
        assert len(set(published)) == len(published)

    @invariant()
    def each_version_has_its_event_and_each_step_its_time(self) -> None:
        events = self.broker.keyrings.events[self.told :]
        for keyring in self._keyrings():
            before = self.seen[keyring.owner]
            mine = [event for event in events if event.subject == keyring.owner]
            writes = [event for event in mine if event.detail.get("reason") != FOLLOWS]
            assert keyring.version - before.version == len(writes)
            assert keyring.version > before.version or keyring == before
            assert keyring.revoked[: len(before.revoked)] == before.revoked
            _check_times(mine, before, keyring)
        self.told += len(events)
        self.seen = dict(self.broker.keyrings.items)

    @invariant()
    def the_census_adds_up(self) -> None:
        count = self._census()
        assert count.complete
        assert count.tagged == sum("signet:stack" in t for t in self.broker.kms.tags.values())
        assert count.tagged == (
            count.referenced + count.revoked + count.within_grace
            + count.leaving + count.pending_deletion + count.orphans
        )  # fmt: skip

    def teardown(self) -> None:
        """Let everything go well from now on: the rotations end, and no key is left over."""
        under_way = self._under_way()
        self.mood = LOOKS
        for _ in range(8):
            self.the_provider_fetches_the_jwks()
            self.time_passes(BOUNDS.propagation)
            self.a_tick(None, 1, turned=False)
            self.each_version_has_its_event_and_each_step_its_time()
        # Whom the console keeps from signing waits for its administrator.
        assert not (under_way & self._under_way()) - self.disabled_by_hand
        self.time_passes(BOUNDS.grace + 1)
        self.the_reaper_runs()
        assert self._census().orphans == 0
        self.what_is_published_signs()

    def _under_way(self) -> set[str]:
        """Return the keys that are published and do not sign."""
        keys = (key for keyring in self._keyrings() for key in (keyring.next, keyring.previous))
        return {key.key_id for key in keys if key is not None}

    def _path(self, owner: str) -> str:
        return "/issuer" if owner == ISSUER else f"/connections/{self.owners[owner]}"

    def _keyrings(self) -> list[Keyring]:
        return list(self.broker.keyrings.items.values())

    def _keyring(self, owner: str) -> Keyring:
        return self.broker.keyrings.items[self.owners[owner]]

    def _kid(self, owner: str, state: str) -> str:
        """Return a key in a state, or a foreign one where there is none."""
        keyring = self._keyring(owner)
        if state == "revoked":
            return keyring.revoked[-1].kid if keyring.revoked else FOREIGN
        key = getattr(keyring, state, None)
        return key.kid if key is not None else FOREIGN

    def _census(self) -> Count:
        self._note_births()
        return self.desk.api.census()

    def _note_births(self) -> None:
        for key_id in self.broker.kms.keys:
            self.broker.kms.created.setdefault(key_id, self.broker.clock.time)


def _check_times(events: list[Event], before: Keyring, after: Keyring) -> None:
    """See that nobody signed before P or left before R, unless somebody ordered it."""
    published = {key.kid: key.published_at for key in before.published()}
    retired = {key.kid: key.retired_at for key in before.published()}
    for event in events:
        if event.type == "KeyPromoted" and not event.detail:
            assert event.time - published[event.kid or ""] >= BOUNDS.propagation
        if event.type == "KeyRetired":
            assert event.time - (retired[event.kid or ""] or event.time) >= BOUNDS.retention
    gone = {key.kid for key in before.published()} - {key.kid for key in after.published()}
    told = {event.kid for event in events if event.type in {"KeyRetired", "KeyRevoked"}}
    assert gone <= told


Keys.TestCase.settings = settings(
    max_examples=80, stateful_step_count=50, derandomize=True, report_multiple_bugs=False
)
TestKeys = Keys.TestCase
