"""DPoP as the OpenID Foundation's suite checks it, over HTTP against the local stack [RFC 9449].

Each test is named after its module of the plan fapi2-security-profile-final, whose clients have
`dpop_bound_access_tokens`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx  # noqa: TID251  (an application from outside)
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support.administrator import ASSERTION_TYPE
from tests.support.clock import now
from tests.support.forged_jws import new_key, private_jwk, sign
from tests.support.lying_provider import ABSENT, lying_provider
from tests.support.proofs import Prover, ath_of
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import Stage, app_answer
from tests.support.travelled import Travelled, Wire

from signet_local.assertion import client_assertion

CONNECTION = "dpop"


class Holder:
    """An application that proves a key, through whole sign-ins."""

    def __init__(self, stage: Stage, client_id: str, **document: Any) -> None:
        self.stage = stage
        self.app = stage.application(client_id, **document)
        self.prover = Prover()
        self.token_endpoint = f"{stage.issuer}/token"
        self.userinfo_endpoint = f"{stage.issuer}/userinfo"

    def code(self, **changes: Any) -> tuple[str, str]:
        return self.stage.code(self.app, CONNECTION, **changes)

    def ask(self, code: tuple[str, str], *proofs: str) -> httpx.Response:
        """Send a token request with so many DPoP headers."""
        headers = [("DPoP", proof) for proof in proofs]
        form = self.app.form(*code)
        return self.app.http.post(self.token_endpoint, data=form, headers=headers)

    def proof(self, **changes: Any) -> str:
        return self.prover.proof("POST", self.token_endpoint, **changes)

    def resource_proof(self, token: str, **changes: Any) -> str:
        return self.prover.proof("GET", self.userinfo_endpoint, token=token, **changes)

    def token(self) -> str:
        answer = self.ask(self.code(), self.proof())
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def userinfo(
        self, token: str, *proofs: str, scheme: str = "DPoP", **headers: str
    ) -> httpx.Response:
        """Ask for the user's claims with so many DPoP headers."""
        sent = [
            ("Authorization", f"{scheme} {token}"),
            *(("DPoP", proof) for proof in proofs),
            *headers.items(),
        ]
        return self.app.http.get(self.userinfo_endpoint, headers=sent)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    travelled = Travelled()
    wire = Wire(travelled)
    try:
        with searched(Stack(), travelled) as stack, lying_provider(travelled) as liar:
            made = Stage(stack, liar, wire)
            made.connect([CONNECTION])
            yield made
    finally:
        wire.close()


@pytest.fixture(scope="module")
def holder(stage: Stage) -> Holder:
    return Holder(stage, "fapi", dpop_bound_access_tokens=True)


def refused_at_token(answer: httpx.Response, *codes: str) -> None:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] in (codes or ("invalid_dpop_proof",))
    assert answer.headers["cache-control"] == "no-store"
    assert "access_token" not in answer.json()


def refused_at_userinfo(answer: httpx.Response, code: str = "invalid_dpop_proof") -> None:
    assert answer.status_code == 401, answer.text
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith(f'DPoP error="{code}"'), challenge
    assert challenge.endswith('algs="ES256 PS256"')
    assert answer.content == b""


# --- fapi2-security-profile-final-discovery-end-point-verification: what it wants of DPoP ---


@pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
def test_discovery_end_point_verification_lists_proof_algorithms(stage: Stage, name: str) -> None:
    metadata = httpx.get(f"{stage.issuer}/.well-known/{name}", trust_env=False).json()
    assert metadata["dpop_signing_alg_values_supported"] == ["ES256", "PS256"]


# --- fapi2-security-profile-final-happy-flow: two clients, two keys, DPoP at the resource ---


@pytest.mark.parametrize("alg", ["ES256", "PS256"])
def test_happy_flow(stage: Stage, alg: str) -> None:
    holder = Holder(stage, f"happy-{alg}", dpop_bound_access_tokens=True)
    holder.prover = Prover(alg)
    answer = holder.ask(holder.code(), holder.proof())
    assert answer.json()["token_type"] == "DPoP"
    token = answer.json()["access_token"]
    userinfo = holder.userinfo(token, holder.resource_proof(token))
    assert userinfo.status_code == 200
    assert userinfo.json()["sub"]
    posted = holder.app.http.post(
        holder.userinfo_endpoint,
        headers={
            "authorization": f"DPoP {token}",
            "dpop": holder.prover.proof("POST", holder.userinfo_endpoint, token=token),
        },
    )
    assert posted.json() == userinfo.json()


# --- fapi2-security-profile-final-ensure-holder-of-key-required ---


