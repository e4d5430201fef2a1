"""Responses, and the headers that every one of them carries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from signet.broker.front_channel import AskForEmail, Redirection
from signet.errors import SignetError
from signet.web.cookies import set_cookie
from signet.web.pages import email_page_body, form_post_body, style_source, submit_source

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
NOTHING_LOADS = f"{_NOTHING}; form-action 'none'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response; `problem` is for the log alone."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    cookies: tuple[str, ...] = ()
    problem: SignetError | None = None

    def event(self) -> dict[str, Any]:
        """Write the answer of payload format 2.0; nothing is stored unless a header says so."""
        headers = {**_ALWAYS, "content-security-policy": NOTHING_LOADS, **self.headers}
        if "cache-control" not in headers:
            headers |= _NO_STORE
        answer: dict[str, Any] = {
            "statusCode": self.status,
            "headers": headers,
            "body": self.body,
            "isBase64Encoded": False,
        }
        if self.cookies:
            answer["cookies"] = list(self.cookies)
        return answer

    def without_body(self) -> "Response":
        """Return the same answer for a HEAD."""
        return replace(self, body="")


def json_response(
    document: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    problem: SignetError | None = None,
) -> Response:
    """Answer a JSON document."""
    return Response(
        status=status,
        headers={"content-type": "application/json", **(headers or {})},
        body=json.dumps(document, separators=(",", ":")),
        problem=problem,
    )


def email_page(ask: AskForEmail, *, secure: bool) -> Response:
    """Show the page that asks for the work email.

    Browsers hold a form's redirects against `form-action` too, and this form's answer leads to the
    person's own provider, whatever its address is.
    """
    body = email_page_body(ask.parameters, unknown=ask.unknown, field=ask.field)
    return own_page(body, form_action=_anywhere(secure=secure))


def own_page(body: str, *, form_action: str, cookies: tuple[str, ...] = ()) -> Response:
    """Show a page of ours whose form, if it has one, leads where `form_action` says."""
    return Response(
        status=200,
        headers=_page_headers(f"style-src {style_source()}", form_action=form_action),
        body=body,
        cookies=cookies,
    )


def redirect(redirection: Redirection, *, secure: bool) -> Response:
    """Send the browser on with 303, so that a POST's body goes nowhere else [RFC 9700 4.12].

    An answer by form_post is a page instead, whose form the browser posts.
    """
    if redirection.form is not None:
        sources = f"style-src {style_source()}; script-src {submit_source()}"
        return Response(
            status=200,
            headers=_page_headers(sources, form_action=_anywhere(secure=secure)),
            body=form_post_body(redirection.url, redirection.form),
            cookies=tuple(set_cookie(cookie, secure=secure) for cookie in redirection.cookies),
            problem=redirection.problem,
        )
    return Response(
        status=303,
        headers={"location": redirection.url},
        cookies=tuple(set_cookie(cookie, secure=secure) for cookie in redirection.cookies),
        problem=redirection.problem,
    )


def _anywhere(*, secure: bool) -> str:
    """Allow a form that leads to another host."""
    return "'self' https:" if secure else "'self' https: http:"


def _page_headers(sources: str, *, form_action: str) -> dict[str, str]:
    """Allow what a page is made of, and where its form leads."""
    return {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": f"{_NOTHING}; form-action {form_action}; {sources}",
    }
