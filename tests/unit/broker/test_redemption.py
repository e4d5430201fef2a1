"""Redeeming a code at /token: who may, once, with which proof."""

from dataclasses import replace

import pytest
from tests.support.broker import ISSUER, App, Broker
from tests.support.canned_provider import answer

from signet.broker.connection import Connection
from signet.broker.keyring import ISSUER as ISSUER_KEYRING
from signet.broker.signing import own_keys, signing_key
from signet.errors import Denied, Misconfigured, Rejected, SignetError, Unavailable
from signet.jose.jws import read_unverified, sign, verify
from signet.oidc.id_token import half_hash


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def connection(broker: Broker) -> Connection:
    return broker.connect()


@pytest.fixture
def app(broker: Broker, connection: Connection) -> App:
    return broker.register_app()


def code_of(error: pytest.ExceptionInfo[SignetError]) -> str:
    return error.value.code


def test_a_code_becomes_tokens_that_kms_signed(app: App, connection: Connection) -> None:
    tokens = app.redeem(app.login(connection))
    keyring = app.broker.keyrings.get(ISSUER_KEYRING)
    assert keyring is not None
    keys = own_keys(keyring)
    access_token = str(tokens["access_token"])
    id_token = verify(
        str(tokens["id_token"]), keys=keys, alg="RS256", types=frozenset({"JWT"})
    ).claims
    access = verify(access_token, keys=keys, alg="RS256", types=frozenset({"at+jwt"})).claims
    assert id_token["at_hash"] == half_hash(access_token, alg="RS256")
    assert (id_token["iss"], id_token["aud"], id_token["nonce"]) == (ISSUER, "app", "app-nonce")
    assert id_token["connection"] == "acme"
    assert id_token["email"] == "ada@example.org"
    assert id_token["email_verified"] is True
    assert (access["aud"], access["client_id"], access["sub"]) == (ISSUER, "app", id_token["sub"])
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3_600)


def test_a_code_is_redeemed_once_and_its_reuse_ends_its_tokens(
    app: App, connection: Connection
) -> None:
    code = app.login(connection)
    tokens = app.redeem(code)
    header = f"Bearer {tokens['access_token']}"
    assert app.broker.userinfo(header)["email"] == "ada@example.org"
    signatures = app.broker.kms.signatures
    with pytest.raises(Rejected) as refused:
        app.redeem(code)
    assert code_of(refused) == "invalid_grant"
    assert app.broker.kms.signatures == signatures  # nothing is signed for a spent code
    with pytest.raises(Denied) as ended:
        app.broker.userinfo(header)
    assert code_of(ended) == "invalid_token"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": "v" * 42},
        {"redirect_uri": "https://app.example/cb/"},
    ],
)
def test_a_wrong_proof_burns_the_code(
    app: App, connection: Connection, changes: dict[str, str]
) -> None:
    code = app.login(connection)
    for attempt in (changes, {}):
        with pytest.raises(Rejected) as refused:
            app.redeem(code, **attempt)
        assert code_of(refused) == "invalid_grant"


@pytest.mark.parametrize("name", ["code", "code_verifier", "redirect_uri", "grant_type"])
def test_every_parameter_is_demanded(app: App, connection: Connection, name: str) -> None:
    parameters = app.token_parameters(app.login(connection))
    del parameters[name]
    with pytest.raises(Rejected) as refused:
        app.broker.redeem(parameters, authorization=None)
    assert code_of(refused) == "invalid_request"


@pytest.mark.parametrize("grant_type", ["password", "implicit", "refresh_token", "CODE"])
def test_other_grant_types_are_refused(app: App, grant_type: str) -> None:
    with pytest.raises(Rejected) as refused:
        app.redeem("x", grant_type=grant_type)
    assert code_of(refused) == "unsupported_grant_type"


def test_an_expired_code_is_refused_by_its_value(app: App, connection: Connection) -> None:
    code = app.login(connection)
    app.broker.clock.time += 60
    signatures = app.broker.kms.signatures
    with pytest.raises(Rejected) as refused:
        app.redeem(code)
    assert code_of(refused) == "invalid_grant"
    assert app.broker.kms.signatures == signatures


@pytest.mark.parametrize("spoiled", ["short", "long", "other", "key"])
def test_a_code_that_is_not_whole_is_refused(
    app: App, connection: Connection, spoiled: str
) -> None:
    code = app.login(connection)
    (grant_id,) = app.broker.grants.items
    value = {"short": code[:-1], "long": code + "A", "other": "A" * 43, "key": grant_id}[spoiled]
    with pytest.raises(Rejected) as refused:
        app.redeem(value)
    assert code_of(refused) == "invalid_grant"


