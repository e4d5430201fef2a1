"""The registration sheet as a page: everything of the sheet is on it, and nothing else runs."""

import base64
import hashlib
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from tests.support.broker import ISSUER, Broker

from signet.broker.profiles.registry import strategies
from signet.broker.registration_sheet import (
    RegistrationSheet,
    SheetAssertion,
    registration_sheet,
)
from signet.web.registration_page import registration_page, registration_page_body

EVERY = pytest.mark.parametrize("strategy", strategies())
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=1>"


def sheet_of(strategy: str, *, certificate: bool = True) -> RegistrationSheet:
    broker = Broker()
    document = {"name": "acme", "strategy": strategy, "client_id": "signet-at-acme"}
    connection = broker.registration.create_connection(
        {**document, **strategies()[strategy].example}
    )
    keyring = broker.keyrings.items[connection.id]
    if not certificate:
        keyring = replace(keyring, current=replace(keyring.current, certificate=None))
    return registration_sheet(connection, keyring, issuer=ISSUER)


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, and its text."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.text += data


@EVERY
def test_everything_that_has_to_be_entered_is_on_the_page(strategy: str) -> None:
    sheet = sheet_of(strategy)
    text = Page(registration_page_body(sheet)).text
    provider = "your OpenID Provider" if strategy == "oidc" else sheet.provider
    assert text.startswith(f"Register Signet with {provider}")
    for value in (sheet.redirect_uri, sheet.client_id, sheet.issuer, *sheet.scopes, *sheet.steps):
        assert value in text
    (key,) = sheet.keys
    assert key.certificate is not None
    for value in (
        key.kid,
        key.jwk["n"],
        key.public_key_pem.strip(),
        key.certificate.pem.strip(),
        key.certificate.thumbprint_sha1,
        key.certificate.thumbprint_sha256,
    ):
        assert value in text
    if sheet.key_form == "jwks_uri":
        assert sheet.jwks_uri in text


@EVERY
def test_the_page_is_well_formed_and_loads_and_runs_nothing(strategy: str) -> None:
    page = Page(registration_page_body(sheet_of(strategy)))
    assert page.open == []
    names = {name for name, _ in page.elements}
    assert not names & {"script", "img", "link", "iframe", "form", "a", "object", "base"}
    attributes = {name for _, attributes in page.elements for name in attributes}
    assert attributes <= {"lang", "charset", "name", "content", "class", "scope"}
    assert "url(" not in registration_page_body(sheet_of(strategy))


def test_every_value_is_escaped() -> None:
    sheet = sheet_of("entra")
    (key,) = sheet.keys
    assert key.certificate is not None
    certificate = replace(
        key.certificate, pem=HOSTILE, thumbprint_sha1=HOSTILE, thumbprint_sha256=HOSTILE
    )
    hostile_key = replace(
        key,
        kid=HOSTILE,
        alg=HOSTILE,
        jwk={HOSTILE: HOSTILE},
        public_key_pem=HOSTILE,
        certificate=certificate,
    )
    hostile = replace(
        sheet,
        provider=HOSTILE,
        connection_id=HOSTILE,
        display_name=HOSTILE,
        issuer=HOSTILE,
        client_id=HOSTILE,
        redirect_uri=HOSTILE,
        jwks_uri=f"{HOSTILE}2",
        token_endpoint_auth_method=HOSTILE,
        token_endpoint_auth_signing_alg=HOSTILE,
        id_token_signed_response_alg=HOSTILE,
        scopes=(HOSTILE,),
        response_mode=HOSTILE,
        assertion=SheetAssertion(
            audience=HOSTILE, lifetime_seconds=60, typ=HOSTILE, key_headers=(HOSTILE,)
        ),
        keys=(hostile_key,),
        steps=(f"Enter {HOSTILE} and {HOSTILE}2.",),
    )
    for form in ("jwks_uri", "jwks", "public_key", "certificate"):
        page = Page(registration_page_body(replace(hostile, key_form=form)))
        assert page.open == []
        names = {name for name, _ in page.elements}
        assert not names & {"script", "img"}
        assert page.text.count("<script>") >= 15


def test_what_the_provider_takes_of_a_key_comes_first() -> None:
    order = {
        "auth0": ("Public key (PEM)", "Certificate (X.509, PEM)"),
        "entra": ("Certificate (X.509, PEM)", "Public key (PEM)"),
        "idporten": ("JWK set", "Public key (PEM)"),
    }
    for strategy, (first, second) in order.items():
        text = Page(registration_page_body(sheet_of(strategy))).text
        assert text.index(first) < text.index(second)


def test_a_key_without_the_certificate_that_is_wanted_says_so() -> None:
    said = "has no certificate yet"
    assert said in registration_page_body(sheet_of("entra", certificate=False))
    assert said not in registration_page_body(sheet_of("entra"))
    assert said not in registration_page_body(sheet_of("okta", certificate=False))


def test_keys_that_nobody_enters_are_an_appendix() -> None:
    okta, entra = (registration_page_body(sheet_of(name)) for name in ("okta", "entra"))
    assert okta.index("How Signet behaves") < okta.index("Public keys</h2>")
    assert entra.index("Public keys</h2>") < entra.index("How Signet behaves")
    assert "you will be sent this page again" in entra


def test_the_behaviour_is_told_as_it_is() -> None:
    okta = unescape(registration_page_body(sheet_of("okta")))
    assert "your token endpoint" in okta
    assert "never; the request is in the browser's address" in okta
    auth0 = unescape(registration_page_body(sheet_of("auth0")))
    assert "nothing: the registered keys are tried" in auth0
    assert "<code>https://acme.eu.auth0.com/</code>" in auth0
    sheet = sheet_of("oidc")
    no_typ = replace(sheet, assertion=replace(sheet.assertion, typ=None))
    assert '<th scope="row">Its typ</th><td>none</td>' in registration_page_body(no_typ)


def test_the_policy_of_the_page_allows_its_own_style_alone() -> None:
    response = registration_page(sheet_of("oidc"))
    (style,) = re.findall(r"<style>(.*?)</style>", response.body, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = response.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "@media print" in style
    assert "prefers-color-scheme:dark" in style
