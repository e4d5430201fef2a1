"""What is said to a caller of a protected resource who is not let in [RFC 6750 3; RFC 9449 7]."""

import pytest

from signet.errors import Denied, SignetError, Unavailable
from signet.oauth.dpop_error import UseDpopNonce, invalid_proof
from signet.web.errors import bearer_error, oauth_error
from signet.web.management.problems import problem
from signet.web.request import Request

TOKEN = Denied("invalid_token", "The access token is not valid.")
SCOPE = Denied("insufficient_scope", "The token's scope does not allow this.")
PROOF = invalid_proof("its signature does not hold")
NONCE = UseDpopNonce("the-nonce")
ALGS = 'algs="ES256 PS256"'


def request(authorization: str | None) -> Request:
    headers = {"authorization": authorization} if authorization is not None else {}
    return Request.from_event({"headers": headers})


def wrong(error: SignetError) -> str:
    return f'error="{error.code}", error_description="{error.public}"'


@pytest.mark.parametrize("render", [bearer_error, problem])
@pytest.mark.parametrize(
    ("authorization", "error", "status", "challenge"),
    [
        (None, TOKEN, 401, f"Bearer, DPoP {ALGS}"),
        ("", TOKEN, 401, f"Bearer, DPoP {ALGS}"),
        ("Bearer x", TOKEN, 401, f"Bearer {wrong(TOKEN)}, DPoP {ALGS}"),
        ("Basic x", TOKEN, 401, f"Bearer {wrong(TOKEN)}, DPoP {ALGS}"),
        ("bEARER x", SCOPE, 403, f"Bearer {wrong(SCOPE)}, DPoP {ALGS}"),
        ("DPoP x", TOKEN, 401, f"DPoP {wrong(TOKEN)}, {ALGS}"),
        ("dpop x", SCOPE, 403, f"DPoP {wrong(SCOPE)}, {ALGS}"),
        ("DPOP x", PROOF, 401, f"DPoP {wrong(PROOF)}, {ALGS}"),
    ],
)
def test_both_schemes_are_named_and_what_is_wrong_stands_at_the_one_that_was_used(
    render: object, authorization: str | None, error: SignetError, status: int, challenge: str
) -> None:
    answer = render(error, request(authorization))  # type: ignore[operator]
    assert answer.status == status
    assert answer.headers["www-authenticate"] == challenge
    assert "dpop-nonce" not in answer.headers


@pytest.mark.parametrize("render", [bearer_error, problem])
def test_a_resource_gives_the_nonce_that_it_asks_for(render: object) -> None:
    answer = render(NONCE, request("DPoP x"))  # type: ignore[operator]
    assert answer.status == 401
    assert answer.headers["dpop-nonce"] == "the-nonce"
    assert answer.headers["www-authenticate"].startswith('DPoP error="use_dpop_nonce"')
    assert answer.event()["headers"]["cache-control"] == "no-store"


def test_the_token_endpoint_gives_the_nonce_that_it_asks_for() -> None:
    answer = oauth_error(NONCE, request(None))
    assert (answer.status, answer.headers["dpop-nonce"]) == (400, "the-nonce")
    assert '"error":"use_dpop_nonce"' in answer.body
    assert answer.event()["headers"]["cache-control"] == "no-store"


def test_what_is_not_the_callers_fault_is_no_challenge() -> None:
    answer = bearer_error(Unavailable("store_unavailable", "Not now."), request("DPoP x"))
    assert answer.status == 503
    assert "www-authenticate" not in answer.headers