def test_another_clients_code_is_refused_and_stays_usable(app: App, connection: Connection) -> None:
    thief = App(app.broker, "thief")
    app.broker.registration.register_client(
        {
            "client_id": "thief",
            "name": "Thief",
            "redirect_uris": ["https://app.example/cb"],
            "jwks": {"keys": [thief.jwk]},
        }
    )
    code = app.login(connection)
    for changes in ({}, {"client_id": "app"}):
        with pytest.raises(SignetError) as refused:
            thief.redeem(code, **changes)
        assert code_of(refused) in {"invalid_grant", "invalid_client"}
    assert "id_token" in app.redeem(code)


def test_a_disabled_connection_gives_no_tokens(app: App, connection: Connection) -> None:
    code = app.login(connection)
    app.broker.connections.items[connection.id] = replace(connection, enabled=False)
    with pytest.raises(Rejected) as refused:
        app.redeem(code)
    assert code_of(refused) == "invalid_grant"


def test_a_disabled_client_gets_no_tokens(app: App, connection: Connection) -> None:
    code = app.login(connection)
    app.broker.clients.put(replace(app.client, enabled=False))
    with pytest.raises(Denied) as refused:
        app.redeem(code)
    assert code_of(refused) == "invalid_client"


def test_the_loser_of_two_redemptions_at_once_ends_the_grant(
    app: App, connection: Connection
) -> None:
    code = app.login(connection)
    grants = app.broker.grants
    winner: list[dict[str, object]] = []

    class Rival:
        """Reads before and redeems after another request did."""

        def __getattr__(self, name: str) -> object:
            return getattr(grants, name)

        def redeem(self, grant_id: str, **arguments: object) -> bool:
            winner.append(app.redeem(code))
            return grants.redeem(grant_id, **arguments)  # type: ignore[arg-type]

    slow = replace(app.broker.redeem, grants=Rival())
    with pytest.raises(Rejected) as refused:
        slow(app.token_parameters(code), authorization=None)
    assert code_of(refused) == "invalid_grant"
    with pytest.raises(Denied):
        app.broker.userinfo(f"Bearer {winner[0]['access_token']}")


@pytest.mark.parametrize("code", ["", "c" * 513])
def test_a_code_that_cannot_be_ours_is_no_look_up(app: App, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        app.redeem(code)
    assert code_of(refused) == "invalid_grant"


def test_a_client_of_other_grant_types_redeems_no_code(broker: Broker) -> None:
    app = broker.register_app(grant_types=["client_credentials"])
    with pytest.raises(Rejected) as refused:
        app.redeem("x")
    assert code_of(refused) == "unauthorized_client"


def test_a_refused_request_uses_its_assertion_up_too(app: App) -> None:
    assertion = app.assertion()
    with pytest.raises(Rejected):
        app.redeem("x", client_assertion=assertion, grant_type="password")
    with pytest.raises(Denied):
        app.redeem("x", client_assertion=assertion)


def test_without_its_keyring_nothing_signs_and_nothing_reads(
    app: App, connection: Connection
) -> None:
    tokens = app.redeem(app.login(connection))
    code = app.login(connection)
    del app.broker.keyrings.items[ISSUER_KEYRING]
    for call in (
        lambda: app.redeem(code),
        lambda: app.broker.userinfo(f"Bearer {tokens['access_token']}"),
    ):
        with pytest.raises(Misconfigured) as missing:
            call()
        assert missing.value.code == "keyring_missing"


# --- client authentication (OP-014 to OP-029) ---


def test_an_assertion_authenticates_once(app: App, connection: Connection) -> None:
    assertion = app.assertion()
    app.redeem(app.login(connection), client_assertion=assertion)
    code = app.login(connection)
    with pytest.raises(Denied) as refused:
        app.redeem(code, client_assertion=assertion)
    assert code_of(refused) == "invalid_client"
    assert "id_token" in app.redeem(code)  # the replay did not burn the code


def test_a_forged_assertion_burns_nobodys_jti(app: App, connection: Connection) -> None:
    forger = App(app.broker)
    forged = [
        forger.assertion(jti="mine"),
        app.assertion(jti="mine", aud="https://other.example"),
        app.assertion(jti="mine", exp=1),
        app.assertion(jti="mine", sub="other"),
    ]
    for assertion in forged:
        with pytest.raises(Denied):
            app.redeem("x", client_assertion=assertion)
    assert not app.broker.replay.used
    code = app.login(connection)
    assert "id_token" in app.redeem(code, client_assertion=app.assertion(jti="mine"))


def test_one_client_cannot_use_up_anothers_jti(app: App, connection: Connection) -> None:
    other = App(app.broker, "other")
    app.broker.registration.register_client(
        {
            "client_id": "other",
            "name": "Other",
            "redirect_uris": ["https://app.example/cb"],
            "jwks": {"keys": [other.jwk]},
        }
    )
    with pytest.raises(Rejected):
        other.redeem("x", client_assertion=other.assertion(jti="same"))
    code = app.login(connection)
    assert "id_token" in app.redeem(code, client_assertion=app.assertion(jti="same"))


@pytest.mark.parametrize(
    "changes",
    [
        {"client_assertion": None},
        {"client_assertion": ""},
        {"client_assertion": "x.y.z"},
        {"client_assertion": "x" * 20_000},
        {"client_assertion_type": None},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_id": "other"},
        {"client_secret": "hunter2"},
    ],
)
def test_nothing_but_one_signed_assertion_authenticates(
    app: App, connection: Connection, changes: dict[str, str | None]
) -> None:
    code = app.login(connection)
    with pytest.raises(Denied) as refused:
        app.redeem(code, **changes)
    assert code_of(refused) == "invalid_client"


def test_an_authorization_header_is_another_method_and_refused(app: App) -> None:
    with pytest.raises(Denied):
        app.broker.redeem(app.token_parameters("x"), authorization="Basic YXBwOmh1bnRlcjI=")


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt"])
def test_a_token_of_another_kind_is_no_assertion(app: App, typ: str) -> None:
    with pytest.raises(Denied):
        app.redeem("x", client_assertion=app.assertion(typ=typ))


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "client-authentication+jwt"])
def test_the_three_usual_types_are_accepted(
    app: App, connection: Connection, typ: str | None
) -> None:
    assertion = app.assertion(typ=typ)
    assert "id_token" in app.redeem(app.login(connection), client_assertion=assertion)


