"""A DPoP proof holds as it was signed, for its request, and in no other form [RFC 9449]."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.hostile import VALUES
from tests.support.lying_provider import ABSENT
from tests.support.proofs import Prover

from signet.errors import Rejected, SignetError
from signet.oauth.dpop import ProofPolicy, check_proof
from signet.oauth.http_uri import without_query

NOW = 1_800_000_000
USERINFO = "https://login.example/userinfo"
ACCESS_TOKEN = "an.access.token"
PROVER = Prover()
POLICY = ProofPolicy(
    method="GET", uri=USERINFO, now=NOW, access_token=ACCESS_TOKEN, nonces=("now", "before")
)
CLAIMS = PROVER.claims("GET", USERINFO, token=ACCESS_TOKEN, iat=NOW, nonce="now", jti="one")
PROOF = PROVER.signed(CLAIMS)
SEGMENTS = st.text("abcXYZ019-._~!$&'()*+,;=:@", min_size=1, max_size=8)


def refused(header: str, policy: ProofPolicy = POLICY) -> None:
    with pytest.raises(Rejected) as refusal:
        check_proof(header, policy)
    assert refusal.value.code in {"invalid_dpop_proof", "use_dpop_nonce"}


def test_the_proof_that_is_changed_below_holds() -> None:
    assert check_proof(PROOF, POLICY).jti == "one"


@given(st.integers(0, len(PROOF) - 1), st.characters(max_codepoint=0x2FF))
def test_a_proof_with_any_other_character_is_refused(position: int, character: str) -> None:
    assume(PROOF[position] != character)
    refused(PROOF[:position] + character + PROOF[position + 1 :])


@given(st.integers(0, len(PROOF)), st.text(min_size=1, max_size=4))
def test_a_proof_with_anything_added_is_refused(position: int, text: str) -> None:
    refused(PROOF[:position] + text + PROOF[position:])


@given(st.integers(0, len(PROOF) - 1), st.integers(1, 40))
def test_a_proof_with_anything_missing_is_refused(position: int, length: int) -> None:
    refused(PROOF[:position] + PROOF[position + length :])


@given(st.sampled_from(sorted(CLAIMS)), st.one_of(st.just(ABSENT), VALUES))
def test_a_claim_of_any_other_value_is_refused_or_holds_by_the_rules(name: str, value: Any) -> None:
    """A `jti` may be any short text, and `iat` any whole number inside the window."""
    assume(value != CLAIMS[name])
    assume(not (name == "jti" and isinstance(value, str) and 1 <= len(value) <= 255))
    assume(not (name == "iat" and type(value) is int and NOW - 60 <= value <= NOW + 10))
    refused(PROVER.signed(changed_claims(name, value)))


@given(st.sampled_from(["typ", "alg", "jwk"]), st.one_of(st.just(ABSENT), VALUES))
def test_a_header_member_of_any_other_value_is_refused(name: str, value: Any) -> None:
    header = PROVER.header(**{name: value})
    assume(header != PROVER.header())
    refused(PROVER.signed(CLAIMS, header=header))


@given(st.text(max_size=200))
def test_any_text_at_all_is_refused(header: str) -> None:
    refused(header)


@given(st.integers(-10_000, 10_000))
def test_the_window_is_60_seconds_back_and_10_ahead(offset: int) -> None:
    header = PROVER.signed({**CLAIMS, "iat": NOW + offset})
    if -60 <= offset <= 10:
        assert check_proof(header, POLICY)
    else:
        refused(header)


@given(st.lists(SEGMENTS.filter(lambda segment: segment not in {".", ".."}), max_size=4))
def test_every_spelling_of_an_address_is_that_address(segments: list[str]) -> None:
    """RFC 3986 6.2.2 and 6.2.3: case, escapes, dot segments, the default port."""
    plain = "https://login.example/" + "/".join(segments)
    spelled = "/".join(
        "".join(f"%{ord(letter):02x}" if letter.isalnum() else letter for letter in segment)
        for segment in segments
    )
    assert without_query(plain) == without_query(f"HTTPS://LOGIN.example:443/./x/../{spelled}?q#f")


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_normal_form_is_its_own_normal_form(host: str, path: str) -> None:
    try:
        normal = without_query(f"https://{host}/{path}")
    except SignetError:
        return
    assert without_query(normal) == normal


@given(st.text("abc/.%?#", max_size=12), st.text("abc/.%?#", max_size=12))
def test_different_escaped_paths_are_different_addresses(first: str, second: str) -> None:
    """What is escaped is data: it neither ends a path nor climbs out of one."""
    assume(first != second)
    assume(not {".", ".."} & {first, second})
    one, other = (f"https://login.example/x{quote(path, safe='')}" for path in (first, second))
    assert without_query(one) != without_query(other)


def changed_claims(name: str, value: Any) -> dict[str, Any]:
    changed = {**CLAIMS, name: value}
    return {claim: found for claim, found in changed.items() if found is not ABSENT}
