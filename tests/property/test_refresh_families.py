"""Families of refresh tokens under every order of use: a model beside the real use cases.

Of a family one token is good, and only to its client, in its time. Whoever uses an older one ends
all of the family; whoever guesses, or is somebody else, ends nothing.
"""

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from tests.support.broker import LIFETIMES, App, Broker, answer_of
from tests.unit.broker.test_refresh import OFFLINE, other_app

from signet.errors import Denied, Rejected

HOUR = 3_600


@dataclass
class Family:
    """What the model knows of one login; `tokens` in order, the last one is the present one."""

    code: str
    tokens: list[str]
    access: str
    access_until: int
    expires_at: int
    idle_until: int
    ended: bool = False

    def is_good(self, now: int) -> bool:
        return not self.ended and now < min(self.expires_at, self.idle_until)


class RefreshFamilies(RuleBasedStateMachine):
    """Two clients, any number of logins of one of them, and a clock that only goes on."""

    families: Bundle[Family] = Bundle("families")

    @initialize()
    def begin(self) -> None:
        self.broker = Broker()
        self.connection = self.broker.connect()
        self.app = self.broker.register_app(**OFFLINE)
        self.other = other_app(self.broker)
        self.known: list[Family] = []

    @property
    def now(self) -> int:
        return self.broker.clock.time

    @rule(target=families)
    def log_in(self) -> Family:
        begun = self.app.begin(scope="openid offline_access")
        code = answer_of(self.broker.callback(self.connection, begun))["code"]
        given = self.app.redeem(code)
        family = Family(
            code=code,
            tokens=[str(given["refresh_token"])],
            access=str(given["access_token"]),
            access_until=self.now + HOUR,
            expires_at=self.now + LIFETIMES.absolute,
            idle_until=self.now + LIFETIMES.idle,
        )
        self.known.append(family)
        return family

    @rule(family=families)
    def use_the_present_token(self, family: Family) -> None:
        good = family.is_good(self.now)
        given = self._refresh(self.app, family.tokens[-1])
        assert (given is not None) is good
        if given is None:
            family.ended = True
            return
        family.tokens.append(str(given["refresh_token"]))
        family.access = str(given["access_token"])
        family.access_until = self.now + HOUR
        family.idle_until = min(self.now + LIFETIMES.idle, family.expires_at)

    @rule(family=families, which=st.integers(min_value=0, max_value=20))
    def use_an_older_token(self, family: Family, which: int) -> None:
        older = family.tokens[:-1]
        if older:
            assert self._refresh(self.app, older[which % len(older)]) is None
            family.ended = True

    @rule(family=families)
    def use_anothers_token(self, family: Family) -> None:
        assert self._refresh(self.other, family.tokens[-1]) is None

    @rule(family=families, part=st.sampled_from([2, 3]))
    def guess(self, family: Family, part: int) -> None:
        parts = family.tokens[-1].split(".")
        parts[part] = "A" * 43
        assert self._refresh(self.app, ".".join(parts)) is None
        if part == 3:  # whoever proves the family and not its present token has held an older one
            family.ended = True

    @rule(family=families)
    def use_the_code_again(self, family: Family) -> None:
        with pytest.raises(Rejected):
            self.app.redeem(family.code)
        family.ended = True

    @rule(family=families, which=st.integers(min_value=0, max_value=20))
    def revoke_any_token_of_it(self, family: Family, which: int) -> None:
        self.app.revoke(family.tokens[which % len(family.tokens)])
        family.ended = True

    @rule(family=families)
    def revoke_anothers_token(self, family: Family) -> None:
        self.other.revoke(family.tokens[-1])
        self.other.revoke(family.access)

    @rule(hours=st.sampled_from([0, 1, 24, 167, 168, 400]))
    def wait(self, hours: int) -> None:
        self.broker.clock.time += hours * HOUR

    @invariant()
    def exactly_the_living_are_active(self) -> None:
        for family in getattr(self, "known", []):
            alive = not family.ended
            good = self.app.introspect(family.tokens[-1])["active"]
            assert good is family.is_good(self.now)
            usable = alive and self.now < family.access_until
            assert self.app.introspect(family.access)["active"] is usable
            assert self._userinfo(family.access) is usable
            assert self.other.introspect(family.tokens[-1]) == {"active": False}

    def _refresh(self, app: App, token: str) -> dict[str, object] | None:
        try:
            return app.refresh(token)
        except Rejected as refusal:
            if refusal.code != "invalid_grant":
                raise
            return None

    def _userinfo(self, access: str) -> bool:
        try:
            return bool(self.broker.userinfo(f"Bearer {access}")["sub"])
        except Denied:
            return False


TestRefreshFamilies = RefreshFamilies.TestCase
TestRefreshFamilies.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