def test_unknown_clients_and_bad_signatures_read_the_same(app: App) -> None:
    unknown, forger = App(app.broker, "unknown"), App(app.broker)
    texts = set()
    for assertion in (unknown.assertion(), forger.assertion(), app.assertion(exp=1)):
        with pytest.raises(Denied) as refused:
            app.redeem("x", client_assertion=assertion)
        texts.add((refused.value.code, refused.value.public, refused.value.status))
    assert len(texts) == 1


def test_other_clients_have_to_name_the_issuer(app: App, connection: Connection) -> None:
    code = app.login(connection)
    with pytest.raises(Denied):
        app.redeem(code, client_assertion=app.assertion(aud=f"{ISSUER}/token"))
    assert "id_token" in app.redeem(code)


def test_a_client_of_the_compatibility_policy_may_name_the_token_endpoint(
    broker: Broker, connection: Connection
) -> None:
    app = broker.register_app(assertion_audience="token_endpoint_compat")
    assertion = app.assertion(aud=f"{ISSUER}/token")
    assert "id_token" in app.redeem(app.login(connection), client_assertion=assertion)
    with pytest.raises(Denied):
        app.redeem("x", client_assertion=app.assertion(aud=[f"{ISSUER}/token"]))


def test_a_client_may_publish_its_keys_and_rotate_them(
    broker: Broker, connection: Connection
) -> None:
    old, new = App(broker), App(broker)
    published = [old.jwk]
    broker.idp.answers["/app-keys"] = lambda _: answer({"keys": published})
    old.client = broker.registration.register_client(
        {
            "client_id": "app",
            "name": "App",
            "redirect_uris": ["https://app.example/cb"],
            "jwks_uri": "https://app.example/app-keys",
        }
    )
    assert "id_token" in old.redeem(old.login(connection))
    published[:] = [new.jwk]
    code = old.login(connection)
    assert "id_token" in old.redeem(code, client_assertion=new.assertion(jti="new"))
    with pytest.raises(Denied):
        old.redeem("x")


# --- faults (OP-074) ---


@pytest.mark.parametrize("signature", [1, 2])
def test_a_code_is_usable_again_when_kms_could_not_sign(
    app: App, connection: Connection, signature: int
) -> None:
    code = app.login(connection)
    real = app.broker.kms.sign_digest
    calls = iter(range(1, 10))

    def failing(**arguments: object) -> object:
        if next(calls) == signature:
            raise Unavailable("signing_unavailable", "Not now.")
        return real(**arguments)  # type: ignore[arg-type]

    app.broker.redeem = replace(
        app.broker.redeem, keys=replace(app.broker.keys, kms=_Signer(failing))
    )
    with pytest.raises(Unavailable):
        app.redeem(code)
    assert "id_token" in app.redeem(code)


