"""What holds for every profile, of whatever provider."""

import json
import re
from pathlib import Path
from string import Formatter

import pytest
from tests.support.broker import Broker, answer_of
from tests.support.canned_provider import ISSUER as PROVIDER
from tests.support.profiles import assertion, but_strategy, by_hand, connection, refusal_of, shown

from signet.broker.probe import evidence_for
from signet.broker.profiles.profile import (
    KEY_FORMS,
    STEP_VALUES,
    IssuerForm,
    IssuerMember,
    Profile,
)
from signet.broker.profiles.registry import strategies
from signet.errors import Misconfigured, Rejected
from signet.jose.algorithms import ALGORITHMS

ROOT = Path(__file__).parents[4]
MADE_UP_CODES = {
    "govuk_one_login": ("invalid_grant", True),
    "keycloak": ("invalid_grant", True),
    "login_gov": ("unknown", False),
}
"""What is known of the answer to a made-up code, and whether a rotation asks for it."""
EVERY = pytest.mark.parametrize("strategy", strategies())
SPELLINGS = {
    "user-info": "https://user@idp.example",
    "two hosts": "https://idp.example@evil.example",
    "capitals": "https://IDP.example",
    "scheme in capitals": "HTTPS://idp.example",
    "a backslash": "https://idp.example\\@evil.example",
    "a line break": "https://idp.example\n",
    "a tab": "https://idp\t.example",
    "a space": "https://idp.example/a b",
    "an empty part": "https://idp.example//realms/a",
    "two slashes at the end": "https://idp.example//",
    "a dot": "https://idp.example/./realms/a",
    "two dots": "https://idp.example/a/../realms/b",
    "two dots at the end": "https://idp.example/a/..",
    "an encoded slash": "https://idp.example/a%2fb",
    "encoded dots": "https://idp.example/%2E%2e/a",
    "a broken escape": "https://idp.example/%zz",
    "a query": "https://idp.example?x=1",
    "a fragment": "https://idp.example#x",
    "no host": "https:///a",
    "no number for a port": "https://idp.example:x",
    "an empty port": "https://idp.example:",
    "another scheme": "ftp://idp.example",
    "letters of another script": "https://\u0131dp.example",
    "nothing": "",
    "a list": ["https://idp.example"],
    "null": None,
}


@EVERY
@pytest.mark.parametrize("case", SPELLINGS)
def test_an_issuer_has_one_spelling(strategy: str, case: str) -> None:
    makers = dict.fromkeys(strategies()[strategy].issuer.names(), ...)
    refusal = refusal_of(strategy, {**makers, "issuer": SPELLINGS[case]})
    assert refusal.startswith("invalid_connection: issuer has to be ")


@EVERY
def test_an_example_and_a_name_are_all_that_a_connection_needs(strategy: str) -> None:
    made = connection(strategy)
    assert made.strategy == strategy
    assert made.signing_alg == strategies()[strategy].algorithms[0]


@EVERY
def test_what_is_shown_of_a_connection_makes_the_same_one_again(strategy: str) -> None:
    made = connection(strategy)
    assert connection(strategy, **no_example(strategy), **shown(made)) == made


@EVERY
def test_everything_that_a_profile_sets_can_be_set_by_hand(strategy: str) -> None:
    made = connection(strategy)
    document = {**shown(made), "strategy": "oidc"}
    assert but_strategy(by_hand(**document)) == but_strategy(made)


@EVERY
def test_the_members_of_an_issuer_can_be_read_back_from_it(strategy: str) -> None:
    profile = strategies()[strategy]
    made = connection(strategy)
    members = profile.issuer.members_of(made.issuer)
    expected = {name: profile.example[name] for name in profile.issuer.names() if name in members}
    assert members == expected
    if members:
        assert connection(strategy, **members) == made


@EVERY
def test_no_other_algorithm_than_the_providers_is_taken(strategy: str) -> None:
    profile = strategies()[strategy]
    for alg in profile.algorithms:
        assert connection(strategy, token_endpoint_auth_signing_alg=alg).signing_alg == alg
    for alg in {*ALGORITHMS, "none", "HS256", "rs256", ""} - set(profile.algorithms):
        refusal = refusal_of(strategy, {"token_endpoint_auth_signing_alg": alg})
        assert refusal.startswith("invalid_connection: token_endpoint_auth_signing_alg has to be")


@EVERY
def test_a_profile_brings_no_default_past_the_connections_own_rules(strategy: str) -> None:
    for name, value in {"client_secret": "x", "assertion": {"alg": "none"}, "x": 1}.items():
        assert refusal_of(strategy, {name: value}).startswith(
            ("invalid_connection", "client_secret_refused")
        )


@EVERY
def test_what_an_administrator_sets_wins_over_the_profile_member_by_member(strategy: str) -> None:
    made = connection(strategy)
    changed = connection(strategy, assertion={"lifetime_seconds": 30})
    assert changed.assertion.lifetime_seconds == 30
    assert changed.assertion.audience == made.assertion.audience
    assert connection(strategy, assertion={"audience": "issuer"}).assertion.audience == "issuer"


