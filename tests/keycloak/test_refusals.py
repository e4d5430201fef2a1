"""What Keycloak answers to a made-up code, under a good assertion and under bad ones.

A connection test tells an administrator what is wrong by these answers, so each is held here as it
is: what is believed is `invalid_grant`, all else `invalid_client` with a text that the profile
explains.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.clock import now
from tests.support.emulated import EmulatedAccount
from tests.support.keycloak import Keycloak
from tests.support.lying_provider import ABSENT
from tests.support.outsider import Outsider
from tests.support.stack import Stack
from tests.support.travelled import Response, Wire

from signet.broker.profiles.keycloak import PROFILE

Connect = Callable[..., dict[str, Any]]
Know = Callable[[dict[str, Any]], Outsider]


@pytest.fixture(scope="module")
def know(keycloak: Keycloak, stack: Stack, wire: Wire) -> Iterator[Know]:
    """Make an outsider who may use a connection's key."""
    account = EmulatedAccount(stack)

    def known(connection: dict[str, Any]) -> Outsider:
        return Outsider(
            account,
            connection["redirect_uri"],
            wire.client(),
            client_id=connection["client_id"],
            issuer=keycloak.issuer,
            token_endpoint=f"{keycloak.issuer}/protocol/openid-connect/token",
        )

    yield known
    account.close()


@pytest.fixture(scope="module")
def outsider(connect: Connect, know: Know) -> Outsider:
    return know(connect("outsider", token_endpoint_auth_signing_alg="ES256"))


def told(answer: Response) -> tuple[int, str, str]:
    document = answer.json()
    return answer.status_code, document["error"], document["error_description"]


BELIEVED: dict[str, Callable[[Outsider], str]] = {
    "the issuer as audience": lambda o: o.assertion(),
    "the token endpoint as audience": lambda o: o.assertion(aud=o.token_endpoint),
    "a list of one audience": lambda o: o.assertion(aud=[o.issuer]),
    "no iat": lambda o: o.assertion(iat=ABSENT),
    "iat ten seconds ahead": lambda o: o.assertion(iat=now() + 10),
}


@pytest.mark.parametrize("case", BELIEVED)
def test_a_made_up_code_under_a_good_assertion_is_an_invalid_grant(
    outsider: Outsider, case: str
) -> None:
    answer = told(outsider.send(BELIEVED[case](outsider)))
    assert answer == (400, PROFILE.made_up_code, "Code not valid")


REFUSED: dict[str, tuple[Callable[[Outsider], str], str]] = {
    "another audience": (
        lambda o: o.assertion(aud="https://evil.example"), "Invalid token audience",
    ),
    "two audiences": (
        lambda o: o.assertion(aud=[o.issuer, o.token_endpoint]), "Multiple audiences not allowed",
    ),
    "expired": (lambda o: o.assertion(iat=now() - 200, exp=now() - 100), "Token is not active"),
    "nbf ahead": (lambda o: o.assertion(nbf=now() + 100, exp=now() + 120), "Token is not active"),
    "no exp": (lambda o: o.assertion(exp=ABSENT), "Token exp claim is required"),
    "no jti": (lambda o: o.assertion(jti=ABSENT), "Token jti claim is required"),
    "a clock that is ahead": (
        lambda o: o.assertion(iat=now() + 100, exp=now() + 120), "Token was issued in the future",
    ),
    "our kid under another key": (
        lambda o: o.forged("ES256"), "Signature on JWT token failed validation",
    ),
    "another algorithm": (lambda o: o.forged("RS256"), "Invalid signature algorithm"),
    "an empty signature": (
        lambda o: o.assertion().rpartition(".")[0] + ".",
        "Signature on JWT token failed validation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_assertion_is_an_invalid_client_and_says_why(outsider: Outsider, case: str) -> None:
    made, reason = REFUSED[case]
    status, error, description = told(outsider.send(made(outsider)))
    assert (status, error) == (400, "invalid_client")
    assert reason in description


NOTHING_MORE = "Invalid client or Invalid client credentials"
UNKNOWN: dict[str, Callable[[Outsider], Response]] = {
    "iss of another": lambda o: o.send(o.assertion(iss="other")),
    "sub of another": lambda o: o.send(o.assertion(sub="other")),
    "a client that is not there": lambda o: o.send(o.assertion(iss="other", sub="other")),
    "client_id of another": lambda o: o.send(o.assertion(), client_id="other"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_client_that_it_does_not_know_is_told_nothing_more(outsider: Outsider, case: str) -> None:
    assert told(UNKNOWN[case](outsider)) == (401, "invalid_client", NOTHING_MORE)


REUSED = "Token reuse detected"


def test_an_assertion_is_taken_once(outsider: Outsider) -> None:
    assertion = outsider.assertion()
    answers = [told(outsider.send(assertion))[1:] for _ in range(2)]
    assert answers == [("invalid_grant", "Code not valid"), ("invalid_client", REUSED)]


WRONGLY_REGISTERED: dict[str, tuple[dict[str, Any], str]] = {
    "nowhere": (
        {"attributes": {"jwks.url": "http://127.0.0.1:9/jwks.json"}},
        "Error when loading public keys",
    ),
    "no-key": ({"attributes": {"use.jwks.url": "false"}}, "Unable to load public key"),
    "disabled": ({"there": {"enabled": False}}, NOTHING_MORE),
    "another-authenticator": (
        {"there": {"clientAuthenticatorType": "client-secret"}},
        NOTHING_MORE,
    ),
}


@pytest.mark.parametrize("case", WRONGLY_REGISTERED)
def test_a_client_that_is_wrongly_registered_is_an_invalid_client(
    connect: Connect, know: Know, case: str
) -> None:
    changes, reason = WRONGLY_REGISTERED[case]
    outsider = know(connect(case, token_endpoint_auth_signing_alg="ES256", **changes))
    _, error, description = told(outsider.send(outsider.assertion()))
    assert error == "invalid_client"
    assert reason in description


# Signet's assertions have one audience, exp and jti.
NEVER_OURS = {
    "Multiple audiences not allowed", "Token exp claim is required", "Token jti claim is required",
}  # fmt: skip


def test_the_profile_explains_these_texts_and_no_others() -> None:
    texts = {NOTHING_MORE, REUSED}
    texts |= {reason for _, reason in (*REFUSED.values(), *WRONGLY_REGISTERED.values())}
    assert set(PROFILE.explanations) == texts - NEVER_OURS
