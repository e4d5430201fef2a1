"""DPoP proofs, in the order of the specification's rules [RFC 9449 4.3]."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support.forged_jws import encode, new_key, private_jwk, public_jwk, sign
from tests.support.lying_provider import ABSENT
from tests.support.proofs import Prover, ath_of, thumbprint_of

from signet.errors import Rejected
from signet.jose.thumbprint import is_thumbprint
from signet.oauth.dpop import (
    CheckedProof,
    ProofPolicy,
    access_token_hash,
    check_proof,
)
from signet.oauth.dpop_error import UseDpopNonce

NOW = 1_800_000_000
TOKEN_ENDPOINT = "https://login.example/token"
USERINFO = "https://login.example/userinfo"
ACCESS_TOKEN = "header.claims.signature"
PROVER = Prover()
RSA_PROVER = Prover("PS256")


def policy(**changes: Any) -> ProofPolicy:
    return ProofPolicy(**{"method": "POST", "uri": TOKEN_ENDPOINT, "now": NOW, **changes})


def proof(**changes: Any) -> str:
    return PROVER.proof("POST", TOKEN_ENDPOINT, **{"iat": NOW, **changes})


def headed(**changes: Any) -> str:
    claims = PROVER.claims("POST", TOKEN_ENDPOINT, iat=NOW)
    return PROVER.signed(claims, header=PROVER.header(**changes))


def refusal(header: str, **changes: Any) -> Rejected:
    with pytest.raises(Rejected) as refused:
        check_proof(header, policy(**changes))
    assert refused.value.code == "invalid_dpop_proof"
    assert refused.value.public == "The DPoP proof is not valid."
    return refused.value


# --- what holds ---


@pytest.mark.parametrize("prover", [PROVER, RSA_PROVER], ids=["ES256", "PS256"])
def test_a_proof_tells_its_keys_thumbprint_and_its_jti(prover: Prover) -> None:
    header = prover.proof("POST", TOKEN_ENDPOINT, iat=NOW, jti="one")
    assert check_proof(header, policy()) == CheckedProof(
        jkt=thumbprint_of(prover.jwk), jti="one", replay_until=NOW + 120
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": NOW - 10},
        {"iat": NOW + 10},
        {"iat": NOW - 60},
        {"nbf": NOW, "exp": NOW + 300},
        {"nbf": NOW + 10},
        {"exp": NOW + 1},
        {"htu": "HTTPS://LOGIN.example:443/x/../%74oken?a=b#c"},
        {"jti": "j"},
        {"jti": "j" * 255},
        {"nonce": "that nobody asked for"},
        {"ath": "of no token"},
        {"more": [1, {"x": None}]},
    ],
)
def test_a_proof_that_holds_is_accepted(changes: dict[str, Any]) -> None:
    assert check_proof(proof(**changes), policy()).jkt == PROVER.jkt


def test_a_key_may_say_what_it_is_for() -> None:
    jwk = {**PROVER.jwk, "use": "sig", "alg": "ES256", "kid": "k", "key_ops": ["verify"]}
    assert check_proof(headed(jwk=jwk, kid="other"), policy()).jkt == PROVER.jkt


def test_a_proof_with_an_access_token_holds_for_that_token_alone() -> None:
    header = PROVER.proof("GET", USERINFO, iat=NOW, token=ACCESS_TOKEN)
    shown = policy(method="GET", uri=USERINFO, access_token=ACCESS_TOKEN)
    assert check_proof(header, shown).jkt == PROVER.jkt
    assert access_token_hash(ACCESS_TOKEN) == ath_of(ACCESS_TOKEN)


# --- (1), (2): one header, one JWT ---


def test_two_headers_are_refused() -> None:
    assert refusal(f"{proof()},{proof()}").private == "there are several DPoP headers"
    assert refusal(f"{proof()}, {proof()}").private == "there are several DPoP headers"


@pytest.mark.parametrize(
    "header",
    ["", " ", "x", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "..", "DPoP", "x" * 8_193, "é.é.é"],
)
def test_what_is_no_jwt_is_refused(header: str) -> None:
    refusal(header)


def test_a_jwt_that_is_too_long_is_not_read() -> None:
    header = proof(padding="x" * 8_192)
    assert refusal(header).private == "the DPoP header is empty or too long"


@pytest.mark.parametrize("change", ["{} ", " {}", "{}=", "{}\n", "{}.", "DPoP {}"])
def test_nothing_stands_beside_the_jwt(change: str) -> None:
    refusal(change.format(proof()))


# OP-071
@pytest.mark.parametrize(
    "claims",
    [
        '{"jti":"a","jti":"b","htm":"POST","htu":"https://login.example/token","iat":1800000000}',
        '{"jti":"a","htm":"POST","htu":"https://login.example/token","iat":NaN}',
        '{"jti":"a","htm":"POST","htu":"https://login.example/token","iat":Infinity}',
        '{"jti":"a","htm":"POST","htu":"https://login.example/token","iat":1e999}',
        '{"jti":"a","htm":"POST","htu":"https://login.example/token","iat":' + "1" * 5_000 + "}",
        '{"jti":"\\ud800","htm":"POST","htu":"https://login.example/token","iat":1800000000}',
        '\ufeff{"jti":"a","htm":"POST","htu":"https://login.example/token","iat":1800000000}',
        '{"jti":' + "[" * 2_000 + "]" * 2_000 + "}",
        "[]",
        "null",
        '"text"',
        "",
    ],
)
def test_claims_with_two_readings_are_refused(claims: str) -> None:
    refusal(PROVER.signed(claims))


# --- (3): required claims ---


@pytest.mark.parametrize("name", ["jti", "htm", "htu", "iat"])
def test_every_required_claim_is_demanded(name: str) -> None:
    assert refusal(proof(**{name: ABSENT})).private == "a required claim is absent"


def test_with_an_access_token_ath_is_demanded_too() -> None:
    assert refusal(proof(), access_token=ACCESS_TOKEN).private == "a required claim is absent"


@pytest.mark.parametrize("jti", ["", "j" * 256, 1, None, ["x"], {"x": 1}, True])
def test_a_jti_of_a_wrong_form_is_refused(jti: object) -> None:
    assert refusal(proof(jti=jti)).private == "jti is of a wrong form"


# --- (4): kind ---


@pytest.mark.parametrize(
    "typ",
    [ABSENT, None, "", "JWT", "at+jwt", "DPOP+JWT", "application/dpop+jwt", "dpop", ["dpop+jwt"]],
)
def test_another_kind_of_token_is_refused(typ: object) -> None:
    assert refusal(headed(typ=typ)).private == "it is a token of another kind"


# --- (5): algorithm ---


@pytest.mark.parametrize(
    "alg", [ABSENT, None, "", "none", "None", "HS256", "RS256", "es256", "EdDSA", ["ES256"], 1]
)
def test_another_algorithm_is_refused(alg: object) -> None:
    assert refusal(headed(alg=alg)).private == "its alg is not allowed"


def test_an_unsigned_proof_is_refused() -> None:
    claims = PROVER.claims("POST", TOKEN_ENDPOINT, iat=NOW)
    refusal(sign(PROVER.header(alg="none"), claims, key=None, alg="none"))
    refusal(sign(PROVER.header(), claims, key=None, alg="none"))


def test_a_symmetric_signature_under_the_public_key_is_refused() -> None:
    claims = PROVER.claims("POST", TOKEN_ENDPOINT, iat=NOW)
    public = PROVER.key.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    refusal(PROVER.signed(claims, header=PROVER.header(alg="HS256"), key=secret, signed_as="HS256"))
    refusal(PROVER.signed(claims, key=secret, signed_as="HS256"))


# --- (6): signature; (7): key ---


def test_a_signature_of_another_key_is_refused() -> None:
    claims = PROVER.claims("POST", TOKEN_ENDPOINT, iat=NOW)
    header = PROVER.signed(claims, key=new_key("ES256"))
    assert refusal(header).private == "its signature does not hold"


def test_a_signature_of_another_proof_is_refused() -> None:
    first, second = proof().split("."), proof(jti="other").split(".")
    assert refusal(".".join([*first[:2], second[2]])).private == "its signature does not hold"


def test_a_private_key_in_the_header_is_refused() -> None:
    assert "private" in refusal(headed(jwk=private_jwk(PROVER.key))).private


def test_a_private_rsa_key_in_the_header_is_refused() -> None:
    key = RSA_PROVER.key
    assert isinstance(key, rsa.RSAPrivateKey)
    jwk = {**RSA_PROVER.jwk, "p": encode(key.private_numbers().p.to_bytes(128, "big"))}
    claims = RSA_PROVER.claims("POST", TOKEN_ENDPOINT, iat=NOW)
    header = RSA_PROVER.signed(claims, header=RSA_PROVER.header(jwk=jwk))
    assert "private" in refusal(header).private


@pytest.mark.parametrize(
    "jwk",
    [
        ABSENT,
        None,
        {},
        [],
        "key",
        {"kty": "oct", "k": "c2VjcmV0"},
        {**PROVER.jwk, "use": "enc"},
        {**PROVER.jwk, "key_ops": ["sign"]},
        {**PROVER.jwk, "alg": "ES384"},
        {**PROVER.jwk, "alg": "none"},
        {**PROVER.jwk, "crv": "P-384"},
        {**PROVER.jwk, "x": PROVER.jwk["y"]},
        {**PROVER.jwk, "x": PROVER.jwk["x"] + "="},
        {**PROVER.jwk, "y": PROVER.jwk["y"][:-2]},
        RSA_PROVER.jwk,
        public_jwk(new_key("ES384")),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(jwk: object) -> None:
    refusal(headed(jwk=jwk))


def test_a_weak_rsa_key_is_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)  # noqa: S505  (weak)
    claims = RSA_PROVER.claims("POST", TOKEN_ENDPOINT, iat=NOW)
    header = {"typ": "dpop+jwt", "alg": "PS256", "jwk": public_jwk(weak)}
    assert "2048" in refusal(sign(header, claims, key=weak, alg="PS256")).private


@pytest.mark.parametrize("name", ["crit", "b64", "jku", "x5u", "x5c", "zip", "enc"])
def test_a_header_that_brings_rules_of_its_own_is_refused(name: str) -> None:
    header = headed(**{name: ["exp"]})
    assert refusal(header).private == "its header brings rules of its own"


# --- (8), (9): this request ---


@pytest.mark.parametrize("htm", ["GET", "post", "Post", "", "PUT", None, ["POST"], 1])
def test_another_method_is_refused(htm: object) -> None:
    assert refusal(proof(htm=htm)).private == "htm is another method"


# OP-049
@pytest.mark.parametrize(
    "htu",
    [
        "https://evil.example/token",
        "https://login.example.evil.example/token",
        "https://login.example@evil.example/token",
        "http://login.example/token",
        "https://login.example:8443/token",
        "https://login.example/userinfo",
        "https://login.example/token/",
        "https://login.example/TOKEN",
        "https://login.example/",
        "/token",
        "token",
        "",
        None,
        1,
        ["https://login.example/token"],
    ],
)
def test_another_address_is_refused(htu: object) -> None:
    assert refusal(proof(htu=htu)).private.startswith("htu is ")


# --- (10): nonce ---


@pytest.mark.parametrize(
    "nonce", [ABSENT, None, "", "older", "newest ", "é", "n" * 256, ["newest"]]
)
def test_a_proof_without_the_nonce_is_given_the_newest_one(nonce: object) -> None:
    with pytest.raises(UseDpopNonce) as challenged:
        check_proof(proof(nonce=nonce), policy(nonces=("newest", "previous")))
    assert challenged.value.code == "use_dpop_nonce"
    assert challenged.value.nonce == "newest"


@pytest.mark.parametrize("nonce", ["newest", "previous"])
def test_a_proof_with_a_nonce_of_now_holds(nonce: str) -> None:
    assert check_proof(proof(nonce=nonce), policy(nonces=("newest", "previous"))).jti


def test_a_proof_of_another_request_gets_no_nonce() -> None:
    assert refusal(proof(htm="GET"), nonces=("newest",)).private == "htm is another method"


# --- (11): time ---


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": NOW - 61},
        {"iat": NOW + 11},
        {"iat": 0},
        {"iat": -1},
        {"iat": float(NOW)},
        {"iat": str(NOW)},
        {"iat": True},
        {"iat": None},
        {"iat": [NOW]},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": "2100"},
        {"exp": None},
        {"nbf": NOW + 11},
        {"nbf": 0.5},
        {"nbf": None},
    ],
)
def test_a_proof_of_another_time_is_refused(changes: dict[str, Any]) -> None:
    refusal(proof(**changes))


def test_a_used_jti_is_remembered_for_longer_than_its_proof_holds() -> None:
    header = proof(iat=NOW + 10)
    checked = check_proof(header, policy())
    last = NOW + 10 + 60
    assert check_proof(header, policy(now=last))
    refusal(header, now=last + 1)
    assert checked.replay_until > last + 1


# --- (12): access token ---


@pytest.mark.parametrize(
    "ath",
    ["", ath_of("another"), ath_of(ACCESS_TOKEN) + "=", ath_of(ACCESS_TOKEN)[:-1], "é", 1, None],
)
def test_a_proof_for_another_access_token_is_refused(ath: object) -> None:
    refused = refusal(proof(ath=ath), access_token=ACCESS_TOKEN)
    assert refused.private == "ath is of another access token"


# --- thumbprints ---


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        (PROVER.jkt, True),
        (RSA_PROVER.jkt, True),
        ("", False),
        (PROVER.jkt[:-1], False),
        (PROVER.jkt + "A", False),
        (PROVER.jkt[:-1] + "=", False),
        (PROVER.jkt[:-1] + "\n", False),
    ],
)
def test_a_thumbprint_is_43_characters_of_base64url(value: str, is_one: bool) -> None:  # noqa: FBT001
    assert is_thumbprint(value) is is_one


# --- RFC 9449's own example (4.1) ---


def test_the_rfcs_example_holds_at_its_time() -> None:
    header = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik"
        "VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR"
        "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE"
        "QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj"
        "oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia"
        "WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg"
        "4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    held = ProofPolicy(method="POST", uri="https://server.example.com/token", now=1_562_262_616)
    assert check_proof(header, held).jti == "-BwC3ESc6acc2lTc"
