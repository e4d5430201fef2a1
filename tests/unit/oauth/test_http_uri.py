"""Which addresses are one address [RFC 3986 6.2.2, 6.2.3]."""

import pytest

from signet.errors import Rejected
from signet.oauth.http_uri import without_query

TOKEN = "https://login.example/token"


@pytest.mark.parametrize(
    "uri",
    [
        TOKEN,
        "HTTPS://login.example/token",
        "https://LOGIN.Example/token",
        "https://login.example:443/token",
        "https://login.example:/token",
        "https://login.example/%74oken",
        "https://logi%6e.example/token",
        "https://logi%4E.example/token",
        "https://login.example/./token",
        "https://login.example/x/../token",
        "https://login.example/../token",
        "https://login.example/%2e/token",
        "https://login.example/x/%2E%2e/token",
        "https://login.example/token?query=1",
        "https://login.example/token#fragment",
        "https://login.example/token?#",
    ],
)
def test_addresses_that_differ_in_form_alone_are_one(uri: str) -> None:
    assert without_query(uri) == TOKEN


@pytest.mark.parametrize(
    "uri",
    [
        "http://login.example/token",
        "https://login.example:8443/token",
        "https://login.example:80/token",
        "https://login.example:0/token",
        "https://login.example/TOKEN",
        "https://login.example/token/",
        "https://login.example//token",
        "https://login.example/token/..",
        "https://login.example/tok%2Fen",
        "https://login.example/%2574oken",
        "https://login.example./token",
        "https://login.example.evil.example/token",
        "https://login.example",
    ],
)
def test_addresses_that_lead_elsewhere_stay_different(uri: str) -> None:
    assert without_query(uri) != TOKEN


@pytest.mark.parametrize(
    ("uri", "normal"),
    [
        ("https://login.example", "https://login.example/"),
        ("http://login.example:80", "http://login.example/"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("https://login.example/%c3%a9", "https://login.example/%C3%A9"),
        ("https://login.example/a/b/..", "https://login.example/a/"),
        ("https://login.example/a/.", "https://login.example/a/"),
        ("https://login.example/..", "https://login.example/"),
    ],
)
def test_the_normal_form_is_the_rfcs(uri: str, normal: str) -> None:
    assert without_query(uri) == normal


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/token",
        "//login.example/token",
        "login.example/token",
        "ftp://login.example/token",
        "javascript:alert(1)",
        "https:/login.example/token",
        "https:///token",
        "https://user@login.example/token",
        "https://login.example@evil.example/token",
        "https://login.example\\@evil.example/token",
        "https://login.example\\token",
        "https://login.example/to\tken",
        "https://login.example/token\n",
        " https://login.example/token",
        "https://login.example/t oken",
        "https://lögin.example/token",
        "https://login.example/tok€n",
        "https://login.example/%",
        "https://login.example/%7",
        "https://login.example/%zz",
        "https://login.example/token?%zz",
        "https://login.example:x/token",
        "https://login.example:123456/token",
        "https://[::1/token",
        f"https://login.example/{'x' * 2_048}",
    ],
)
def test_what_is_no_http_address_is_refused(uri: str) -> None:
    with pytest.raises(Rejected) as refused:
        without_query(uri)
    assert refused.value.code == "invalid_uri"
