"""Which connection a person's work address leads to, and what a stranger learns from the page."""

import pytest
from tests.support.broker import App, Broker, answer_of

from signet.broker.email_domain import domain_of, normalized_domain
from signet.broker.front_channel import AskForEmail, Redirection
from signet.errors import Rejected
from signet.web.pages import email_page_body
from signet.web.response import email_page


def start(app: App, **changes: str | None) -> Redirection | AskForEmail:
    return app.broker.start(app.request(**{"connection": None, **changes}))


def two_companies(**members: object) -> tuple[Broker, App]:
    broker = Broker()
    broker.connect("acme", domains=["acme.example", "acme.test.example"])
    broker.connect("globex", domains=["globex.example"])
    return broker, broker.register_app(**members)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ada@acme.example", "acme.example"),
        ("ada@ACME.Example", "acme.example"),
        (" ada@acme.example ", "acme.example"),
        ("ada@bücher.example", "xn--bcher-kva.example"),
        ("ada@\uff41cme.example", "acme.example"),
        ("ada@straße.example", "xn--strae-oqa.example"),
    ],
)
def test_an_address_has_one_domain_however_it_is_written(address: str, domain: str) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize(
    "address",
    [
        "", "ada", "@acme.example", "ada@", "ada@evil.example@acme.example", "ada@acme",
        "ada@acme.example.", "ada@-acme.example", "ada@acme..example", "ada@127.0.0.1",
        "ada@acme.example%0d", "ada@acme.example\x00", "ada@acme.example/x", "ada@ac me.example",
        "ada@" + "a" * 64 + ".example", "ada@" + "a.b" * 100 + ".example", "ada\uff20acme.example",
    ],
)  # fmt: skip
def test_what_is_no_address_has_no_domain(address: str) -> None:
    assert domain_of(address) is None


@pytest.mark.parametrize("domain", ["acme", "acme.example/", "*.example", "", "a b.example", "1.2"])
def test_what_is_no_domain_cannot_be_registered(domain: str) -> None:
    with pytest.raises(Rejected):
        normalized_domain(domain)
    with pytest.raises(Rejected, match="domains"):
        Broker().connect(domains=[domain])


def test_a_domain_is_registered_in_one_form() -> None:
    connection = Broker().connect(domains=["Bücher.EXAMPLE", "acme.example"])
    assert connection.domains == ("xn--bcher-kva.example", "acme.example")


def test_a_domain_written_in_two_ways_is_one_domain() -> None:
    with pytest.raises(Rejected, match="each domain once"):
        Broker().connect(domains=["acme.example", "ACME.example"])


def test_a_domain_belongs_to_one_connection() -> None:
    broker, _ = two_companies()
    with pytest.raises(Rejected) as refused:
        broker.connect("evil", domains=["Acme.Example"])
    assert refused.value.code == "domain_taken"


def test_a_login_hint_leads_to_the_connection_of_its_domain() -> None:
    broker, app = two_companies()
    outcome = start(app, login_hint="ada@Acme.Test.Example")
    assert isinstance(outcome, Redirection)
    query = broker.idp.visit(outcome.url)
    acme = broker.connections.find("acme")
    assert acme is not None
    assert f"/connections/{acme.id}/callback" in query["redirect_uri"]
    assert query["login_hint"] == "ada@Acme.Test.Example"


def test_a_named_connection_goes_before_the_hint() -> None:
    broker, app = two_companies()
    outcome = start(app, connection="globex", login_hint="ada@acme.example")
    assert isinstance(outcome, Redirection)
    globex = broker.connections.find("globex")
    assert globex is not None
    assert globex.id in broker.idp.visit(outcome.url)["redirect_uri"]


def test_without_a_connection_the_page_asks_for_the_address_and_keeps_the_request() -> None:
    _, app = two_companies()
    outcome = start(app)
    assert isinstance(outcome, AskForEmail)
    assert not outcome.unknown
    assert outcome.parameters == app.request(connection=None)


def test_a_domain_that_is_not_known_disabled_or_not_allowed_reads_the_same() -> None:
    broker, app = two_companies(connections=["globex", "hooli"])
    broker.connect("hooli", domains=["hooli.example"], enabled=False)
    pages = []
    for address in ("a@nobody.example", "a@hooli.example", "a@acme.example", "not an address"):
        outcome = start(app, login_hint=address)
        assert isinstance(outcome, AskForEmail)
        assert outcome.unknown
        pages.append(email_page_body(outcome.parameters, unknown=outcome.unknown))
    assert len(set(pages)) == 1
    for name in ("acme", "globex", "hooli"):
        assert name not in pages[0].lower()


def test_an_application_that_allows_no_page_gets_an_error_instead() -> None:
    _, app = two_companies()
    outcome = start(app, prompt="none")
    assert isinstance(outcome, Redirection)
    assert answer_of(outcome)["error"] == "login_required"


def test_what_the_application_sent_cannot_become_markup() -> None:
    _, app = two_companies()
    outcome = start(app, state='"><script>alert(1)</script>')
    assert isinstance(outcome, AskForEmail)
    page = email_page_body(outcome.parameters, unknown=False)
    assert "<script>" not in page
    assert "&quot;&gt;&lt;script&gt;" in page


def test_the_page_is_not_framed_not_stored_and_loads_nothing() -> None:
    headers = email_page(AskForEmail(parameters={}, unknown=False), secure=True).event()["headers"]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "form-action 'self' https:;" in policy
    assert headers["cache-control"] == "no-store"
