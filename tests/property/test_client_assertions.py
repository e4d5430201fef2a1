"""Client assertions of every combination: accepted when every rule holds, once, and else never.

What is refused uses nobody's `jti` up: the honest assertion of that `jti` authenticates after it.
"""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.broker import ISSUER, App, Broker

from signet.errors import Denied, Rejected

_numbers = count(1)
Change = Callable[[int], object]


def at(seconds: int) -> Change:
    return lambda now: now + seconds


def always(value: object) -> Change:
    return lambda _now: value


ABSENT = always(None)
FOREIGN = ["other", "https://evil.example", "", " ", 7, ["app"], {"app": True}, True]
GOOD: dict[str, list[Change]] = {
    "iss": [always("app")],
    "sub": [always("app")],
    "aud": [always(ISSUER)],
    "exp": [at(1), at(60), at(300)],
    "iat": [ABSENT, at(-60), at(0), at(8), at(60)],
    "nbf": [ABSENT, at(-1), at(0), at(8), at(60)],
    "typ": [always("JWT"), ABSENT, always("client-authentication+jwt")],
}
BAD: dict[str, list[Change]] = {
    "iss": [ABSENT, *map(always, FOREIGN)],
    "sub": [ABSENT, *map(always, FOREIGN)],
    "aud": [
        ABSENT,
        *map(always, FOREIGN),
        *map(always, ([ISSUER], [ISSUER, "x"], f"{ISSUER}/", f"{ISSUER}/token", ISSUER.upper())),
    ],
    "exp": [ABSENT, at(0), at(-1), at(-300), at(301), *map(always, ("soon", 1e308, -1, True, []))],
    "iat": [at(61), at(-100_000), *map(always, ("now", 1.5, -1, True, []))],
    "nbf": [at(61), at(100_000), *map(always, ("now", 1.5, -1, False, {}))],
    "typ": list(map(always, ("at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "x"))),
}


@pytest.fixture(scope="module")
def app() -> App:
    return Broker().register_app()


def good() -> st.SearchStrategy[dict[str, Change]]:
    return st.fixed_dictionaries({name: st.sampled_from(GOOD[name]) for name in GOOD})


def changes(app: App, chosen: dict[str, Change]) -> dict[str, object]:
    """Write the claims that are chosen, and a `jti` of their own."""
    now = app.broker.clock.time
    return {**{name: make(now) for name, make in chosen.items()}, "jti": f"j-{next(_numbers)}"}


def assertion(app: App, made: dict[str, object]) -> str:
    return app.assertion(**made)  # type: ignore[arg-type]


def authenticates(app: App, token: str) -> bool:
    """Tell whether a request came as far as its code, which is none."""
    try:
        app.redeem("x", client_assertion=token)
    except Denied as refusal:
        if refusal.code != "invalid_client":
            raise
        return False
    except Rejected as refusal:
        if refusal.code != "invalid_grant":
            raise
        return True
    raise AssertionError("a made-up code gave tokens")


@given(chosen=good())
def test_an_assertion_of_which_every_rule_holds_authenticates_once(
    app: App, chosen: dict[str, Change]
) -> None:
    token = assertion(app, changes(app, chosen))
    assert authenticates(app, token)
    assert not authenticates(app, token)


@given(chosen=good(), wrong=st.sets(st.sampled_from(sorted(BAD)), min_size=1), data=st.data())
def test_one_wrong_claim_refuses_and_uses_no_jti_up(
    app: App, chosen: dict[str, Change], wrong: set[str], data: st.DataObject
) -> None:
    spoiled = {name: data.draw(st.sampled_from(BAD[name]), label=name) for name in sorted(wrong)}
    made = changes(app, {**chosen, **spoiled})
    used = dict(app.broker.replay.used)
    assert not authenticates(app, assertion(app, made))
    assert app.broker.replay.used == used
    honest = {**changes(app, chosen), "jti": made["jti"]}
    assert authenticates(app, assertion(app, honest))


@given(jti=st.text(max_size=300), other=st.sampled_from([None, 7, True, [], {}, ["j"], 1.5]))
def test_a_jti_is_a_text_of_1_to_255_characters_whatever_is_in_it(
    app: App, jti: str, other: object
) -> None:
    unused = jti + f"{next(_numbers)}"
    for value, holds in ((unused, len(unused) <= 255), (other, False)):
        token = app.assertion(jti=value)
        assert authenticates(app, token) is holds
        assert not authenticates(app, token)
