"""Keys that somebody else publishes: one refetch for an unknown key, and good keys stay."""

import json

import pytest
from tests.support.memory import FixedClock
from tests.support.software_kms import SoftwareKms

from signet.broker.remote_document import FRESH_SECONDS, REFETCH_SECONDS, STALE_LIMIT_SECONDS
from signet.broker.remote_keys import RemoteKeys
from signet.errors import Denied, Unavailable
from signet.jose.algorithms import algorithm
from signet.jose.jwk import PublicJwk
from signet.jose.jws import SignedClaims, SigningKey, UnknownKey, sign
from signet.oauth.http_message import HttpAnswer, HttpRequest, Unreachable

URL = "https://idp.example/jwks"
KMS = SoftwareKms()


def new_key() -> tuple[SigningKey, dict[str, object]]:
    key_id = KMS.create_key(algorithm=algorithm("ES256"), tags={})
    jwk = PublicJwk.from_der(KMS.public_key(key_id), alg="ES256").as_dict()
    return SigningKey(kid=str(jwk["kid"]), alg="ES256", key_id=key_id, signer=KMS), jwk


OLD, OLD_JWK = new_key()
NEW, NEW_JWK = new_key()
STRANGER, _ = new_key()


def token(key: SigningKey) -> str:
    return sign({"sub": "ada"}, key=key, typ="JWT").compact


def forged() -> str:
    """A token that names the old key and is signed by another."""
    stranger = SigningKey(kid=OLD.kid, alg="ES256", key_id=STRANGER.key_id, signer=KMS)
    return token(stranger)


class Origin:
    """The `Fetcher` port before one JWK Set address."""

    def __init__(self) -> None:
        self.fetches = 0
        self.publish(OLD_JWK)

    def publish(self, *keys: dict[str, object]) -> None:
        self.answer(json.dumps({"keys": keys}).encode())

    def answer(self, body: bytes, status: int = 200) -> None:
        headers = {"content-type": "application/json"}
        self.outcome: HttpAnswer | None = HttpAnswer(status=status, headers=headers, body=body)

    def fetch(self, request: HttpRequest, *, bulkhead: str) -> HttpAnswer:
        self.fetches += 1
        if self.outcome is None:
            raise Unreachable("timeout", sent=True)
        return self.outcome


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def keys(origin: Origin, clock: FixedClock) -> RemoteKeys:
    return RemoteKeys(fetcher=origin, clock=clock)


def verify(keys: RemoteKeys, compact: str) -> SignedClaims:
    return keys.verify(compact, url=URL, alg="ES256", types=frozenset({"JWT"}), bulkhead="con_1")


def test_a_new_key_is_accepted_at_once_after_one_refetch(keys: RemoteKeys, origin: Origin) -> None:
    """OP-032."""
    verify(keys, token(OLD))
    origin.publish(OLD_JWK, NEW_JWK)
    assert verify(keys, token(NEW)).claims == {"sub": "ada"}
    assert origin.fetches == 2


def test_an_old_key_is_refused_once_its_removal_can_be_known(
    keys: RemoteKeys, origin: Origin, clock: FixedClock
) -> None:
    """OP-032, RP-032."""
    verify(keys, token(OLD))
    origin.publish(NEW_JWK)
    clock.time += FRESH_SECONDS - 1
    verify(keys, token(OLD))
    clock.time += 1
    with pytest.raises(UnknownKey):
        verify(keys, token(OLD))


def test_many_unknown_keys_cause_two_fetches_and_bad_signatures_none(
    keys: RemoteKeys, origin: Origin
) -> None:
    """OP-031."""
    for _ in range(50):
        with pytest.raises(UnknownKey):
            verify(keys, token(STRANGER))
    for _ in range(50):
        with pytest.raises(Denied):
            verify(keys, forged())
    verify(keys, token(OLD))
    assert origin.fetches == 2


def test_a_new_key_that_no_token_names_is_accepted_after_one_refetch(
    keys: RemoteKeys, origin: Origin
) -> None:
    def unnamed(key: SigningKey) -> str:
        return sign({"sub": "ada"}, key=key, typ="JWT", key_headers=()).compact

    def verified(compact: str) -> str:
        claims = keys.verify(
            compact, url=URL, alg="ES256", types=frozenset({"JWT"}), bulkhead="x"
        ).claims
        return str(claims["sub"])

    assert verified(unnamed(OLD)) == "ada"
    origin.publish(NEW_JWK)
    assert verified(unnamed(NEW)) == "ada"
    assert origin.fetches == 2
    for _ in range(5):
        with pytest.raises(Denied):
            verified(unnamed(STRANGER))
    assert origin.fetches == 2


def test_a_bad_signature_alone_causes_no_refetch(keys: RemoteKeys, origin: Origin) -> None:
    with pytest.raises(Denied):
        verify(keys, forged())
    assert origin.fetches == 1


USELESS = {
    "500": (b"{}", 500),
    "HTML": (b"<html>", 200),
    "no keys": (b'{"keys": []}', 200),
    "no list": (b'{"keys": {}}', 200),
    "an error": (b'{"error": "x"}', 200),
    "truncated": (b'{"keys": [{"kty": "EC"', 200),
    "nothing": (b"", 200),
    "no key that can be used": (b'{"keys": [{"kty": "oct", "k": "AA"}]}', 200),
    "a name twice": (b'{"keys": [], "keys": []}', 200),
}


@pytest.mark.parametrize("case", [*USELESS, "no answer"])
def test_known_keys_verify_on_and_unknown_ones_do_not_while_the_origin_fails(
    keys: RemoteKeys, origin: Origin, clock: FixedClock, case: str
) -> None:
    """RP-031."""
    verify(keys, token(OLD))
    if case in USELESS:
        origin.answer(*USELESS[case])
    else:
        origin.outcome = None
    for passed in (0, REFETCH_SECONDS * 2, FRESH_SECONDS, STALE_LIMIT_SECONDS // 2):
        clock.time += passed
        verify(keys, token(OLD))
        with pytest.raises(UnknownKey):
            verify(keys, token(STRANGER))
    clock.time += STALE_LIMIT_SECONDS
    with pytest.raises(Unavailable):
        verify(keys, token(OLD))


@pytest.mark.parametrize("case", USELESS)
def test_without_a_set_nothing_is_verified(keys: RemoteKeys, origin: Origin, case: str) -> None:
    origin.answer(*USELESS[case])
    with pytest.raises(Unavailable):
        verify(keys, token(OLD))


def test_a_set_that_was_loaded_is_not_waited_for(keys: RemoteKeys, origin: Origin) -> None:
    keys.load(URL, bulkhead="con_1")
    verify(keys, token(OLD))
    assert origin.fetches == 1
