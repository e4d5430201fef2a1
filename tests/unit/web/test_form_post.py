"""The page that posts an answer to an application: one script, and nothing that is not escaped."""

import base64
import hashlib
import re

from signet.broker.front_channel import BrowserCookie, Redirection
from signet.web.response import redirect

FORM = {"code": "c", "state": '"><script>alert(1)</script>', "iss": "https://login.example"}


def event(*, secure: bool = True) -> dict[str, object]:
    cookie = BrowserCookie(name="signet-login-x", value="", max_age=0)
    redirection = Redirection(url="https://app.example/cb?a=1&b=2", cookies=(cookie,), form=FORM)
    return redirect(redirection, secure=secure).event()


def test_the_browser_posts_the_answer_and_leaves_no_address_behind() -> None:
    answer = event()
    assert answer["statusCode"] == 200
    headers = answer["headers"]
    assert isinstance(headers, dict)
    assert "location" not in headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert answer["cookies"] == [
        "__Host-signet-login-x=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    ]
    body = str(answer["body"])
    assert 'method="post" action="https://app.example/cb?a=1&amp;b=2"' in body
    assert 'name="code" value="c"' in body
    assert "<button>" in body


def test_what_the_application_sent_cannot_become_markup() -> None:
    body = str(event()["body"])
    assert body.count("<script>") == 1
    assert "&quot;&gt;&lt;script&gt;" in body


def test_the_policy_allows_the_pages_own_script_and_no_other() -> None:
    answer = event()
    headers = answer["headers"]
    assert isinstance(headers, dict)
    policy = headers["content-security-policy"]
    found = re.search(r"<script>(.*?)</script>", str(answer["body"]))
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["script-src"] == f"'sha256-{digest}'"
    assert directives["default-src"] == directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy
    assert directives["form-action"] == "'self' https:"


def test_over_plain_http_the_form_may_lead_to_plain_http() -> None:
    headers = event(secure=False)["headers"]
    assert isinstance(headers, dict)
    assert "form-action 'self' https: http:;" in headers["content-security-policy"]
