"""Check a deployed stack from outside: `make smoke URL=https://login.example.com`.

It needs no credential, changes nothing and signs nobody in. It prints a line for each check, and
exits with 1 when one of them does not hold.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

HOLDS, BROKEN = 0, 1
_SECONDS = 20
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_HEADERS = (
    "x-content-type-options",
    "referrer-policy",
    "strict-transport-security",
    "content-security-policy",
)
_CONFIGURATION = "/.well-known/openid-configuration"
_LOOPBACK = "http://127.0.0.1:"
_NOBODY = "nobody-of-this-deployment"


class Broken(Exception):  # noqa: N818
    """What a check found instead of what it expects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer; header names may be written in any case."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body's JSON object."""
        try:
            document = json.loads(self.body)
        except ValueError:
            raise Broken(f"{self.status} without JSON") from None
        if not isinstance(document, dict):
            raise Broken("JSON that is no object")
        return document


class _NoRedirects(HTTPRedirectHandler):
    """What leads elsewhere is an answer to look at."""

    def redirect_request(self, *_: object) -> None:
        return None


class Deployment:
    """A deployment, by its issuer's address."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer.rstrip("/")
        # A person's proxy cannot reach loopback, where the local stack is.
        proxies = [ProxyHandler({})] if self.issuer.startswith(_LOOPBACK) else []
        self._opener: OpenerDirector = build_opener(_NoRedirects, *proxies)

    def get(self, path: str, *, query: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """Ask for a path; an underscore in a header's name is a hyphen."""
        return self._send(path + (f"?{urlencode(query)}" if query else ""), None, headers)

    def post(self, path: str, **form: str) -> Answer:
        """Send a form."""
        return self._send(path, urlencode(form).encode("ascii"), {})

    def _send(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        # The address is the operator's own.
        request = Request(self.issuer + path, data=body, headers=named)  # noqa: S310
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return Answer(status=answer.status, headers=answer.headers, body=answer.read())
        except HTTPError as answer:
            with answer:
                return Answer(status=answer.code, headers=answer.headers, body=answer.read())
        except (URLError, TimeoutError) as error:
            raise Broken(f"no answer: {getattr(error, 'reason', error)}") from None


def the_metadata_name_this_issuer(deployment: Deployment) -> None:
    """Look at the metadata, at both of their addresses [OIDC Discovery 4.3; RFC 8414 3.3]."""
    metadata = deployment.get(_CONFIGURATION).json()
    _expect("issuer", metadata.get("issuer"), deployment.issuer)
    for name, address in metadata.items():
        if name.endswith(("_endpoint", "_uri")) and not str(address).startswith(deployment.issuer):
            raise Broken(f"{name} is elsewhere: {address}")
    other = deployment.get("/.well-known/oauth-authorization-server").json()
    if other != metadata:
        raise Broken("the two metadata documents differ")


def no_client_authenticates_by_a_secret(deployment: Deployment) -> None:
    """Look at how clients may authenticate."""
    methods = deployment.get(_CONFIGURATION).json().get("token_endpoint_auth_methods_supported")
    _expect("token_endpoint_auth_methods_supported", methods, ["private_key_jwt"])


def the_host_header_decides_nothing(deployment: Deployment) -> None:
    """Ask under another name: addresses come from the configured issuer alone."""
    metadata = deployment.get(_CONFIGURATION, x_forwarded_host="elsewhere.example").json()
    _expect("issuer", metadata.get("issuer"), deployment.issuer)


def the_issuers_keys_are_public_and_named(deployment: Deployment) -> None:
    """Look at the JWK Set [RFC 7517 5]."""
    keys = deployment.get("/.well-known/jwks.json").json().get("keys") or []
    if not keys:
        raise Broken("no key")
    if any(_PRIVATE & key.keys() for key in keys):
        raise Broken("a private or symmetric key")
    if not all(key.get("kid") and key.get("alg") for key in keys):
        raise Broken("a key without kid or alg")


def the_keys_may_be_kept_for_a_while(deployment: Deployment) -> None:
    """Look at max-age and ETag, and ask again by it [RFC 9110 8.8, 13.1.2]."""
    answer = deployment.get("/.well-known/jwks.json")
    if "max-age=" not in answer.headers.get("cache-control", ""):
        raise Broken("no max-age")
    tag = answer.headers.get("etag", "")
    if not tag.startswith('"'):
        raise Broken("no strong ETag")
    _expect("status", deployment.get("/.well-known/jwks.json", if_none_match=tag).status, 304)


def answers_carry_security_headers(deployment: Deployment) -> None:
    """Look at a document, a page and a refusal."""
    for answer in (
        deployment.get(_CONFIGURATION),
        deployment.get("/authorize", query={"client_id": _NOBODY}),
        deployment.post("/token", grant_type="authorization_code"),
    ):
        missing = [name for name in _HEADERS if name not in answer.headers]
        if missing:
            raise Broken(f"missing: {', '.join(missing)}")


def a_token_request_without_an_assertion_is_refused(deployment: Deployment) -> None:
    """Send one with a secret instead: nothing is given, nothing may be kept [RFC 6749 5.2]."""
    form = {"grant_type": "client_credentials", "client_id": _NOBODY, "client_secret": "made-up"}
    answer = deployment.post("/token", **form)
    if answer.status not in {400, 401}:
        raise Broken(f"status {answer.status}")
    if answer.json().get("error") not in {"invalid_client", "invalid_request"}:
        raise Broken(f"error {answer.json().get('error')}")
    _expect("cache-control", answer.headers.get("cache-control"), "no-store")


def an_unknown_application_is_not_redirected_to(deployment: Deployment) -> None:
    """Ask for a login to an address that nobody registered [RFC 6749 4.1.2.1]."""
    query = {
        "client_id": _NOBODY,
        "redirect_uri": "https://elsewhere.example/",
        "response_type": "code",
    }
    answer = deployment.get("/authorize", query=query)
    if "location" in answer.headers:
        raise Broken("it leads elsewhere")
    _expect("status", answer.status, 400)


def nobody_reads_claims_without_a_token(deployment: Deployment) -> None:
    """Ask for claims [RFC 6750 3]."""
    answer = deployment.get("/userinfo")
    _expect("status", answer.status, 401)
    if "www-authenticate" not in answer.headers:
        raise Broken("no WWW-Authenticate")


def nobody_manages_without_a_token(deployment: Deployment) -> None:
    """Ask for the connections."""
    _expect("status", deployment.get("/api/v1/connections").status, 401)


def a_connection_that_is_not_there_has_no_keys(deployment: Deployment) -> None:
    """Ask for the JWK Set of an id that nobody has: the table of keyrings answers, too."""
    path = f"/connections/con_{'a' * 26}/jwks.json"
    _expect("status", deployment.get(path).status, 404)


Check = Callable[[Deployment], None]
CHECKS: tuple[Check, ...] = (
    the_metadata_name_this_issuer,
    no_client_authenticates_by_a_secret,
    the_host_header_decides_nothing,
    the_issuers_keys_are_public_and_named,
    the_keys_may_be_kept_for_a_while,
    answers_carry_security_headers,
    a_token_request_without_an_assertion_is_refused,
    an_unknown_application_is_not_redirected_to,
    nobody_reads_claims_without_a_token,
    nobody_manages_without_a_token,
    a_connection_that_is_not_there_has_no_keys,
)


def smoke(issuer: str, *, tell: Callable[[str], None] = print) -> int:
    """Make every check, tell how each went, and return the exit status."""
    deployment, status = Deployment(issuer), HOLDS
    for check in CHECKS:
        sentence = check.__name__.replace("_", " ")
        try:
            check(deployment)
        except Broken as problem:
            status = BROKEN
            tell(f"BROKEN  {sentence}: {problem}")
        else:
            tell(f"holds   {sentence}")
    return status


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Broken(f"{what} is {found!r} and not {expected!r}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="smoke", description=__doc__)
    parser.add_argument("issuer", help="the deployment's issuer, such as https://login.example.com")
    issuer = parser.parse_args(arguments).issuer
    if not issuer.startswith(("https://", _LOOPBACK)):
        parser.error("the issuer is an https address (make smoke URL=https://…)")
    return smoke(issuer)


if __name__ == "__main__":
    sys.exit(main())
