"""Tokens: what is signed, and the table of what is never believed [RFC 7515; RFC 8725]."""

import hashlib
import hmac
import json
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from tests.support.software_kms import SoftwareKms

from signet.errors import Rejected
from signet.jose import base64url
from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jwks import Jwks
from signet.jose.jws import (
    MAX_CANDIDATES,
    MAX_TOKEN,
    DigestSignature,
    InvalidToken,
    RemoteAlgorithm,
    SigningKey,
    UnknownKey,
    read_unverified,
    sign,
    verify,
)

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
JWT = frozenset({None, "JWT"})
CLAIMS = {"iss": "https://idp.example", "sub": "user-1"}


@dataclass
class Issuer:
    """Somebody with a key, who signs whatever header and payload a test writes."""

    alg: str

    def __post_init__(self) -> None:
        self.kms = SoftwareKms()
        key_id = self.kms.create_key(algorithm=algorithm(self.alg), tags={})
        self.der = self.kms.public_key(key_id)
        self.jwk = PublicJwk.from_der(self.der, alg=self.alg)
        self.key = SigningKey(kid=self.jwk.kid or "", alg=self.alg, key_id=key_id, signer=self.kms)
        self.keys = Jwks(keys=(self.jwk,))

    def raw(self, header: bytes, payload: bytes = b'{"iss":"https://idp.example"}') -> str:
        text = f"{base64url.encode(header)}.{base64url.encode(payload)}"
        signature = RemoteAlgorithm(self.key).sign(text.encode(), None)
        return f"{text}.{base64url.encode(signature)}"

    def token(self, *, drop: str = "", **header: object) -> str:
        members = {"alg": self.alg, "kid": self.key.kid, "typ": "JWT", **header}
        members.pop(drop, None)
        return self.raw(json.dumps(members).encode())


RSA, EC = Issuer("RS256"), Issuer("ES256")
PEM = RSA.jwk.key.public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def refused(token: str, issuer: Issuer = EC, *, types: frozenset[str | None] = JWT) -> str:
    with pytest.raises(InvalidToken) as error:
        verify(token, keys=issuer.keys, alg=issuer.alg, types=types)
    assert error.value.public == "The token is not valid."
    return error.value.private


# --- signing ---


def test_a_token_says_which_key_and_which_request_signed_it() -> None:
    signed = sign(CLAIMS, key=EC.key, typ="JWT")
    assert (signed.kid, signed.request_id) == (EC.key.kid, f"request-{EC.kms.signatures}")
    assert verify(signed.compact, keys=EC.keys, alg="ES256", types=JWT).claims == CLAIMS


def test_a_token_without_typ_has_none() -> None:
    header = read_unverified(sign(CLAIMS, key=EC.key, typ=None).compact).header
    assert header == {"alg": "ES256", "kid": EC.key.kid}


def test_extra_headers_never_displace_our_own() -> None:
    extra = {
        "alg": "none", "kid": "x", "typ": "x", "b64": False, "crit": ["b64"], "x5t": "x",
        "own": "stays",
    }  # fmt: skip
    token = sign(CLAIMS, key=EC.key, typ="JWT", headers=extra).compact
    verified = verify(token, keys=EC.keys, alg="ES256", types=JWT)
    assert verified.header == {"alg": "ES256", "kid": EC.key.kid, "typ": "JWT", "own": "stays"}
    assert verified.claims == CLAIMS


def test_kms_is_asked_to_sign_the_digest_of_the_signing_input() -> None:
    asked: list[tuple[str, str, bytes]] = []

    class Recorder:
        def sign_digest(self, *, key_id: str, algorithm: object, digest: bytes) -> DigestSignature:
            asked.append((key_id, str(algorithm), digest))
            return DigestSignature(value=b"signature", request_id="one")

    key = SigningKey(kid="kid", alg="PS384", key_id="the-key", signer=Recorder())
    token = sign({"long": "x" * 20_000}, key=key, typ="JWT").compact
    signing_input = token.rpartition(".")[0].encode()
    assert asked == [("the-key", str(algorithm("PS384")), hashlib.sha384(signing_input).digest())]
    assert base64url.decode(token.rpartition(".")[2]) == b"signature"


def test_the_signing_half_neither_verifies_nor_gives_keys_away() -> None:
    remote = RemoteAlgorithm(EC.key)
    assert remote.prepare_key("anything") == "anything"
    with pytest.raises(NotImplementedError):
        remote.verify(b"", None, b"")
    with pytest.raises(NotImplementedError):
        RemoteAlgorithm.to_jwk(None)
    with pytest.raises(NotImplementedError):
        RemoteAlgorithm.from_jwk({})


