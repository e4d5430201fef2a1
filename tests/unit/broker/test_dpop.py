"""Tokens and codes that are bound to a key, over the whole broker in memory [RFC 9449]."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.support.broker import ISSUER, App, Broker, answer_of
from tests.support.memory import MemoryReplay, one_after_the_other
from tests.support.proofs import Prover
from tests.support.racing import at_once

from signet.broker.client import MANAGEMENT_SCOPES
from signet.broker.client_credentials import IssueClientToken
from signet.broker.management_access import ManagementAccess
from signet.broker.proof_nonces import STEP, TimedNonces
from signet.errors import Denied, Misconfigured, Rejected, SignetError, Unavailable
from signet.jose.jws import read_unverified
from signet.oauth.client_assertion import ASSERTION_TYPE
from signet.oauth.dpop_error import UseDpopNonce

TOKEN = f"{ISSUER}/token"
PAR = f"{ISSUER}/par"
USERINFO = f"{ISSUER}/userinfo"
CONNECTIONS = "/api/v1/connections"


class Desk:
    """A broker, a connection, an application, and a key to prove."""

    def __init__(self, **members: object) -> None:
        self.broker = Broker()
        self.connection = self.broker.connect()
        self.app: App = self.broker.register_app(**members)
        self.prover = Prover()

    def proof(self, method: str, uri: str, /, **changes: Any) -> str:
        return self.prover.proof(method, uri, **{"iat": self.broker.clock.now(), **changes})

    def code(self, **changes: str | None) -> str:
        started = self.app.begin(connection=self.connection.name, **changes)
        return answer_of(self.broker.callback(self.connection, started))["code"]

    def redeem(self, code: str, dpop: str | None, **changes: str) -> dict[str, Any]:
        parameters = self.app.token_parameters(code, **changes)
        return self.broker.redeem(parameters, authorization=None, dpop=dpop)

    def access_token(self) -> str:
        return str(self.redeem(self.code(), self.proof("POST", TOKEN))["access_token"])

    def userinfo(self, token: str, **changes: Any) -> dict[str, object]:
        """Ask with a proof that holds, changed as a test wants it."""
        proof = self.proof("GET", USERINFO, token=token, **changes)
        return self.broker.userinfo(f"DPoP {token}", dpop=proof)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refusal(call: Callable[[], object]) -> SignetError:
    with pytest.raises(SignetError) as refused:
        call()
    return refused.value


# --- /token ---


def test_a_token_request_with_a_proof_gets_a_token_bound_to_its_key(desk: Desk) -> None:
    tokens = desk.redeem(desk.code(), desk.proof("POST", TOKEN))
    claims = read_unverified(tokens["access_token"]).claims
    assert tokens["token_type"] == "DPoP"
    assert claims["cnf"] == {"jkt": desk.prover.jkt}
    assert "cnf" not in read_unverified(tokens["id_token"]).claims


def test_a_token_request_without_a_proof_gets_a_bearer_token(desk: Desk) -> None:
    tokens = desk.redeem(desk.code(), None)
    assert tokens["token_type"] == "Bearer"
    assert "cnf" not in read_unverified(tokens["access_token"]).claims


def test_a_client_of_bound_tokens_has_to_send_a_proof() -> None:
    desk = Desk(dpop_bound_access_tokens=True)
    code = desk.code()
    assert refusal(lambda: desk.redeem(code, None)).code == "invalid_request"
    assert desk.redeem(code, desk.proof("POST", TOKEN))["token_type"] == "DPoP"


@pytest.mark.parametrize(
    "changes",
    [{"htm": "GET"}, {"htu": USERINFO}, {"iat": 1}, {"jti": ""}, {"exp": 1}, {"nbf": 9**10}],
)
def test_a_refused_proof_uses_up_neither_code_nor_assertion_nor_jti(
    desk: Desk, changes: dict[str, Any]
) -> None:
    code, assertion = desk.code(), desk.app.assertion()
    bad, good = desk.proof("POST", TOKEN, **{"jti": "one", **changes}), desk.proof("POST", TOKEN)
    refused = refusal(lambda: desk.redeem(code, bad, client_assertion=assertion))
    assert (type(refused), refused.code) == (Rejected, "invalid_dpop_proof")
    assert not desk.broker.replay.used
    assert desk.redeem(code, good, client_assertion=assertion)["token_type"] == "DPoP"


def test_a_proof_is_used_once_at_token(desk: Desk) -> None:
    proof = desk.proof("POST", TOKEN)
    desk.redeem(desk.code(), proof)
    code = desk.code()
    assert refusal(lambda: desk.redeem(code, proof)).code == "invalid_dpop_proof"
    assert desk.redeem(code, desk.proof("POST", TOKEN))["token_type"] == "DPoP"


def test_nobody_uses_up_a_jti_of_another_key(desk: Desk) -> None:
    stranger = Prover()
    for prover in (stranger, desk.prover):
        proof = prover.proof("POST", TOKEN, jti="same", iat=desk.broker.clock.now())
        assert desk.redeem(desk.code(), proof)["token_type"] == "DPoP"


def test_a_jti_is_stored_as_a_hash_alone(desk: Desk) -> None:
    desk.redeem(desk.code(), desk.proof("POST", TOKEN, jti="a-jti-of-its-own"))
    (key,) = [key for key in desk.broker.replay.used if key.startswith("DPOP#")]
    assert len(key) == len("DPOP#") + 43
    assert "a-jti" not in key
    assert desk.prover.jkt not in key


def test_a_store_that_is_down_lets_no_proof_pass(desk: Desk) -> None:
    class Down:
        def use(self, key: str, *, expires_at: int) -> bool:
            del key, expires_at
            raise Unavailable("store_unavailable", "The service is not available now.")

    proofs = replace(desk.broker.proofs, replay=Down())
    redeem = replace(desk.broker.redeem, proofs=proofs)
    parameters = desk.app.token_parameters(desk.code())
    proof = desk.proof("POST", TOKEN)
    with pytest.raises(Unavailable):
        redeem(parameters, authorization=None, dpop=proof)
    assert desk.broker.kms.signatures


# OP-028
def test_a_proof_is_no_client_assertion_and_an_assertion_is_no_proof(desk: Desk) -> None:
    claims = {"iss": "app", "sub": "app", "aud": ISSUER, "exp": desk.broker.clock.now() + 60}
    proof = desk.proof("POST", TOKEN, **claims)
    refused = refusal(lambda: desk.redeem(desk.code(), None, client_assertion=proof))
    assert refused.code == "invalid_client"
    assertion = desk.app.assertion(htm="POST", htu=TOKEN)
    assert refusal(lambda: desk.redeem(desk.code(), assertion)).code == "invalid_dpop_proof"


# OP-048
def test_the_client_is_authenticated_before_its_proof_is_looked_at(desk: Desk) -> None:
    refused = refusal(lambda: desk.redeem("x", "no proof", client_assertion="a.b.c"))
    assert refused.code == "invalid_client"


def test_a_hundred_uses_of_one_proof_at_once_have_one_winner(desk: Desk) -> None:
    """Each has a code and an assertion of its own: the proof alone decides."""
    proof = desk.proof("POST", TOKEN)
    requests = [desk.app.token_parameters(desk.code()) for _ in range(100)]

    def outcome(parameters: dict[str, str]) -> str:
        try:
            tokens = desk.broker.redeem(parameters, authorization=None, dpop=proof)
        except Rejected as error:
            return error.code
        return str(tokens["token_type"])

    outcomes = at_once([partial(outcome, parameters) for parameters in requests])
    assert sorted(outcomes) == ["DPoP", *["invalid_dpop_proof"] * 99]


def test_a_grant_keeps_the_key_that_was_proved_when_its_code_was_redeemed(desk: Desk) -> None:
    """What comes after the code (a refresh) has to prove the same key [RFC 9449 5]."""
    token = desk.access_token()
    grant = desk.broker.grants.get(str(read_unverified(token).claims["grant_id"]))
    assert grant is not None
    assert grant.dpop_jkt == desk.prover.jkt


def test_a_code_that_gave_no_tokens_is_bound_to_no_key_by_it(desk: Desk) -> None:
    """KMS failed: the client comes again, and may prove another key (OP-074)."""
    code = desk.code()
    desk.broker.kms.fail = 1
    assert refusal(lambda: desk.redeem(code, desk.proof("POST", TOKEN))).status == 503
    desk.prover = Prover()
    assert desk.redeem(code, desk.proof("POST", TOKEN))["token_type"] == "DPoP"


# --- codes that are bound to a key (section 10) ---


def test_a_bound_code_is_redeemed_with_its_key(desk: Desk) -> None:
    tokens = desk.redeem(desk.code(dpop_jkt=desk.prover.jkt), desk.proof("POST", TOKEN))
    assert read_unverified(tokens["access_token"]).claims["cnf"] == {"jkt": desk.prover.jkt}


# OP-048
def test_a_bound_code_is_spent_by_a_proof_of_another_key(desk: Desk) -> None:
    code = desk.code(dpop_jkt=desk.prover.jkt)
    other = Prover().proof("POST", TOKEN, iat=desk.broker.clock.now())
    assert refusal(lambda: desk.redeem(code, other)).code == "invalid_grant"
    own = desk.proof("POST", TOKEN)
    assert refusal(lambda: desk.redeem(code, own)).code == "invalid_grant"


# OP-048
def test_a_bound_code_is_no_code_without_a_proof(desk: Desk) -> None:
    code = desk.code(dpop_jkt=desk.prover.jkt)
    assert refusal(lambda: desk.redeem(code, None)).code == "invalid_grant"


@pytest.mark.parametrize("jkt", ["x", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "/", "é" * 43])
def test_a_dpop_jkt_that_is_no_thumbprint_goes_back_with_an_error(desk: Desk, jkt: str) -> None:
    redirection = desk.broker.start(desk.app.request(dpop_jkt=jkt))
    assert answer_of(redirection)["error"] == "invalid_request"  # type: ignore[arg-type]


# --- at a pushed request (section 10.1) ---


def test_a_pushed_request_is_bound_to_its_proofs_key(desk: Desk) -> None:
    check = desk.broker.proofs.check_dpop_at_par
    for jkt in (None, desk.prover.jkt):
        proof = check(desk.proof("POST", PAR), desk.app.client, dpop_jkt=jkt)
        assert proof is not None
        assert proof.jkt == desk.prover.jkt
    assert check(None, desk.app.client, dpop_jkt=desk.prover.jkt) is None


def test_a_pushed_request_with_two_keys_is_refused(desk: Desk) -> None:
    check, header = desk.broker.proofs.check_dpop_at_par, desk.proof("POST", PAR)
    refused = refusal(lambda: check(header, desk.app.client, dpop_jkt=Prover().jkt))
    assert refused.code == "invalid_request"


def test_a_proof_for_the_token_endpoint_is_none_for_par(desk: Desk) -> None:
    check, header = desk.broker.proofs.check_dpop_at_par, desk.proof("POST", TOKEN)
    refused = refusal(lambda: check(header, desk.app.client, dpop_jkt=None))
    assert refused.code == "invalid_dpop_proof"


# --- /userinfo (section 7) ---


def test_a_bound_token_is_shown_with_a_proof_of_its_key(desk: Desk) -> None:
    assert desk.userinfo(desk.access_token())["email"] == "ada@example.org"


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "dPoP"])
def test_the_scheme_is_of_any_case(desk: Desk, scheme: str) -> None:
    token = desk.access_token()
    proof = desk.proof("GET", USERINFO, token=token)
    assert desk.broker.userinfo(f"{scheme} {token}", dpop=proof)["sub"]


# OP-048
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
@pytest.mark.parametrize("with_proof", [True, False])
def test_a_bound_token_is_no_bearer_token(desk: Desk, scheme: str, *, with_proof: bool) -> None:
    token = desk.access_token()
    proof = desk.proof("GET", USERINFO, token=token) if with_proof else None
    refused = refusal(lambda: desk.broker.userinfo(f"{scheme} {token}", dpop=proof))
    assert (type(refused), refused.code) == (Denied, "invalid_token")


def test_a_bearer_token_is_not_shown_with_the_scheme_dpop(desk: Desk) -> None:
    token = str(desk.redeem(desk.code(), None)["access_token"])
    assert refusal(lambda: desk.userinfo(token)).code == "invalid_token"
    assert desk.broker.userinfo(f"Bearer {token}")["sub"]


def test_a_bearer_token_with_a_proof_beside_it_is_still_one(desk: Desk) -> None:
    token = str(desk.redeem(desk.code(), None)["access_token"])
    assert desk.broker.userinfo(f"Bearer {token}", dpop="not even a proof")["sub"]


# OP-048
def test_a_bound_token_without_a_proof_is_refused(desk: Desk) -> None:
    token = desk.access_token()
    assert refusal(lambda: desk.broker.userinfo(f"DPoP {token}")).code == "invalid_dpop_proof"


# OP-048
def test_a_stolen_token_is_nothing_with_the_thiefs_own_proof(desk: Desk) -> None:
    token = desk.access_token()
    proof = Prover().proof("GET", USERINFO, token=token, iat=desk.broker.clock.now())
    refused = refusal(lambda: desk.broker.userinfo(f"DPoP {token}", dpop=proof))
    assert refused.code == "invalid_token"


def test_a_proof_for_another_token_of_the_same_key_is_refused(desk: Desk) -> None:
    token, other = desk.access_token(), desk.access_token()
    proof = desk.proof("GET", USERINFO, token=other)
    refused = refusal(lambda: desk.broker.userinfo(f"DPoP {token}", dpop=proof))
    assert refused.code == "invalid_dpop_proof"


def test_a_proof_is_for_its_method(desk: Desk) -> None:
    token = desk.access_token()
    proof = desk.proof("GET", USERINFO, token=token)
    call = lambda: desk.broker.userinfo(f"DPoP {token}", dpop=proof, method="POST")  # noqa: E731
    assert refusal(call).code == "invalid_dpop_proof"
    posted = desk.proof("POST", USERINFO, token=token)
    assert desk.broker.userinfo(f"DPoP {token}", dpop=posted, method="POST")["sub"]


# OP-049
@pytest.mark.parametrize(
    "htu",
    [
        "https://evil.example/userinfo",
        "https://login.example/token",
        "http://login.example/userinfo",
    ],
)
def test_a_proof_for_another_address_is_refused_and_its_jti_stays_free(
    desk: Desk, htu: str
) -> None:
    token = desk.access_token()
    refused = refusal(lambda: desk.userinfo(token, htu=htu, jti="mine"))
    assert refused.code == "invalid_dpop_proof"
    assert desk.userinfo(token, jti="mine")["sub"]


def test_a_proof_is_used_once_at_userinfo(desk: Desk) -> None:
    token = desk.access_token()
    proof = desk.proof("GET", USERINFO, token=token)
    assert desk.broker.userinfo(f"DPoP {token}", dpop=proof)["sub"]
    refused = refusal(lambda: desk.broker.userinfo(f"DPoP {token}", dpop=proof))
    assert refused.code == "invalid_dpop_proof"


def test_a_removed_client_shows_no_token(desk: Desk) -> None:
    token = desk.access_token()
    desk.broker.clients.put(replace(desk.app.client, enabled=False))
    assert refusal(lambda: desk.userinfo(token)).code == "invalid_token"


# --- the management API and client_credentials ---


class ManagementDesk(Desk):
    """A management client that proves a key."""

    def __init__(self, **members: object) -> None:
        super().__init__(
            **{
                "grant_types": ["client_credentials"],
                "scopes": list(MANAGEMENT_SCOPES),
                **members,
            }
        )
        self.issue = IssueClientToken(
            issuer=ISSUER,
            authentication=self.broker.redeem.authentication,
            proofs=self.broker.proofs,
            keyrings=self.broker.recent_keyrings,
            keys=self.broker.keys,
            audit=self.broker.audit,
            clock=self.broker.clock,
            entropy=self.broker.entropy,
            together=one_after_the_other,
        )
        self.access = ManagementAccess(resource=self.broker.resource)

    def answer(self, dpop: str | None) -> dict[str, Any]:
        parameters = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.app.assertion(),
        }
        return self.issue(parameters, authorization=None, dpop=dpop)

    def let_in(self, scheme: str, token: str, dpop: str | None, **changes: str) -> str:
        request = {"method": "GET", "path": CONNECTIONS, **changes}
        principal = self.access(f"{scheme} {token}", scope="connections:read", dpop=dpop, **request)
        return principal.client_id


@pytest.fixture
def management() -> ManagementDesk:
    return ManagementDesk()


def test_a_management_client_gets_and_shows_a_bound_token(management: ManagementDesk) -> None:
    answer = management.answer(management.proof("POST", TOKEN))
    token = answer["access_token"]
    assert answer["token_type"] == "DPoP"
    assert read_unverified(token).claims["cnf"] == {"jkt": management.prover.jkt}
    proof = management.proof("GET", f"{ISSUER}{CONNECTIONS}", token=token)
    assert management.let_in("DPoP", token, proof) == "app"
    assert refusal(lambda: management.let_in("DPoP", token, proof)).code == "invalid_dpop_proof"


def test_a_management_client_of_bound_tokens_gets_no_other() -> None:
    management = ManagementDesk(dpop_bound_access_tokens=True)
    assert refusal(lambda: management.answer(None)).code == "invalid_request"
    assert management.answer(management.proof("POST", TOKEN))["token_type"] == "DPoP"


def test_a_proof_gets_one_management_token(management: ManagementDesk) -> None:
    proof = management.proof("POST", TOKEN)
    management.answer(proof)
    assert refusal(lambda: management.answer(proof)).code == "invalid_dpop_proof"


# MG-006
def test_a_bound_management_token_opens_nothing_without_its_proof(
    management: ManagementDesk,
) -> None:
    token = management.answer(management.proof("POST", TOKEN))["access_token"]
    proof = management.proof("GET", f"{ISSUER}{CONNECTIONS}", token=token)
    assert refusal(lambda: management.let_in("Bearer", token, proof)).code == "invalid_token"
    assert refusal(lambda: management.let_in("DPoP", token, None)).code == "invalid_dpop_proof"
    for changes in ({"path": "/api/v1/clients"}, {"method": "POST"}):
        refused = refusal(lambda: management.let_in("DPoP", token, proof, **changes))  # noqa: B023
        assert refused.code == "invalid_dpop_proof"
    assert management.let_in("DPoP", token, proof) == "app"


def test_a_caller_without_the_scope_uses_no_jti_up(management: ManagementDesk) -> None:
    token = management.answer(management.proof("POST", TOKEN))["access_token"]
    management.broker.clients.put(replace(management.app.client, scopes=("keys:read",)))
    proof = management.proof("GET", f"{ISSUER}{CONNECTIONS}", token=token, jti="mine")
    used = dict(management.broker.replay.used)
    assert refusal(lambda: management.let_in("DPoP", token, proof)).code == "insufficient_scope"
    assert management.broker.replay.used == used


# --- nonces (sections 8 and 9) ---


@pytest.fixture
def nonced() -> Desk:
    return Desk(dpop_nonce_required=True)


def challenge(call: Callable[[], object]) -> str:
    with pytest.raises(UseDpopNonce) as challenged:
        call()
    return challenged.value.nonce


def test_a_client_of_nonces_is_given_one_and_comes_again_with_its_code(nonced: Desk) -> None:
    code, assertion = nonced.code(), nonced.app.assertion()
    first = nonced.proof("POST", TOKEN)
    nonce = challenge(lambda: nonced.redeem(code, first, client_assertion=assertion))
    second = nonced.proof("POST", TOKEN, nonce=nonce)
    tokens = nonced.redeem(code, second, client_assertion=assertion)
    assert tokens["token_type"] == "DPoP"


def test_a_client_of_nonces_is_given_one_at_every_endpoint(nonced: Desk) -> None:
    nonce = nonced.broker.proofs.nonces.valid()[0]
    proof = nonced.proof("POST", TOKEN, nonce=nonce)
    token = str(nonced.redeem(nonced.code(), proof)["access_token"])
    assert challenge(lambda: nonced.userinfo(token)) == nonce
    assert nonced.userinfo(token, nonce=nonce)["sub"]
    check = nonced.broker.proofs.check_dpop_at_par
    header = nonced.proof("POST", PAR)
    assert challenge(lambda: check(header, nonced.app.client, dpop_jkt=None)) == nonce


def test_a_client_that_was_given_no_nonce_works_without(desk: Desk) -> None:
    assert desk.redeem(desk.code(), desk.proof("POST", TOKEN))["token_type"] == "DPoP"


def test_a_nonce_ends_and_none_is_known_before_its_time(nonced: Desk) -> None:
    nonces, clock = nonced.broker.proofs.nonces, nonced.broker.clock
    seen = []
    for _ in range(5):
        newest, previous = nonces.valid()
        assert previous not in seen[:-1]
        assert newest not in seen
        assert not seen or previous == seen[-1]
        seen.append(newest)
        clock.time += STEP


def test_another_deployment_has_other_nonces(nonced: Desk) -> None:
    nonces = nonced.broker.proofs.nonces
    assert isinstance(nonces, TimedNonces)
    before = nonces.valid()
    nonced.broker.nonce_seeds.seed = "another"
    assert not set(before) & set(nonces.valid())


def test_without_a_seed_there_are_no_nonces_and_nothing_passes(nonced: Desk) -> None:
    nonced.broker.nonce_seeds.seed = None
    proof, code = nonced.proof("POST", TOKEN, nonce="x"), nonced.code()
    with pytest.raises(Misconfigured) as missing:
        nonced.redeem(code, proof)
    assert missing.value.code == "nonce_seed_missing"


def test_a_second_deployment_keeps_the_seed(desk: Desk) -> None:
    before = desk.broker.nonce_seeds.get()
    assert before
    desk.broker.initialize()
    assert desk.broker.nonce_seeds.get() == before


def test_the_replay_store_is_the_assertions_own(desk: Desk) -> None:
    assert isinstance(desk.broker.replay, MemoryReplay)
    desk.redeem(desk.code(), desk.proof("POST", TOKEN, jti="x"))
    kinds = sorted(key.partition("#")[0] for key in desk.broker.replay.used)
    assert kinds == ["DPOP", "JTI"]