@EVERY
def test_steps_can_be_filled_in(strategy: str) -> None:
    steps = strategies()[strategy].steps
    named = {name for step in steps for _, name, _, _ in Formatter().parse(step) if name}
    assert named <= set(STEP_VALUES)
    assert "redirect_uri" in named
    values = dict.fromkeys(STEP_VALUES, "x")
    assert all(not set("{}") & set(step.format(**values)) for step in steps)


@EVERY
def test_explanations_are_for_texts_that_nothing_else_says(strategy: str) -> None:
    profile = strategies()[strategy]
    assert all(len(piece) >= 10 for piece in profile.explanations)
    for piece, plain in profile.explanations.items():
        assert profile.explain(f"error: {piece} and more") == plain
        assert plain.endswith(".")
    assert profile.explain("nothing that is known") is None


@EVERY
def test_every_fact_says_how_and_where_it_was_checked(strategy: str) -> None:
    profile = strategies()[strategy]
    assert profile.checked
    for checked in profile.checked:
        assert checked.how in {"tried", "code", "documentation", "excerpt"}
        assert checked.fact
        assert checked.source
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", checked.on)
    assert profile.key_form in KEY_FORMS
    assert profile.made_up_code in {"invalid_grant", "unknown"}


@EVERY
def test_what_a_provider_says_of_a_key_is_known_or_said_to_be_unknown(strategy: str) -> None:
    profile = strategies()[strategy]
    known, asked = MADE_UP_CODES.get(strategy, ("unknown", True))
    assert (profile.made_up_code, profile.probe) == (known, asked)
    facts = [checked for checked in profile.checked if "made-up code" in checked.fact]
    assert bool(facts) == (strategy in MADE_UP_CODES)
    assert {fact.how for fact in facts} <= {"tried", "code"}, "nobody else says it of this"


@EVERY
def test_a_promotion_waits_for_what_a_provider_can_say(strategy: str) -> None:
    made = connection(strategy)
    asked = strategies()[strategy].probe
    assert evidence_for(made).probe is asked
    assert evidence_for(made).word is (made.key_registration == "manual")
    assert asked or evidence_for(made).word, "who cannot be asked is no provider to surprise"


def test_the_documentation_lists_the_strategies_that_there_are() -> None:
    folder = ROOT / "docs" / "providers"
    pages = {page.stem for page in folder.glob("*.md")} - {"README"}
    assert pages == set(strategies())
    modules = ROOT / "layers/signet/src/signet/broker/profiles"
    files = {module.stem for module in modules.glob("*.py")}
    assert files - {"__init__", "profile", "registry"} == set(strategies())


@EVERY
def test_the_page_of_a_strategy_says_what_its_connections_are(strategy: str) -> None:
    page = (ROOT / "docs" / "providers" / f"{strategy}.md").read_text("utf-8")
    made = connection(strategy)
    assert page.startswith(f"# {strategies()[strategy].title}\n")
    assert f"`{made.signing_alg}`" in page
    assert f"`{made.assertion.audience}`" in page
    for piece in strategies()[strategy].explanations:
        assert piece in page


def test_the_table_of_providers_says_what_their_connections_are() -> None:
    text = (ROOT / "docs" / "providers" / "README.md").read_text("utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| [")]
    assert rows
    for first, alg, audience, typ, key_headers, _, pushed, tested in rows:
        strategy = first.removeprefix("| [").partition("]")[0]
        made = connection(strategy)
        headers = ", ".join(f"`{name}`" for name in made.assertion.key_headers) or "none"
        assert first == f"| [{strategy}]({strategy}.md)"
        assert (alg, audience) == (f"`{made.signing_alg}`", f"`{made.assertion.audience}`")
        assert (typ, key_headers) == (f"`{made.assertion.typ}`", headers)
        assert pushed == f"`{made.pushed_authorization}`"
        tried = {c.source: c for c in strategies()[strategy].checked if c.how == "tried"}
        assert tested == f"{', '.join(tried) or 'shape alone'} |"


def test_what_was_tried_is_of_the_versions_that_the_tests_run_against() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    oidc_provider = locked["node_modules/oidc-provider"]["version"].rpartition(".")[0]
    script = (ROOT / "tools" / "keycloak").read_text("utf-8")
    keycloak = re.search(r"^version=(\S+)$", script, re.MULTILINE)
    assert keycloak is not None
    run = {f"npm oidc-provider {oidc_provider}", f"Keycloak {keycloak[1]}"}
    checked = [fact for profile in strategies().values() for fact in profile.checked]
    assert {fact.source for fact in checked if fact.how == "tried"} == run
    text = (ROOT / "docs" / "providers" / "README.md").read_text("utf-8")
    assert all(f"**{one}**" in text for one in run)


def test_an_unknown_strategy_is_told_the_known_ones() -> None:
    with pytest.raises(Rejected) as refused:
        connection("oidc", strategy="saml")
    assert refused.value.code == "invalid_connection"
    assert ", ".join(strategies()) in refused.value.public


def no_example(strategy: str) -> dict[str, object]:
    return dict.fromkeys(strategies()[strategy].issuer.names(), ...)