class _Signer:
    def __init__(self, sign: object) -> None:
        self.sign_digest = sign


def test_subjects_differ_by_connection_and_by_upstream_subject(broker: Broker) -> None:
    acme, beta = broker.connect("acme"), broker.connect("beta")
    app = broker.register_app()

    def subject(connection: Connection) -> object:
        tokens = app.redeem(app.login(connection))
        return broker.userinfo(f"Bearer {tokens['access_token']}")["sub"]

    first, again, elsewhere = subject(acme), subject(acme), subject(beta)
    broker.idp.claims = {"sub": "user-2"}  # the same email address
    assert first == again
    assert len({first, elsewhere, subject(acme)}) == 3


# --- /userinfo ---


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic x", "Bearer a b", "DPoP x"]
)
def test_userinfo_wants_a_bearer_token(app: App, header: str | None) -> None:
    with pytest.raises(Denied):
        app.broker.userinfo(header)


def test_userinfo_takes_no_other_kind_of_token(app: App, connection: Connection) -> None:
    tokens = app.redeem(app.login(connection))
    for token in (tokens["id_token"], app.assertion()):
        with pytest.raises(Denied):
            app.broker.userinfo(f"Bearer {token}")


def test_userinfo_takes_no_other_kind_of_token_of_the_same_claims(
    app: App, connection: Connection
) -> None:
    token = str(app.redeem(app.login(connection))["access_token"])
    keyring = app.broker.keyrings.get(ISSUER_KEYRING)
    assert keyring is not None
    key = signing_key(keyring, app.broker.kms)
    for typ in ("JWT", None, "logout+jwt"):
        twin = sign(read_unverified(token).claims, key=key, typ=typ).compact
        with pytest.raises(Denied):
            app.broker.userinfo(f"Bearer {twin}")


def test_a_token_whose_redemption_was_taken_back_is_worth_nothing(
    app: App, connection: Connection
) -> None:
    token = app.redeem(app.login(connection))["access_token"]
    (grant,) = app.broker.grants.items.values()
    app.broker.grants.release(grant.id, redemption=str(grant.redeemed_by))
    with pytest.raises(Denied):
        app.broker.userinfo(f"Bearer {token}")


def test_userinfo_gives_what_the_scope_gives(app: App, connection: Connection) -> None:
    redirection = app.broker.callback(connection, app.begin(scope="openid"))
    code = redirection.url.partition("code=")[2].partition("&")[0]
    tokens = app.redeem(code)
    assert not {"name", "email"} & read_unverified(str(tokens["id_token"])).claims.keys()
    assert set(app.broker.userinfo(f"bearer {tokens['access_token']}")) == {"sub"}


def test_userinfo_refuses_an_expired_token(app: App, connection: Connection) -> None:
    tokens = app.redeem(app.login(connection))
    app.broker.clock.time += 3_600
    with pytest.raises(Denied):
        app.broker.userinfo(f"Bearer {tokens['access_token']}")


@pytest.mark.parametrize("gone", ["client", "disabled client", "connection"])
def test_userinfo_ends_with_whoever_it_was_given_through(
    app: App, connection: Connection, gone: str
) -> None:
    tokens = app.redeem(app.login(connection))
    if gone == "client":
        del app.broker.clients.items["app"]
    elif gone == "disabled client":
        app.broker.clients.put(replace(app.client, enabled=False))
    else:
        del app.broker.connections.items[connection.id]
    with pytest.raises(Denied) as refused:
        app.broker.userinfo(f"Bearer {tokens['access_token']}")
    assert code_of(refused) == "invalid_token"


def test_userinfo_ends_with_the_connection(app: App, connection: Connection) -> None:
    tokens = app.redeem(app.login(connection))
    app.broker.connections.items[connection.id] = replace(connection, enabled=False)
    with pytest.raises(Denied):
        app.broker.userinfo(f"Bearer {tokens['access_token']}")


def test_userinfo_ends_with_a_grant_that_the_table_forgot(app: App, connection: Connection) -> None:
    tokens = app.redeem(app.login(connection))
    app.broker.grants.items.clear()
    with pytest.raises(Denied) as refused:
        app.broker.userinfo(f"Bearer {tokens['access_token']}")
    assert code_of(refused) == "invalid_token"
