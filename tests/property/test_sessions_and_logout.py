"""Sessions in any order of events against a model of three lines; logout parsers on anything."""

from collections.abc import Callable
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.broker import App, Broker, answer_of
from tests.support.hostile import TEXT, near, near_texts
from tests.support.signed_in import sign_in

from signet.broker.front_channel import ConfirmLogout
from signet.broker.session import COOKIE
from signet.errors import Rejected, SignetError
from signet.jose.jws import SignedClaims, sign
from signet.oidc.logout import HintPolicy, LogoutRequest, check_hint
from signet.oidc.logout_token import EVENT, LogoutTokenPolicy, check_logout_token
from signet.web.bus_event import LOGOUT_REQUESTED, BusEvent

NOW = 1_800_000_000
IDP = "https://idp.example"
BROWSERS, PEOPLE, CONNECTIONS = ("b1", "b2"), ("ada", "alan"), ("acme", "globex")
MOVES = st.lists(
    st.one_of(
        st.tuples(
            st.just("login"),
            st.sampled_from(BROWSERS),
            st.sampled_from(PEOPLE),
            st.sampled_from(CONNECTIONS),
        ),
        st.tuples(st.just("logout"), st.sampled_from(BROWSERS)),
        st.tuples(st.just("provider"), st.sampled_from(PEOPLE), st.sampled_from(CONNECTIONS)),
        st.tuples(st.just("time"), st.sampled_from([1_200, 3_601])),
    ),
    max_size=7,
)


class Desk:
    """Browsers before one application, and who the model says is signed in with each.

    `cookies` are all that a browser ever had: an old one must never work again.
    """

    def __init__(self) -> None:
        self.broker = Broker()
        for name in CONNECTIONS:
            self.broker.connect(name)
        self.app: App = self.broker.register_app()
        self.cookies: dict[str, list[str]] = {name: [] for name in BROWSERS}
        self.model: dict[str, tuple[str, str]] = {}

    def move(self, kind: str, *rest: str | int) -> None:
        getattr(self, f"_{kind}")(*rest)

    def _login(self, browser: str, person: str, connection: str) -> None:
        self.broker.idp.claims["sub"] = self.broker.idp.userinfo["sub"] = person
        self.broker.idp.claims["email"] = f"{person}@example.org"
        jar = self._jar(browser)
        signed_in = sign_in(self.app, jar, connection=connection, prompt="login")
        self.cookies[browser].append(signed_in.cookies[COOKIE])
        self.model[browser] = (person, connection)

    def _logout(self, browser: str) -> None:
        page = self.broker.logout({}, self._jar(browser), posted=False)
        if isinstance(page, ConfirmLogout):
            self.broker.logout(page.parameters, self._jar(browser), posted=True)
        self.model.pop(browser, None)

    def _provider(self, person: str, connection: str) -> None:
        stored = self.broker.connections.find(connection)
        assert stored is not None
        now = self.broker.clock.now()
        claims = {
            "iss": IDP, "aud": "signet", "iat": now, "exp": now + 60, "sub": person,
            "jti": self.broker.entropy.token(), "events": {EVENT: {}},
        }  # fmt: skip
        token = sign(claims, key=self.broker.idp.key, typ="logout+jwt").compact
        self.broker.provider_logout(stored.id, {"logout_token": token})
        self.model = {b: who for b, who in self.model.items() if who != (person, connection)}

    def _time(self, seconds: int) -> None:
        self.broker.clock.time += seconds
        if seconds > 3_600:
            self.model.clear()

    def _jar(self, browser: str) -> dict[str, str]:
        return {COOKIE: self.cookies[browser][-1]} if self.cookies[browser] else {}

    def who_is_served(self, value: str, connection: str) -> str | None:
        """Return for whom a cookie gets a code through a connection, by their email."""
        request = self.app.request(prompt="none", connection=connection)
        before = set(self.broker.grants.items)
        back = answer_of(self.broker.start(request, {COOKIE: value}))
        if "code" not in back:
            assert back["error"] == "login_required"
            return None
        (made,) = set(self.broker.grants.items) - before
        return str(self.broker.grants.items[made].profile["email"]).partition("@")[0]

    def check(self) -> None:
        for browser, values in self.cookies.items():
            person, at = self.model.get(browser, (None, None))
            for connection in CONNECTIONS:
                wanted = person if connection == at else None
                assert [self.who_is_served(v, connection) for v in values[-1:]] in ([wanted], [])
                assert {self.who_is_served(v, connection) for v in values[:-1]} <= {None}


@settings(max_examples=25)
@given(MOVES)
def test_a_browser_is_served_for_whoever_signed_in_last_and_for_nobody_else(
    moves: list[tuple[str, ...]],
) -> None:
    desk = Desk()
    for move in moves:
        desk.move(*move)
        desk.check()


# --- parsers ---


def survives(call: Callable[[], object]) -> None:
    with suppress(SignetError):
        call()


HONEST = {
    "iss": IDP, "aud": "signet", "iat": NOW, "exp": NOW + 60, "jti": "one", "sub": "ada",
    "sid": "session", "events": {EVENT: {}},
}  # fmt: skip


@given(near(HONEST))
def test_what_passes_as_a_logout_token_says_all_that_one_has_to(claims: dict[str, object]) -> None:
    policy = LogoutTokenPolicy(issuer=IDP, client_id="signet", now=NOW)
    try:
        checked = check_logout_token(SignedClaims(header={}, claims=claims), policy)
    except Rejected:
        return
    assert claims["iss"] == IDP
    assert claims["aud"] in ("signet", ["signet"])
    assert "nonce" not in claims
    assert EVENT in claims["events"]  # type: ignore[operator]
    assert checked.subject or checked.sid
    assert checked.jti == claims["jti"]
    assert checked.replay_until > claims["exp"] + 60  # type: ignore[operator]


@given(near({"iss": "https://login.example", "aud": "app", "sub": "subject"}))
def test_hints(claims: dict[str, object]) -> None:
    policy = HintPolicy(issuer="https://login.example", client_id=None)
    survives(lambda: check_hint(SignedClaims(header={}, claims=claims), policy))


@given(near_texts({"id_token_hint": "x", "client_id": "app", "state": "state"}))
def test_logout_requests(parameters: dict[str, str]) -> None:
    survives(lambda: LogoutRequest.parse(parameters))
    survives(lambda: DESK.broker.logout(parameters, {COOKIE: "A" * 43}, posted=True))


@given(TEXT, TEXT)
def test_ways_back_from_a_provider(state: str, value: str) -> None:
    names = {"state": state}
    _, spent = DESK.broker.logout.upstream.finish({"state": "s" * 43}, {})
    survives(lambda: DESK.broker.logout.come_back(names, {spent.name: value}))
    survives(lambda: DESK.broker.logout.come_back({"state": "s" * 43}, {spent.name: value}))


@given(near({"client_id": "app", "subject": "subject", "sid": "session"}))
def test_events_of_sign_outs(detail: dict[str, object]) -> None:
    event = BusEvent(
        source="signet", kind=LOGOUT_REQUESTED, detail=detail, seconds_left=lambda: 1.0
    )
    survives(event.logout_notice)


DESK = Desk()