def test_ensure_holder_of_key_required(holder: Holder) -> None:
    code = holder.code()
    refused_at_token(holder.ask(code), "invalid_request", "invalid_grant")


# --- fapi2-security-profile-final-dpop-negative-tests ---

WRONG_CLAIMS = {
    "jti missing": {"jti": ABSENT},
    "jti empty": {"jti": ""},
    "htm missing": {"htm": ABSENT},
    "htm of another method": {"htm": "PUT"},
    "htm in lower case": {"htm": "get"},
    "htu missing": {"htu": ABSENT},
    "htu of another endpoint": {"htu": "https://other.example/userinfo"},
    "htu is no address": {"htu": "userinfo"},
    "iat missing": {"iat": ABSENT},
    "iat in the past": {"iat": 1_000_000_000},
    "iat in the future": {"iat": 4_000_000_000},
    "iat is a text": {"iat": "now"},
    "exp in the past": {"exp": 1_000_000_000},
    "nbf in the future": {"nbf": 4_000_000_000},
}
WRONG_HEADERS: dict[str, dict[str, Any]] = {
    "typ missing": {"typ": ABSENT},
    "typ of another kind": {"typ": "JWT"},
    "alg missing": {"alg": ABSENT},
    "alg none": {"alg": "none"},
    "alg of another key": {"alg": "PS256"},
    "alg symmetric": {"alg": "HS256"},
    "jwk missing": {"jwk": ABSENT},
    "jwk of another key": {"jwk": Prover().jwk},
    "jwk symmetric": {"jwk": {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ"}},
    "crit": {"crit": ["exp"]},
}


@pytest.mark.parametrize("case", WRONG_CLAIMS)
def test_dpop_negative_tests_with_a_wrong_claim(holder: Holder, case: str) -> None:
    """Neither the code nor the token is lost by it: the right proof still opens them."""
    code = holder.code()
    changes = WRONG_CLAIMS[case]
    at_token = {**changes, "htm": "put"} if case == "htm in lower case" else changes
    refused_at_token(holder.ask(code, holder.proof(**at_token)))
    token = holder.ask(code, holder.proof()).json()["access_token"]
    refused_at_userinfo(holder.userinfo(token, holder.resource_proof(token, **changes)))
    assert holder.userinfo(token, holder.resource_proof(token)).status_code == 200


@pytest.mark.parametrize("case", WRONG_HEADERS)
def test_dpop_negative_tests_with_a_wrong_header(holder: Holder, case: str) -> None:
    token, header = holder.token(), holder.prover.header(**WRONG_HEADERS[case])
    claims = holder.prover.claims("GET", holder.userinfo_endpoint, token=token)
    refused_at_userinfo(holder.userinfo(token, holder.prover.signed(claims, header=header)))


def test_dpop_negative_tests_with_a_private_key_in_the_header(holder: Holder) -> None:
    token = holder.token()
    claims = holder.prover.claims("GET", holder.userinfo_endpoint, token=token)
    header = holder.prover.header(jwk=private_jwk(holder.prover.key))
    refused_at_userinfo(holder.userinfo(token, holder.prover.signed(claims, header=header)))


def test_dpop_negative_tests_with_another_signature(holder: Holder) -> None:
    token = holder.token()
    claims = holder.prover.claims("GET", holder.userinfo_endpoint, token=token)
    good = holder.prover.signed(claims)
    public = holder.prover.key.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    symmetric = holder.prover.header(alg="HS256")
    for forged in (
        good.rpartition(".")[0] + ".",
        holder.prover.signed(claims, key=new_key("ES256")),
        sign(holder.prover.header(alg="none"), claims, key=None, alg="none"),
        holder.prover.signed(claims, header=symmetric, key=secret, signed_as="HS256"),
    ):
        refused_at_userinfo(holder.userinfo(token, forged))
    assert holder.userinfo(token, good).status_code == 200


def test_dpop_negative_tests_with_a_wrong_ath(holder: Holder) -> None:
    token, other = holder.token(), holder.token()
    for ath in (ABSENT, "", ath_of(other), ath_of(token)[:-1]):
        refused_at_userinfo(holder.userinfo(token, holder.resource_proof(token, ath=ath)))


def test_dpop_negative_tests_without_or_with_two_proofs(holder: Holder) -> None:
    token = holder.token()
    refused_at_userinfo(holder.userinfo(token))
    refused_at_userinfo(
        holder.userinfo(token, holder.resource_proof(token), holder.resource_proof(token))
    )
    code = holder.code()
    refused_at_token(holder.ask(code, holder.proof(), holder.proof()))


def test_dpop_negative_tests_with_a_jti_that_was_used(holder: Holder) -> None:
    token = holder.token()
    proof = holder.resource_proof(token, jti="used-at-the-resource")
    assert holder.userinfo(token, proof).status_code == 200
    refused_at_userinfo(holder.userinfo(token, proof))
    again = holder.resource_proof(token, jti="used-at-the-resource")
    refused_at_userinfo(holder.userinfo(token, again))
    at_token = holder.proof()
    assert holder.ask(holder.code(), at_token).status_code == 200
    refused_at_token(holder.ask(holder.code(), at_token))


def test_dpop_negative_tests_with_a_proof_of_another_key(holder: Holder) -> None:
    token = holder.token()
    proof = Prover().proof("GET", holder.userinfo_endpoint, token=token)
    refused_at_userinfo(holder.userinfo(token, proof), "invalid_token")


def test_dpop_negative_tests_with_another_spelling_of_the_address(holder: Holder) -> None:
    """RFC 3986: case of scheme and host, escapes, dot segments; query and fragment are ignored."""
    token = holder.token()
    plain = holder.userinfo_endpoint
    for htu in (
        plain.replace("http://", "HTTP://"),
        plain.replace("userinfo", "%75serinfo"),
        plain.replace("userinfo", "x/../userinfo"),
        f"{plain}?query#fragment",
    ):
        answer = holder.userinfo(token, holder.resource_proof(token, htu=htu))
        assert answer.status_code == 200, htu


# OP-048
def test_dpop_negative_tests_with_the_token_as_a_bearer_token(holder: Holder) -> None:
    token = holder.token()
    for proofs in ((), (holder.resource_proof(token),)):
        answer = holder.userinfo(token, *proofs, scheme="Bearer")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == (
            'Bearer error="invalid_token", error_description="The access token is not valid.", '
            'DPoP algs="ES256 PS256"'
        )


def test_without_any_token_both_schemes_are_named(holder: Holder) -> None:
    answer = holder.app.http.get(holder.userinfo_endpoint)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer, DPoP algs="ES256 PS256"'


# OP-049
@pytest.mark.parametrize("name", ["x-forwarded-host", "forwarded", "x-original-url", "host"])
def test_a_header_moves_no_address(holder: Holder, name: str) -> None:
    token = holder.token()
    proof = holder.resource_proof(token, htu="https://evil.example/userinfo")
    value = "host=evil.example;proto=https" if name == "forwarded" else "evil.example"
    moved = {name: value, "x-forwarded-proto": "https"}
    assert holder.userinfo(token, proof, **moved).status_code in {401, 403, 421}


# OP-071
@pytest.mark.parametrize(
    "claims",
    [
        '{"iat":NaN}',
        '{"iat":Infinity}',
        '{"iat":1e999}',
        '{"iat":' + "1" * 5_000 + "}",
        '{"jti":"a","jti":"b"}',
        '{"a":' + "[" * 2_500 + "]" * 2_500 + "}",
        "\ufeff{}",
        '{"jti":"\\ud800"}',
    ],
    ids=["NaN", "Infinity", "1e999", "5,000 digits", "twice", "deep", "BOM", "surrogate"],
)
def test_a_proof_with_two_readings_is_never_an_error_of_ours(holder: Holder, claims: str) -> None:
    refused_at_token(holder.ask(("x", "v" * 43), holder.prover.signed(claims)))


# --- fapi2-security-profile-final-check-dpop-proof-nbf-exp ---


def test_check_dpop_proof_nbf_exp(holder: Holder) -> None:
    times = {"nbf": now(), "exp": now() + 300}
    answer = holder.ask(holder.code(), holder.proof(**times))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert holder.userinfo(token, holder.resource_proof(token, **times)).status_code == 200


# --- fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-{before,after}-succeeds ---


def test_ensure_dpopproof_with_iat_10seconds_before_succeeds(holder: Holder) -> None:
    answer = holder.ask(holder.code(), holder.proof(iat=now() - 10))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    proof = holder.resource_proof(token, iat=now() - 10)
    assert holder.userinfo(token, proof).status_code == 200


def test_ensure_dpopproof_with_iat_10seconds_after_succeeds(holder: Holder) -> None:
    answer = holder.ask(holder.code(), holder.proof(iat=now() + 10))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    proof = holder.resource_proof(token, iat=now() + 10)
    assert holder.userinfo(token, proof).status_code == 200


# --- fapi2-security-profile-final-ensure-dpop-auth-code-binding-success ---


def test_ensure_dpop_auth_code_binding_success(holder: Holder) -> None:
    answer = holder.ask(holder.code(dpop_jkt=holder.prover.jkt), holder.proof())
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert holder.userinfo(token, holder.resource_proof(token)).status_code == 200


# --- fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-jkt ---


# OP-048
def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(holder: Holder) -> None:
    code = holder.code(dpop_jkt=Prover().jkt)
    refused_at_token(holder.ask(code, holder.proof()), "invalid_grant")
    refused_at_token(holder.ask(code, holder.proof()), "invalid_grant")


# OP-048
def test_a_bound_code_is_not_redeemed_by_leaving_the_proof_out(stage: Stage) -> None:
    holder = Holder(stage, "optional")
    code = holder.code(dpop_jkt=holder.prover.jkt)
    refused_at_token(holder.ask(code), "invalid_grant")


def test_a_dpop_jkt_that_is_no_thumbprint_is_refused_at_authorize(
    stage: Stage, holder: Holder
) -> None:
    sign_in = holder.app.request(CONNECTION, dpop_jkt="not-a-thumbprint")
    answer = stage.browser().open(f"{stage.issuer}/authorize", sign_in.parameters)
    back = app_answer(answer)
    assert (back["error"], back["iss"]) == ("invalid_request", stage.issuer)


# --- fapi2-security-profile-final-access-token-type-header-case-sensitivity ---


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "dPoP"])
def test_access_token_type_header_case_sensitivity(holder: Holder, scheme: str) -> None:
    token = holder.token()
    answer = holder.userinfo(token, holder.resource_proof(token), scheme=scheme)
    assert answer.status_code == 200