# --- the form of an issuer that members make ---------------------------------------------------

FORM = IssuerForm(
    hint="https://HOST or https://HOST/x/ID",
    members=(
        IssuerMember(name="host", template="https://{value}", pattern="[a-z.]+", hint="a host"),
        IssuerMember(
            name="part", template="/x/{value}/y", pattern="[a-z]+", hint="an id", required=False
        ),
    ),
)


@pytest.mark.parametrize(
    ("document", "issuer"),
    [
        ({"host": "a.b"}, "https://a.b"),
        ({"host": "a.b", "part": "c"}, "https://a.b/x/c/y"),
        ({"issuer": "https://a.b"}, "https://a.b"),
        ({"issuer": "https://a.b/x/c/y"}, "https://a.b/x/c/y"),
        ({"host": "a.b", "issuer": "https://a.b"}, "https://a.b"),
    ],
)
def test_members_or_the_issuer_name_the_issuer(document: dict[str, object], issuer: str) -> None:
    assert FORM.issuer(document) == issuer
    assert FORM.issuer(FORM.members_of(issuer)) == issuer


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "host has to be a host."),
        ({"host": None}, "host has to be a host."),
        ({"host": "a.b/"}, "host has to be a host."),
        ({"host": "a.b\n"}, "host has to be a host."),
        ({"part": "c"}, "host has to be a host."),
        ({"host": "a.b", "part": ""}, "part has to be an id."),
        ({"host": "a.b", "part": None}, "part has to be an id."),
        ({"host": "a.b", "issuer": "https://c.d"}, "issuer has to be left out: host and part"),
        ({"host": "a.b", "issuer": None}, "issuer has to be left out: host and part"),
        ({"issuer": "https://a.b/"}, "issuer has to be https://HOST or"),
        ({"issuer": "https://a.b/x/c/y/z"}, "issuer has to be https://HOST or"),
    ],
)
def test_what_names_no_one_issuer_is_refused(document: dict[str, object], text: str) -> None:
    with pytest.raises(Rejected) as refused:
        FORM.issuer(document)
    assert refused.value.public.startswith(text)


def test_an_issuer_of_another_form_has_no_members() -> None:
    assert FORM.members_of("https://a.b/other") == {}
    assert Profile(strategy="x", title="X", steps=(), example={}).issuer.members_of("x") == {}


# --- the token endpoint as audience ------------------------------------------------------------

AT_TOKEN_ENDPOINT = {"assertion": {"audience": "token_endpoint"}}
ELSEWHERE = {
    "another host": "https://evil.example/token",
    "a host below it": "https://a.idp.example/token",
    "a host that begins alike": "https://idp.example.evil.example/token",
    "user-info": "https://idp.example@evil.example/token",
    "a backslash": "https://idp.example\\.evil.example/token",
    "another port": "https://idp.example:8443/token",
    "another scheme": "http://idp.example/token",
    "another spelling": "https://IDP.example/token",
    "a query at once": "https://idp.example?x=/token",
    "a tab": "https://idp.example\t.evil.example/token",
    "no address": "idp.example/token",
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_a_token_endpoint_elsewhere_is_no_audience_rp_006(case: str) -> None:
    made = by_hand(**AT_TOKEN_ENDPOINT)
    with pytest.raises(Misconfigured) as refused:
        made.assertion_profile(token_endpoint=ELSEWHERE[case])
    assert refused.value.code == "provider_metadata"


@pytest.mark.parametrize("issuer", ["https://idp.example", "https://idp.example/", PROVIDER])
def test_a_token_endpoint_at_the_issuers_host_is_an_audience(issuer: str) -> None:
    endpoint = "https://idp.example/oauth2/v1/token"
    made = by_hand(issuer=issuer, **AT_TOKEN_ENDPOINT)
    assert made.assertion_profile(token_endpoint=endpoint).audience == endpoint


def test_no_assertion_is_signed_for_a_token_endpoint_elsewhere_rp_006() -> None:
    broker = Broker()
    broker.idp.metadata["token_endpoint"] = "https://evil.example/token"
    made = broker.connect(**AT_TOKEN_ENDPOINT)
    started = broker.register_app().begin()
    signatures = broker.kms.signatures
    assert answer_of(broker.callback(made, started))["error"] == "server_error"
    assert broker.kms.signatures == signatures
    assert not broker.idp.token_requests()


def test_every_connection_signs_with_a_key_of_its_own_rp_006() -> None:
    broker = Broker()
    made = [broker.connect(name, **AT_TOKEN_ENDPOINT) for name in ("one", "two")]
    keys = {broker.keyrings.items[connection.id].current.key_id for connection in made}
    assert len(keys) == 2
    assert refusal_of("oidc", {"key_id": keys.pop()}).startswith("invalid_connection")


def test_an_audience_that_is_written_out_is_sent_as_it_is() -> None:
    made = by_hand(assertion={"audience": "https://elsewhere.example/token"})
    _, claims = assertion(made, token_endpoint="https://idp.example/token")
    assert claims["aud"] == "https://elsewhere.example/token"
