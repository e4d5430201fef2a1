"""How errors are shown: to a client as JSON, to a bearer as a challenge, to a person as a page."""

import re

from signet.errors import Denied, Misconfigured, SignetError, Unavailable
from signet.oauth.dpop_error import INVALID_PROOF, USE_NONCE
from signet.web.challenge import challenge, nonce_header
from signet.web.pages import SIGN_IN_FAILED, SIGN_OUT_FAILED, error_page_body, style_source
from signet.web.request import Request
from signet.web.response import NOTHING_LOADS, Response, json_response

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
_RETRY_AFTER = {"retry-after": "5"}
# At a resource a proof that does not hold is a caller that is not known [RFC 9449 7.1].
_RESOURCE_STATUS = {"insufficient_scope": 403, INVALID_PROOF: 401, USE_NONCE: 401}


def oauth_error(problem: SignetError, request: Request) -> Response:
    """Answer a client [RFC 6749 5.2]; a 503 says when to come again."""
    code = problem.code
    if isinstance(problem, Unavailable):
        code = "temporarily_unavailable"
    elif isinstance(problem, Misconfigured):
        code = "server_error"
    return json_response(
        {"error": code, "error_description": problem.public},
        status=problem.status,
        headers={**_retry(problem), **_challenge(problem, request), **nonce_header(problem)},
        problem=problem,
    )


def bearer_error(problem: SignetError, request: Request) -> Response:
    """Answer the caller of a protected resource [RFC 6750 3; RFC 9449 7.1]."""
    if isinstance(problem, Unavailable | Misconfigured):
        return oauth_error(problem, request)
    status = _RESOURCE_STATUS.get(problem.code, problem.status)
    headers = challenge(problem.code, problem, request)
    return Response(status=status, headers=headers, problem=problem)


def published_error(problem: SignetError, request: Request) -> Response:
    """Answer for a published document that is not there; one text for every reason."""
    if problem.code != "not_found":
        return oauth_error(problem, request)
    return json_response({"error": "not_found"}, status=404)


def error_page(problem: SignetError, request: Request) -> Response:
    """Show a person what happened, with a number to tell the support, and no detail."""
    return _page_of(problem, request, title=SIGN_IN_FAILED)


def logout_error_page(problem: SignetError, request: Request) -> Response:
    """Show a person that signing out did not succeed, in the same way."""
    return _page_of(problem, request, title=SIGN_OUT_FAILED)


def _page_of(problem: SignetError, request: Request, *, title: str) -> Response:
    return Response(
        status=problem.status,
        headers={
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": f"{NOTHING_LOADS}; style-src {style_source()}",
            **_retry(problem),
        },
        body=error_page_body(problem.public, correlation_id=request.correlation_id, title=title),
        problem=problem,
    )


def _challenge(problem: SignetError, request: Request) -> dict[str, str]:
    """A client that used a scheme of HTTP is refused by that scheme [RFC 6749 5.2; RFC 9110 11]."""
    scheme = request.headers.get("authorization", "").partition(" ")[0]
    if not isinstance(problem, Denied) or not _SCHEME.fullmatch(scheme):
        return {}
    return {"www-authenticate": f'{scheme} realm="signet"'}


def _retry(problem: SignetError) -> dict[str, str]:
    return _RETRY_AFTER if isinstance(problem, Unavailable) else {}