def test_a_client_that_need_not_may_still_prove_a_key(stage: Stage) -> None:
    holder = Holder(stage, "free")
    assert holder.ask(holder.code(), holder.proof()).json()["token_type"] == "DPoP"
    bearer = holder.ask(holder.code()).json()
    assert bearer["token_type"] == "Bearer"
    assert holder.userinfo(bearer["access_token"], scheme="bEARER").status_code == 200
    token = bearer["access_token"]
    refused_at_userinfo(holder.userinfo(token, holder.resource_proof(token)), "invalid_token")


# --- nonces (RFC 9449 8, 9) ---


def test_a_client_of_nonces_is_given_one_and_goes_on(stage: Stage) -> None:
    holder = Holder(stage, "nonced", dpop_bound_access_tokens=True, dpop_nonce_required=True)
    code = holder.code()
    challenged = holder.ask(code, holder.proof())
    refused_at_token(challenged, "use_dpop_nonce")
    nonce = challenged.headers["dpop-nonce"]
    answer = holder.ask(code, holder.proof(nonce=nonce))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    at_resource = holder.userinfo(token, holder.resource_proof(token))
    refused_at_userinfo(at_resource, "use_dpop_nonce")
    nonce = at_resource.headers["dpop-nonce"]
    assert holder.userinfo(token, holder.resource_proof(token, nonce=nonce)).status_code == 200