# --- the algorithm is pinned ---


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", ""])
def test_a_token_without_a_signature_is_refused(alg: str) -> None:
    header = base64url.encode(json.dumps({"alg": alg, "typ": "JWT"}).encode())
    payload = base64url.encode(b"{}")
    for signature in ("", EC.token().rpartition(".")[2]):
        refused(f"{header}.{payload}.{signature}")
    refused(f"{header}.{payload}")


@pytest.mark.parametrize(
    "secret",
    [
        PEM,
        PEM.strip(),
        RSA.der,
        json.dumps(RSA.jwk.as_dict()).encode(),
        base64url.decode(RSA.jwk.as_dict()["n"]),
        b"",
    ],
)
def test_the_public_key_is_no_secret_of_hs256(secret: bytes) -> None:
    header = {"alg": "HS256", "kid": RSA.key.kid, "typ": "JWT"}
    text = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, CLAIMS))
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    assert refused(f"{text}.{base64url.encode(mac)}", RSA) == "its alg is not the registered one"
    with pytest.raises(Rejected):
        verify(f"{text}.{base64url.encode(mac)}", keys=RSA.keys, alg="HS256", types=JWT)


@pytest.mark.parametrize(
    "alg", ["RS384", "PS256", "ES384", "es256", "ES256 ", None, 7, ["ES256"], {"ES256": 1}, True]
)
def test_the_header_only_has_to_agree_with_the_registered_algorithm(alg: object) -> None:
    assert refused(EC.token(alg=alg)) == "its alg is not the registered one"


def test_a_token_has_to_name_its_algorithm() -> None:
    refused(EC.token(drop="alg"))


def test_a_key_of_another_type_or_algorithm_is_not_tried() -> None:
    for alg in ("PS256", "RS512", "ES256"):  # RSA.jwk says RS256, and is no EC key
        with pytest.raises(UnknownKey):
            verify(RSA.token(alg=alg), keys=RSA.keys, alg=alg, types=JWT)
    with pytest.raises(UnknownKey):
        verify(EC.token(alg="PS256"), keys=EC.keys, alg="PS256", types=JWT)


def test_a_signature_of_the_wrong_padding_does_not_hold() -> None:
    # The same RSA key without an alg of its own: PKCS #1 v1.5 and PSS must not be mixed up.
    open_key = PublicJwk.parse({**RSA.jwk.as_dict(), "alg": "PS256"})
    keys = Jwks(keys=(open_key,))
    with pytest.raises(InvalidToken):
        verify(RSA.token(alg="PS256"), keys=keys, alg="PS256", types=JWT)


# --- kid ---


@pytest.mark.parametrize("kid", ["", None, 7, True, ["a"], {"a": 1}, "k" * 256])
def test_a_kid_is_a_short_text_or_absent(kid: object) -> None:
    assert refused(EC.token(kid=kid)) == "its kid is not a short text"


@pytest.mark.parametrize("kid", ["other", "../../etc/passwd", "' or 1=1 --", "a\x00b", "k" * 255])
def test_a_kid_that_names_no_key_is_unknown(kid: str) -> None:
    with pytest.raises(UnknownKey) as unknown:
        verify(EC.token(kid=kid), keys=EC.keys, alg="ES256", types=JWT)
    assert kid not in str(unknown.value)


def test_a_token_without_kid_is_tried_with_every_key_that_fits_up_to_a_bound() -> None:
    others = tuple(Issuer("ES256").jwk for _ in range(MAX_CANDIDATES))
    token = EC.token(drop="kid")
    within = Jwks(keys=(*others[1:], EC.jwk))
    assert verify(token, keys=within, alg="ES256", types=JWT).claims["iss"] == CLAIMS["iss"]
    with pytest.raises(UnknownKey):
        verify(token, keys=Jwks(keys=(*others, EC.jwk)), alg="ES256", types=JWT)


def test_another_key_under_the_same_kid_does_not_verify() -> None:
    forger = Issuer("ES256")
    assert refused(forger.token(kid=EC.key.kid)) == "its signature does not hold"


# --- keys and rules that a header would bring itself ---


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crit", ["exp"]), ("crit", []), ("crit", None), ("b64", False), ("b64", True),
        ("jwk", EC.jwk.as_dict()), ("jku", "https://evil.example/jwks"),
        ("x5u", "https://evil.example/cert"), ("x5c", ["AAAA"]), ("zip", "DEF"),
        ("enc", "A256GCM"),
    ],
)  # fmt: skip
def test_a_header_brings_no_keys_and_no_rules(name: str, value: object) -> None:
    assert "of its own" in refused(EC.token(**{name: value}))


