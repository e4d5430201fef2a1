import pytest

from signet.errors import Rejected
from signet.oauth import pkce

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_challenge_is_the_one_of_the_specifications_example() -> None:
    assert pkce.challenge_of(VERIFIER) == CHALLENGE  # RFC 7636 appendix B


def test_the_verifier_of_the_challenge_matches() -> None:
    assert pkce.matches(verifier=VERIFIER, challenge=CHALLENGE)


@pytest.mark.parametrize(
    "verifier", ["", CHALLENGE, VERIFIER[:-1], VERIFIER + "A", VERIFIER + "\n", "é" * 43, "a" * 129]
)
def test_no_other_verifier_matches(verifier: str) -> None:
    assert not pkce.matches(verifier=verifier, challenge=CHALLENGE)


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (None, "S256"),
        (None, None),
        (CHALLENGE, None),
        (CHALLENGE, "plain"),
        (CHALLENGE, "s256"),
        (CHALLENGE[:-1], "S256"),
        (CHALLENGE + "=", "S256"),
        ("x" * 129, "S256"),
        ("", "S256"),
    ],
)
def test_anything_but_an_s256_challenge_is_refused(
    challenge: str | None, method: str | None
) -> None:
    with pytest.raises(Rejected) as refused:
        pkce.check_challenge(challenge=challenge, method=method)
    assert (refused.value.code, refused.value.redirectable) == ("invalid_request", True)
