"""What is written is read back as it was."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import VALUES
from tests.support.software_kms import SoftwareKms

from signet.jose import base64url, strict_json
from signet.jose.algorithms import ALGORITHMS, algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jwks import Jwks
from signet.jose.jws import InvalidToken, SigningKey, UnknownKey, sign, verify
from signet.jose.thumbprint import thumbprint
from signet.oauth import parameters, pkce

ALGS = st.sampled_from(sorted(ALGORITHMS))
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
CLAIMS = st.dictionaries(st.text(max_size=20), VALUES, max_size=5)


@cache
def key_of(alg: str) -> tuple[SigningKey, Jwks]:
    kms = SoftwareKms()
    key_id = kms.create_key(algorithm=algorithm(alg), tags={})
    jwk = PublicJwk.from_der(kms.public_key(key_id), alg=alg)
    key = SigningKey(kid=jwk.kid or "", alg=alg, key_id=key_id, signer=kms)
    return key, Jwks(keys=(jwk,))


@given(st.binary(max_size=200))
def test_base64url(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@given(VALUES)
def test_strict_json(value: object) -> None:
    assert strict_json.loads(strict_json.dumps(value)) == value


@given(st.sampled_from(sorted(CURVES)), st.integers(1, 2**255))
def test_every_point_is_written_in_full_and_read_back(crv: str, scalar: int) -> None:
    key = ec.derive_private_key(scalar, CURVES[crv]).public_key()
    size = (CURVES[crv].key_size + 7) // 8
    point = key.public_numbers()
    document: dict[str, str] = {
        "kty": "EC",
        "crv": crv,
        "x": base64url.encode(point.x.to_bytes(size, "big")),
        "y": base64url.encode(point.y.to_bytes(size, "big")),
    }
    written = PublicJwk.parse(document).as_dict()
    assert written == document
    assert thumbprint(written) == thumbprint({**document, "kid": "any", "use": "sig"})


@given(ALGS, CLAIMS)
def test_a_signed_token_verifies_and_holds_what_was_signed(
    alg: str, claims: dict[str, object]
) -> None:
    key, keys = key_of(alg)
    token = sign(claims, key=key, typ="JWT").compact
    assert verify(token, keys=keys, alg=alg, types=frozenset({"JWT"})).claims == claims


@given(ALGS, st.data())
def test_a_token_with_any_character_changed_is_refused(alg: str, data: st.DataObject) -> None:
    key, keys = key_of(alg)
    token = sign({"sub": "user-1"}, key=key, typ="JWT").compact
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[at]))
    spoiled = token[:at] + other + token[at + 1 :]
    try:
        verify(spoiled, keys=keys, alg=alg, types=frozenset({"JWT"}))
    except (InvalidToken, UnknownKey):
        return
    raise AssertionError(spoiled)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60),
        max_size=10,
    )
)
def test_parameters(members: dict[str, str]) -> None:
    assert parameters.parse(parameters.encode(members)) == members


VERIFIERS = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", min_size=43, max_size=128
)


@given(VERIFIERS, VERIFIERS)
def test_a_challenge_matches_its_verifier_alone(verifier: str, other: str) -> None:
    challenge = pkce.check_challenge(challenge=pkce.challenge_of(verifier), method="S256")
    assert pkce.matches(verifier=verifier, challenge=challenge)
    assert pkce.matches(verifier=other, challenge=challenge) is (other == verifier)
