"""A key from the pushed request to the last refresh: each step needs a proof of it [RFC 9449]."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.broker import ISSUER, App, Broker, answer_of
from tests.support.proofs import Prover

from signet.errors import Rejected, SignetError
from signet.jose.jws import read_unverified

PAR = f"{ISSUER}/par"
TOKEN = f"{ISSUER}/token"
USERINFO = f"{ISSUER}/userinfo"
OFFLINE = {
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": ["openid", "profile", "email", "offline_access"],
}


class Desk:
    """An application that may stay signed in, and a key to prove."""

    def __init__(self, **members: object) -> None:
        self.broker = Broker()
        self.connection = self.broker.connect()
        self.app: App = self.broker.register_app(**{**OFFLINE, **members})
        self.prover = Prover()

    def proof(self, uri: str = TOKEN, *, by: Prover | None = None, **changes: Any) -> str:
        made = {"iat": self.broker.clock.now(), **changes}
        return (by or self.prover).proof("POST", uri, **made)

    def push(self, dpop: str | None, **changes: str | None) -> str:
        parameters = self.app.push_parameters(scope="openid offline_access", **changes)
        pushed = self.broker.push(parameters, authorization=None, dpop=dpop)
        return str(pushed["request_uri"])

    def code(self, request_uri: str) -> str:
        started = self.app.open(request_uri)
        self.broker.idp.nonce = started.query["nonce"]
        return answer_of(self.broker.callback(self.connection, started))["code"]

    def redeem(self, code: str, dpop: str | None) -> dict[str, Any]:
        parameters = self.app.token_parameters(code)
        return self.broker.redeem(parameters, authorization=None, dpop=dpop)

    def tokens(self, dpop: str | None) -> dict[str, Any]:
        return self.redeem(self.code(self.push(None)), dpop)

    def refresh(self, token: object, dpop: str | None, **changes: str | None) -> dict[str, Any]:
        form = self.app.authenticated(
            grant_type="refresh_token", refresh_token=str(token), **changes
        )
        return self.broker.refresh(form, authorization=None, dpop=dpop)

    def userinfo(self, token: str, *, by: Prover | None = None) -> dict[str, object]:
        made = (by or self.prover).proof("GET", USERINFO, iat=self.broker.clock.now(), token=token)
        return self.broker.userinfo(f"DPoP {token}", dpop=made)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refusal(call: Any) -> str:
    with pytest.raises(SignetError) as refused:
        call()
    return refused.value.code


# --- /par ---


def test_a_proof_at_par_binds_the_code_to_its_key(desk: Desk) -> None:
    request_uri = desk.push(desk.proof(PAR))
    (pushed,) = desk.broker.pushed_requests.items.values()
    assert pushed.request.dpop_jkt == desk.prover.jkt
    tokens = desk.redeem(desk.code(request_uri), desk.proof())
    assert read_unverified(tokens["access_token"]).claims["cnf"] == {"jkt": desk.prover.jkt}


@pytest.mark.parametrize("proved", ["another key", "no key"])
def test_a_code_that_was_pushed_with_a_proof_needs_that_key(desk: Desk, proved: str) -> None:
    code = desk.code(desk.push(desk.proof(PAR)))
    dpop = desk.proof(by=Prover()) if proved == "another key" else None
    assert refusal(lambda: desk.redeem(code, dpop)) == "invalid_grant"


def test_dpop_jkt_alone_binds_a_pushed_code_too(desk: Desk) -> None:
    code = desk.code(desk.push(None, dpop_jkt=desk.prover.jkt))
    assert refusal(lambda: desk.redeem(code, None)) == "invalid_grant"
    code = desk.code(desk.push(None, dpop_jkt=desk.prover.jkt))
    assert desk.redeem(code, desk.proof())["token_type"] == "DPoP"


def test_a_proof_of_another_key_than_dpop_jkt_is_refused_and_uses_nothing_up(desk: Desk) -> None:
    assertion, proof = desk.app.assertion(), desk.proof(PAR)
    other = Prover().jkt
    pushing = lambda jkt: desk.push(proof, dpop_jkt=jkt, client_assertion=assertion)  # noqa: E731
    assert refusal(lambda: pushing(other)) == "invalid_request"
    assert not desk.broker.replay.used
    assert pushing(desk.prover.jkt)


@pytest.mark.parametrize("changes", [{"htu": TOKEN}, {"htm": "GET"}, {"iat": 1}])
def test_a_proof_at_par_that_does_not_hold_is_refused(desk: Desk, changes: dict[str, Any]) -> None:
    assert refusal(lambda: desk.push(desk.proof(PAR, **changes))) == "invalid_dpop_proof"
    assert not desk.broker.pushed_requests.items
    assert not desk.broker.replay.used


def test_a_proof_is_used_once_at_par(desk: Desk) -> None:
    proof = desk.proof(PAR)
    desk.push(proof)
    assert refusal(lambda: desk.push(proof)) == "invalid_dpop_proof"


def test_a_client_that_needs_a_nonce_needs_it_at_par_too() -> None:
    desk = Desk(dpop_nonce_required=True)
    assertion = desk.app.assertion()
    asking = lambda dpop: desk.push(dpop, client_assertion=assertion)  # noqa: E731
    assert refusal(lambda: asking(desk.proof(PAR))) == "use_dpop_nonce"
    assert not desk.broker.replay.used
    nonce = desk.broker.proofs.nonces.valid()[0]
    assert asking(desk.proof(PAR, nonce=nonce))


# --- refresh ---


def test_a_refresh_of_a_bound_grant_needs_its_key_and_binds_the_new_token(desk: Desk) -> None:
    first = desk.tokens(desk.proof())
    fresh = desk.refresh(first["refresh_token"], desk.proof())
    assert fresh["token_type"] == "DPoP"
    assert read_unverified(fresh["access_token"]).claims["cnf"] == {"jkt": desk.prover.jkt}
    assert desk.userinfo(fresh["access_token"])["sub"]
    again = desk.refresh(fresh["refresh_token"], desk.proof())
    assert read_unverified(again["access_token"]).claims["cnf"] == {"jkt": desk.prover.jkt}


@pytest.mark.parametrize("proved", ["another key", "no key"])
def test_a_stolen_refresh_token_of_a_bound_grant_is_worth_nothing_and_ends_nothing(
    desk: Desk, proved: str
) -> None:
    token = desk.tokens(desk.proof())["refresh_token"]
    dpop = desk.proof(by=Prover()) if proved == "another key" else None
    assert refusal(lambda: desk.refresh(token, dpop)) == "invalid_grant"
    assert desk.refresh(token, desk.proof())["token_type"] == "DPoP"


def test_a_proof_that_does_not_hold_refreshes_nothing_and_uses_nothing_up(desk: Desk) -> None:
    token, assertion = desk.tokens(desk.proof())["refresh_token"], desk.app.assertion()
    used = dict(desk.broker.replay.used)
    refused = lambda: desk.refresh(token, desk.proof(PAR), client_assertion=assertion)  # noqa: E731
    assert refusal(refused) == "invalid_dpop_proof"
    assert desk.broker.replay.used == used
    assert desk.refresh(token, desk.proof(), client_assertion=assertion)


def test_a_proof_is_used_once_for_a_refresh(desk: Desk) -> None:
    first, proof = desk.tokens(desk.proof()), desk.proof()
    fresh = desk.refresh(first["refresh_token"], proof)
    assert refusal(lambda: desk.refresh(fresh["refresh_token"], proof)) == "invalid_dpop_proof"
    assert desk.refresh(fresh["refresh_token"], desk.proof())


def test_a_client_that_needs_a_nonce_needs_it_for_a_refresh() -> None:
    desk = Desk(dpop_nonce_required=True)
    nonce = desk.broker.proofs.nonces.valid()[0]
    token = desk.tokens(desk.proof(nonce=nonce))["refresh_token"]
    assert refusal(lambda: desk.refresh(token, desk.proof())) == "use_dpop_nonce"
    assert desk.refresh(token, desk.proof(nonce=nonce))["token_type"] == "DPoP"


def test_a_client_of_bound_tokens_refreshes_nothing_without_a_proof(desk: Desk) -> None:
    token = desk.tokens(None)["refresh_token"]
    desk.broker.clients.put(replace(desk.app.client, dpop_bound_access_tokens=True))
    assert refusal(lambda: desk.refresh(token, None)) == "invalid_request"
    assert desk.refresh(token, desk.proof())["token_type"] == "DPoP"


def test_a_refresh_of_an_unbound_grant_binds_its_access_token_alone(desk: Desk) -> None:
    first = desk.tokens(None)
    fresh = desk.refresh(first["refresh_token"], desk.proof())
    assert read_unverified(fresh["access_token"]).claims["cnf"] == {"jkt": desk.prover.jkt}
    assert desk.refresh(fresh["refresh_token"], None)["token_type"] == "Bearer"


def test_a_used_refresh_token_ends_the_grant_whoever_proves_what(desk: Desk) -> None:
    first = desk.tokens(desk.proof())
    fresh = desk.refresh(first["refresh_token"], desk.proof())
    assert refusal(lambda: desk.refresh(first["refresh_token"], None)) == "invalid_grant"
    assert refusal(lambda: desk.refresh(fresh["refresh_token"], desk.proof())) == "invalid_grant"
    assert refusal(lambda: desk.userinfo(fresh["access_token"])) == "invalid_token"


def test_introspection_tells_the_key_of_a_refreshed_token(desk: Desk) -> None:
    first = desk.tokens(desk.proof())
    fresh = desk.refresh(first["refresh_token"], desk.proof())
    told = desk.app.introspect(fresh["access_token"])
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": desk.prover.jkt})


# --- the end of a grant ---


@pytest.mark.parametrize("end", ["revoked", "the code again"])
def test_what_ends_a_grant_ends_all_of_it_everywhere(desk: Desk, end: str) -> None:
    code = desk.code(desk.push(desk.proof(PAR)))
    tokens = desk.redeem(code, desk.proof())
    if end == "revoked":
        desk.app.revoke(tokens["refresh_token"])
    else:
        with pytest.raises(Rejected):
            desk.redeem(code, desk.proof())
    for name in ("access_token", "refresh_token"):
        assert desk.app.introspect(tokens[name]) == {"active": False}
    assert refusal(lambda: desk.refresh(tokens["refresh_token"], desk.proof())) == "invalid_grant"
    assert refusal(lambda: desk.userinfo(tokens["access_token"])) == "invalid_token"
