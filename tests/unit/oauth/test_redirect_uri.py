import pytest

from signet.errors import Rejected
from signet.oauth.redirect_uri import check_registrable

GOOD = [
    "https://app.example/cb",
    "https://app.example:8443/cb?tenant=1",
    "https://sub.app.example/",
    "https://xn--mnchen-3ya.example/cb",
]
LOOPBACK = ["http://127.0.0.1:8090/callback", "http://localhost/cb", "http://[::1]:1234/cb"]
BAD = [
    "http://app.example/cb",
    "https://app.example/cb#f",
    "https://app.example/cb#",
    "https://*.example/cb",
    "https://app.example@evil.example/cb",
    "https://evil.example\\@app.example/cb",
    "https://app.example:x@evil.example/cb",
    "https://a@b@evil.example/cb",
    "https://app.example/cb/../evil",
    "https://app.example/cb/%2e%2e/evil",
    "https://app.example/cb/%2E%2E/evil",
    "https://app.example/cb%2f..%2fevil",
    "https://app.example./cb",
    "https://APP.example/cb",
    "https://app/cb",
    "https://127.0.0.1/cb",
    "https://[::1]/cb",
    "https://2130706433/cb",
    "https://①②⑦.⓪.⓪.①/cb",
    " https://app.example/cb",
    "https://app.example/c b",
    "https://app.example/cb\n",
    "https://app.example:99999/cb",
    "https:///cb",
    "//app.example/cb",
    "javascript:alert(1)",
    "app.example://cb",
    "",
    "https://app.example/" + "x" * 2_100,
]


@pytest.mark.parametrize("uri", GOOD)
def test_https_with_a_dns_name_may_be_registered(uri: str) -> None:
    assert check_registrable(uri, allow_loopback=False) == uri


@pytest.mark.parametrize("uri", BAD + LOOPBACK)
def test_what_has_two_readings_or_leaves_tls_may_not(uri: str) -> None:
    with pytest.raises(Rejected) as refused:
        check_registrable(uri, allow_loopback=False)
    assert refused.value.code == "invalid_redirect_uri"


def test_user_information_is_refused_by_its_name() -> None:
    with pytest.raises(Rejected, match="user information"):
        check_registrable("https://app.example@evil.example/cb", allow_loopback=False)


@pytest.mark.parametrize("uri", LOOPBACK)
def test_loopback_may_be_registered_where_the_local_setting_says_so(uri: str) -> None:
    assert check_registrable(uri, allow_loopback=True) == uri


@pytest.mark.parametrize("uri", ["http://app.example/cb", "http://127.0.0.1.evil.example/cb"])
def test_the_local_setting_opens_loopback_and_nothing_else(uri: str) -> None:
    with pytest.raises(Rejected):
        check_registrable(uri, allow_loopback=True)
