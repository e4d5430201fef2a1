"""Beside a pushed or signed request, nothing that a browser brings changes the login."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.broker import App, Broker
from tests.support.hostile import TEXT

from signet.broker.front_channel import Redirection
from signet.oauth.authorization_request import AuthorizationRequest

BROKER = Broker()
BROKER.connect("acme", domains=["acme.example"])
BROKER.connect("beta", domains=["beta.example"])
APP: App = BROKER.register_app(request_object_signing_alg="ES256")
SEALED = frozenset({"client_id", "request_uri", "request"})
NAMES = st.one_of(
    st.sampled_from([
        *(set(APP.request()) - SEALED),
        "prompt", "max_age", "acr_values", "ui_locales", "login_hint", "claims", "response_mode",
        "work_email", "iss", "aud",
    ]),
    TEXT,
).filter(lambda name: name not in SEALED)  # fmt: skip
VALUES = st.one_of(
    TEXT,
    st.sampled_from(
        ["none", "login", "beta", "eve@beta.example", "https://evil.example", "form_post", "0"]
    ),
)
QUERIES = st.dictionaries(NAMES, VALUES, max_size=8)


def remembered(query: dict[str, str]) -> tuple[AuthorizationRequest, str]:
    """Begin a login, and return what is remembered of its request and connection."""
    BROKER.logins.items.clear()
    redirection = BROKER.start(query)
    assert isinstance(redirection, Redirection)
    assert redirection.problem is None
    (record,) = BROKER.logins.items.values()
    return record.request, record.connection_id


@given(QUERIES)
def test_beside_a_pushed_request(query: dict[str, str]) -> None:
    carried = {"client_id": APP.client_id, "request_uri": APP.push()}
    assert remembered({**query, **carried}) == remembered(carried)


@given(QUERIES)
def test_beside_a_signed_request(query: dict[str, str]) -> None:
    carried = {"client_id": APP.client_id, "request": APP.request_object()}
    assert remembered({**query, **carried}) == remembered(carried)