# --- one proof, many uses at once ---


def test_of_twenty_uses_of_one_proof_at_once_exactly_one_is_answered(holder: Holder) -> None:
    token = holder.token()
    proof = holder.resource_proof(token)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: holder.userinfo(token, proof), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19


# --- the management API ---


def test_an_administrator_may_prove_a_key_too(stage: Stage) -> None:
    prover, document = Prover(), stage.stack.admin()
    issuer, api = stage.issuer, f"{stage.issuer}/api/v1/clients"
    with httpx.Client(timeout=30, trust_env=False) as http:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(document, now=now()),
        }
        headers = {"dpop": prover.proof("POST", f"{issuer}/token")}
        answer = http.post(f"{issuer}/token", data=form, headers=headers).json()
        assert answer["token_type"] == "DPoP"
        token = answer["access_token"]

        def read(scheme: str, proof: str | None, method: str = "GET") -> httpx.Response:
            sent = {"authorization": f"{scheme} {token}"}
            return http.request(
                method, api, headers=sent | ({"dpop": proof} if proof is not None else {})
            )

        proof = prover.proof("GET", api, token=token)
        for scheme, shown in (("Bearer", None), ("Bearer", proof), ("DPoP", None)):
            refused = read(scheme, shown)
            assert refused.status_code == 401
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["www-authenticate"].endswith('DPoP algs="ES256 PS256"') == (
                scheme == "Bearer"
            )
        assert read("DPoP", proof, "HEAD").status_code == 401
        assert read("DPoP", proof).status_code == 200
        assert read("DPoP", proof).json()["code"] == "invalid_dpop_proof"
        stolen = Prover().proof("GET", api, token=token)
        assert read("DPoP", stolen).json()["code"] == "invalid_token"
