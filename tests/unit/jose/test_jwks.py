"""JWK Sets: somebody else's is searched, a registered one is held to rules [RFC 7517 5]."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from signet.errors import Rejected
from signet.jose import base64url
from signet.jose.algorithms import algorithm
from signet.jose.jwks import MAX_KEYS_READ, MAX_KEYS_REGISTERED, Jwks


def key(number: int = 2, **members: object) -> dict[str, object]:
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers()
    x, y = (base64url.encode(n.to_bytes(32, "big")) for n in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, **members}


OCT = {"kty": "oct", "k": "AAAA"}
NO_SETS = [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"keys": [1]}, {"keys": [key(), None]}]


def test_keys_that_cannot_be_used_are_as_if_they_were_not_there() -> None:
    document = {"keys": [OCT, key(use="enc"), key(kid="good"), {"kty": "OKP"}, {}]}
    assert [found.kid for found in Jwks.read(document).keys] == ["good"]


@pytest.mark.parametrize("document", [*NO_SETS, {"keys": []}, {"keys": [OCT]}])
def test_a_set_without_usable_keys_is_no_set(document: dict[str, object]) -> None:
    with pytest.raises(Rejected) as refused:
        Jwks.read(document)
    assert refused.value.code == "invalid_jwks"


def test_only_so_many_keys_of_a_set_are_looked_at() -> None:
    good = key(kid="good")
    assert Jwks.read({"keys": [OCT] * (MAX_KEYS_READ - 1) + [good]}).keys
    with pytest.raises(Rejected):
        Jwks.read({"keys": [OCT] * MAX_KEYS_READ + [good]})


def test_a_registered_set_is_read() -> None:
    assert len(Jwks.parse_registered({"keys": [key()]}).keys) == 1
    several = [key(number, kid=f"k{number}") for number in range(2, 2 + MAX_KEYS_REGISTERED)]
    assert len(Jwks.parse_registered({"keys": several}).keys) == MAX_KEYS_REGISTERED


@pytest.mark.parametrize(
    "document",
    [
        *NO_SETS,
        {"keys": []},
        {"keys": [key(number, kid=f"k{number}") for number in range(2, 13)]},
        {"keys": [key(2, kid="a"), OCT]},
        {"keys": [key(2, kid="a"), key(3, kid="a")]},
        {"keys": [key(2, kid="a"), key(3)]},
        {"keys": [key(2), key(3)]},
        {"keys": [key(d="AAAA")]},
    ],
)
def test_one_wrong_member_refuses_a_registered_set(document: dict[str, object]) -> None:
    with pytest.raises(Rejected) as refused:
        Jwks.parse_registered(document)
    assert refused.value.code in {"invalid_jwks", "invalid_jwk"}


def test_kid_is_a_lookup_among_the_keys_that_fit_and_nothing_else() -> None:
    jwks = Jwks.read({"keys": [key(2, kid="a"), key(3, kid="a"), key(4, kid="b"), key(5)]})

    def kids(kid: str | None, alg: str) -> list[str | None]:
        return [found.kid for found in jwks.candidates(kid=kid, algorithm=algorithm(alg))]

    assert kids("a", "ES256") == ["a", "a"]
    assert kids("b", "ES256") == ["b"]
    assert kids(None, "ES256") == ["a", "a", "b", None]
    assert kids("A", "ES256") == []
    assert kids("../../a", "ES256") == []
    assert kids("a", "ES384") == []
    assert kids("a", "RS256") == []