def test_a_forger_cannot_bring_the_key_along() -> None:
    forger = Issuer("ES256")
    refused(forger.token(jwk=forger.jwk.as_dict()))
    refused(forger.token(kid=EC.key.kid, jwk=forger.jwk.as_dict()))


# --- typ: kinds of tokens are disjoint ---


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt", "", "JWS", "application/"])
def test_a_token_of_another_kind_is_refused(typ: str) -> None:
    assert refused(EC.token(typ=typ)) == "it is a token of another kind"


@pytest.mark.parametrize("typ", [None, 7, ["JWT"], {"JWT": 1}, False])
def test_a_typ_is_a_text(typ: object) -> None:
    assert refused(EC.token(typ=typ)) == "its typ is not a text"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/JWT", "APPLICATION/jwt"])
def test_the_case_and_the_media_types_prefix_of_typ_do_not_count(typ: str) -> None:
    assert verify(EC.token(typ=typ), keys=EC.keys, alg="ES256", types=JWT)


def test_an_absent_typ_is_accepted_only_where_it_is_allowed() -> None:
    token = EC.token(drop="typ")
    assert verify(token, keys=EC.keys, alg="ES256", types=JWT)
    refused(token, types=frozenset({"at+jwt"}))
    refused(EC.token(), types=frozenset({"at+jwt"}))
    refused(EC.token(), types=frozenset({None}))


# --- one form of a token ---


def spoiled() -> dict[str, str]:
    token = EC.token()
    header, payload, signature = token.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 64 bytes leave four bits of the last character unused: another one of the same bytes.
    twin = last[last.index(signature[-1]) ^ 1]
    alg = f'"alg":"ES256","kid":"{EC.key.kid}"'.encode()
    return {
        "nothing": "",
        "dots": "..",
        "a thousand dots": "." * 1_000,
        "two segments": f"{header}.{payload}",
        "four segments": f"{token}.",
        "a JWE's five segments": f"{header}.e30.e30.e30.e30",
        "the JSON serialization": json.dumps({"payload": payload, "signature": signature}),
        "padding": token + "=",
        "padding of the header": f"{header}=.{payload}.{signature}",
        "a line break": token + "\n",
        "a space in front": " " + token,
        "a character that is not ASCII": token + "é",
        "base64 of the other alphabet": f"{header}.{payload}.{signature[:-2]}+/",
        "stray bits at the end": token[:-1] + twin,
        "no signature": f"{header}.{payload}.",
        "a signature too short": f"{header}.{payload}.{signature[:-4]}",
        "a signature too long": f"{token}AAAA",
        "a signature of zeros": f"{header}.{payload}.{base64url.encode(bytes(64))}",
        "a DER signature": f"{header}.{payload}.{base64url.encode(_der(signature))}",
        "another payload": f"{header}.{base64url.encode(b'{}')}.{signature}",
        "alg twice": EC.raw(b'{"alg":"none",' + alg + b"}"),
        "kid twice": EC.raw(b'{"kid":"x",' + alg + b"}"),
        "a claim twice": EC.raw(b"{" + alg + b"}", b'{"sub":"a","sub":"b"}'),
        "a claim twice at depth": EC.raw(b"{" + alg + b"}", b'{"a":{"sub":"a","sub":"b"}}'),
        "a header that is a list": EC.raw(b"[" + alg.replace(b":", b",") + b"]"),
        "claims that are a list": EC.raw(b"{" + alg + b"}", b"[]"),
        "claims that are no JSON": EC.raw(b"{" + alg + b"}", b"iss"),
        "claims with NaN": EC.raw(b"{" + alg + b"}", b'{"exp":NaN}'),
        "a header of 9,000 bytes": EC.token(x="x" * 9_000),
        "a huge token": EC.raw(b"{" + alg + b"}", b'{"a":"' + b"x" * MAX_TOKEN + b'"}'),
    }


def _der(signature: str) -> bytes:
    raw = base64url.decode(signature)
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


@pytest.mark.parametrize("case", spoiled())
def test_a_token_of_another_form_is_refused(case: str) -> None:
    refused(spoiled()[case])


def test_a_token_in_its_one_form_is_accepted() -> None:
    assert verify(EC.token(), keys=EC.keys, alg="ES256", types=JWT).header["alg"] == "ES256"


def test_the_twin_of_an_ecdsa_signature_verifies_and_so_identifies_nothing() -> None:
    # (r, n - s) holds wherever (r, s) does: what must be used once is the jti, never the token.
    signing_input, _, last = EC.token().rpartition(".")
    raw = base64url.decode(last)
    twin = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    token = f"{signing_input}.{base64url.encode(twin)}"
    assert verify(token, keys=EC.keys, alg="ES256", types=JWT)
