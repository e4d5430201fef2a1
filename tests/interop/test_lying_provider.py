"""A provider that lies, in front of the running stack: what Signet accepts, and what it refuses.

Every case is a tenant and a connection of its own. A refused sign-in goes back to the application
with an error, its state and our `iss`, and never with a code.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe
from joserfc.jwk import ECKey
from tests.support.application import Application
from tests.support.clock import now
from tests.support.forged_jws import half_hash, new_key, public_jwk, sign
from tests.support.lying_provider import (
    ABSENT,
    CLIENT_ID,
    CONFIGURATION,
    Answer,
    Login,
    ProviderKey,
    Tenant,
)
from tests.support.stage import Stage, app_answer

Lie = Callable[[Tenant], None]
JSON = {"content-type": "application/json"}
HTML = Answer(body=b"<h1>maintenance</h1>", headers={"content-type": "text/html"})


def claims(**changes: Any) -> Lie:
    """Lie in the claims; a callable makes its value from the login."""

    def lie(tenant: Tenant) -> None:
        def made(login: Login) -> Mapping[str, Any]:
            return {
                name: value(tenant, login) if callable(value) else value
                for name, value in changes.items()
            }

        tenant.claims = made

    return lie


def at(seconds: int) -> Callable[[Tenant, Login], int]:
    """Name a time from now."""
    return lambda _tenant, _login: now() + seconds


def text_at(seconds: int) -> Callable[[Tenant, Login], str]:
    return lambda _tenant, _login: str(now() + seconds)


def header(**changes: Any) -> Lie:
    """Lie in the header; the signature is right."""

    def lie(tenant: Tenant) -> None:
        tenant.header = changes

    return lie


def token(make: Callable[[Tenant, Login], str]) -> Lie:
    """Make the whole ID token otherwise."""

    def lie(tenant: Tenant) -> None:
        tenant.make_id_token = make

    return lie


def signed_by_public_key(tenant: Tenant, login: Login) -> str:
    """HS256 with the published key as the secret."""
    public = tenant.key.private.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "kid": tenant.key.kid}
    return sign(head, tenant.honest_claims(login), key=secret, alg="HS256")


def unsigned(tenant: Tenant, login: Login) -> str:
    return sign({"alg": "none"}, tenant.honest_claims(login), key=None, alg="none")


def signed_by_another_algorithm(tenant: Tenant, login: Login) -> str:
    """RS256, properly, by a key that the provider publishes too; ES256 is registered."""
    other = ProviderKey.new("rsa", "RS256")
    tenant.jwks = {"keys": [tenant.key.public(), other.public()]}
    head = {"alg": "RS256", "kid": "rsa"}
    return sign(head, tenant.honest_claims(login), key=other.private, alg="RS256")


def signed_by_a_stranger(tenant: Tenant, login: Login) -> str:
    head = {"alg": "ES256", "kid": tenant.key.kid}
    return sign(head, tenant.honest_claims(login), key=new_key("ES256"), alg="ES256")


def twice(name: str, first: str) -> Callable[[Tenant, Login], str]:
    """Write a claim twice: the first one wrong, the second one right."""

    def make(tenant: Tenant, login: Login) -> str:
        honest = json.dumps(tenant.honest_claims(login))
        return tenant.signed(f'{{"{name}": "{first}", {honest[1:]}')

    return make


def header_twice(tenant: Tenant, login: Login) -> str:
    head = f'{{"alg":"none","alg":"ES256","kid":"{tenant.key.kid}"}}'
    return sign(head, tenant.honest_claims(login), key=tenant.key.private, alg="ES256")


def encrypted(tenant: Tenant, login: Login) -> str:
    """A nested JWE to a key of the provider's own choice."""
    recipient = ECKey.import_key(public_jwk(new_key("ES256")))
    inner = tenant.signed(tenant.honest_claims(login))
    return jwe.encrypt_compact(
        {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT"}, inner.encode(), recipient
    )


def changed_after_signing(tenant: Tenant, login: Login) -> str:
    first, _, last = tenant.signed(tenant.honest_claims(login)).split(".")
    _, other, _ = tenant.signed({**tenant.honest_claims(login), "sub": "root"}).split(".")
    return f"{first}.{other}.{last}"


def trailing(suffix: str) -> Callable[[Tenant, Login], str]:
    return lambda tenant, login: tenant.signed(tenant.honest_claims(login)) + suffix


def own_key_in_header(member: str) -> Lie:
    """Sign with a new key and bring it along."""

    def make(tenant: Tenant, login: Login) -> str:
        key = new_key("ES256")
        brought: dict[str, Any] = {
            "jwk": public_jwk(key),
            "jku": f"{tenant.issuer}/jwks",
            "x5u": f"{tenant.issuer}/jwks",
        }
        head = {"alg": "ES256", "kid": tenant.key.kid, member: brought[member]}
        return sign(head, tenant.honest_claims(login), key=key, alg="ES256")

    return token(make)


def one_key_without_kid(tenant: Tenant) -> None:
    tenant.key = ProviderKey.new(None)


def several_keys_without_kid(tenant: Tenant) -> None:
    tenant.key = ProviderKey.new(None)
    others = [ProviderKey.new(None) for _ in range(3)]
    tenant.jwks = {"keys": [*(key.public() for key in others), tenant.key.public()]}


def several_keys_and_none_fits(tenant: Tenant) -> None:
    tenant.key = ProviderKey.new(None)
    tenant.jwks = {"keys": [ProviderKey.new(None).public() for _ in range(3)]}


def a_key_of_the_set_cannot_be_used(tenant: Tenant) -> None:
    broken = {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "broken"}
    tenant.jwks = {"keys": [broken, tenant.key.public()]}


ACCEPTED: dict[str, Lie] = {
    "honest": lambda _tenant: None,
    "aud is an array of our client id alone": claims(aud=[CLIENT_ID]),
    "azp is our client id": claims(azp=CLIENT_ID),
    "no at_hash": claims(at_hash=ABSENT),
    "c_hash of the code": claims(c_hash=lambda _tenant, login: half_hash(login.code, "ES256")),
    "exp ended within the skew": claims(exp=at(-30)),
    "iat ahead within the skew": claims(iat=at(30)),
    "nbf ahead within the skew": claims(nbf=at(30)),
    "sub of 255 characters": claims(sub="s" * 255),
    "claims that nobody asked for": claims(groups=["a"], deep={"er": [1, None]}),
    "typ JWT": header(typ="JWT"),
    "kid absent, one key without kid": one_key_without_kid,
    "kid absent, several keys and one fits": several_keys_without_kid,
    "kid absent, the key has one": header(kid=ABSENT),
    "an unusable key beside the right one": a_key_of_the_set_cannot_be_used,
}

REFUSED: dict[str, Lie] = {
    "iss of another": claims(iss="https://evil.example"),
    "iss with a slash more": claims(iss=lambda tenant, _login: f"{tenant.issuer}/"),
    "iss missing": claims(iss=ABSENT),
    "aud of another": claims(aud="other"),
    "aud with another beside": claims(aud=[CLIENT_ID, "other"]),
    "aud with another and azp ours": claims(aud=[CLIENT_ID, "other"], azp=CLIENT_ID),
    "aud twice ours": claims(aud=[CLIENT_ID, CLIENT_ID]),
    "aud empty": claims(aud=[]),
    "aud missing": claims(aud=ABSENT),
    "azp of another": claims(azp="other"),
    "azp null": claims(azp=None),
    "sub missing": claims(sub=ABSENT),
    "sub empty": claims(sub=""),
    "sub a number": claims(sub=7),
    "sub too long": claims(sub="s" * 256),
    "exp past": claims(exp=at(-61)),
    "exp missing": claims(exp=ABSENT),
    "exp a text": claims(exp=text_at(300)),
    "exp a fraction": claims(exp=lambda _tenant, _login: now() + 300.5),
    "exp in the year 2100": claims(exp=4_102_444_800),
    "exp 1e308": claims(exp=1e308),
    "exp true": claims(exp=True),
    "iat ahead": claims(iat=at(90)),
    "iat before this sign-in": claims(iat=at(-3_600)),
    "iat missing": claims(iat=ABSENT),
    "nbf ahead": claims(nbf=at(90)),
    "nbf a text": claims(nbf=text_at(0)),
    "nonce missing": claims(nonce=ABSENT),
    "nonce of another sign-in": claims(nonce="n" * 43),
    "nonce empty": claims(nonce=""),
    "nonce a list": claims(nonce=lambda _tenant, login: [login.nonce]),
    "at_hash of another token": claims(at_hash=half_hash("other", "ES256")),
    "at_hash of another hash": claims(
        at_hash=lambda _tenant, login: half_hash(login.code, "ES512")
    ),
    "at_hash null": claims(at_hash=None),
    "c_hash of another code": claims(c_hash=half_hash("other", "ES256")),
    "alg none": token(unsigned),
    "alg none with a signature": header(alg="none"),
    "HS256 by the public key": token(signed_by_public_key),
    "another algorithm of a published key": token(signed_by_another_algorithm),
    "alg in lower case": header(alg="es256"),
    "signed by a stranger under a known kid": token(signed_by_a_stranger),
    "changed after signing": token(changed_after_signing),
    "unknown kid": header(kid="never-heard-of"),
    "kid a number": header(kid=1),
    "kid empty": header(kid=""),
    "kid absent, several keys and none fits": several_keys_and_none_fits,
    "brings a jwk": own_key_in_header("jwk"),
    "brings a jku": own_key_in_header("jku"),
    "brings an x5u": own_key_in_header("x5u"),
    "brings a jku, signed properly": header(jku="https://evil.example/jwks"),
    "crit": header(crit=["exp"], exp=1),
    "b64": header(b64=False, crit=["b64"]),
    "typ at+jwt": header(typ="at+jwt"),
    "typ logout+jwt": header(typ="logout+jwt"),
    "duplicate sub": token(twice("sub", "root")),
    "duplicate iss": token(twice("iss", "https://evil.example")),
    "duplicate alg in the header": token(header_twice),
    "JWE": token(encrypted),
    "a fourth segment": token(trailing(".e30")),
    "padding at the end": token(trailing("==")),
    "a newline at the end": token(trailing("\n")),
    "not a token": token(lambda _tenant, _login: "opaque-and-not-a-token"),
}


def slug(prefix: str, case: str) -> str:
    """Name a connection after its case."""
    return f"{prefix}-" + "".join(c if c.isalnum() else "-" for c in case.lower()).strip("-")[:55]


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    return stage.application("lying-app")


@pytest.fixture(scope="module")
def lies(stage: Stage) -> Stage:
    """Make a connection for every case of this module at once."""
    of_tables = [slug(prefix, case) for prefix, table in TABLES.items() for case in table]
    stage.connect([*of_tables, *OTHERS])
    return stage


def sign_in(stage: Stage, app: Application, name: str) -> dict[str, str]:
    """Sign in through a connection; check what every answer to the application has."""
    begun = stage.begin(app, name)
    back = app_answer(begun.come_back())
    assert back["state"] == begun.sign_in.state
    assert back["iss"] == stage.issuer
    assert ("code" in back) != ("error" in back)
    return back


def refused(back: dict[str, str], error: str) -> bool:
    """Tell whether the application got this error, and nothing that it could go on with."""
    return back.get("error") == error and back.keys() <= {
        "error", "error_description", "state", "iss",
    }  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_id_token_that_holds_signs_the_user_in(lies: Stage, app: Application, case: str) -> None:
    name = slug("ok", case)
    ACCEPTED[case](lies.liar.tenants[name])
    begun = lies.begin(app, name)
    back = app_answer(begun.come_back())
    assert "error" not in back
    tokens = app.redeem(back["code"], begun.sign_in.verifier)
    assert tokens.status_code == 200
    assert app.userinfo(tokens.json()["access_token"]).json()["email"] == "ada@acme.example"
    # The ID token said all that was asked for.
    assert lies.liar.tenants[name].requests("/userinfo") == []


@pytest.mark.parametrize("case", REFUSED)
def test_an_id_token_that_does_not_hold_signs_nobody_in(
    lies: Stage, app: Application, case: str
) -> None:
    name = slug("no", case)
    tenant = lies.liar.tenants[name]
    REFUSED[case](tenant)
    assert refused(sign_in(lies, app, name), "access_denied")
    assert len(tenant.token_requests()) == 1
    assert tenant.requests("/userinfo") == []


# --- keys ------------------------------------------------------------------------------------


def test_keys_that_were_rotated_just_before_cost_one_fetch_more(
    lies: Stage, app: Application
) -> None:
    tenant = lies.liar.tenants["rotated"]
    assert "code" in sign_in(lies, app, "rotated")
    tenant.key = ProviderKey.new("provider-2")
    assert "code" in sign_in(lies, app, "rotated")
    assert "code" in sign_in(lies, app, "rotated")
    assert len(tenant.requests("/jwks")) == 2


def test_an_empty_set_replaces_no_good_keys(lies: Stage, app: Application) -> None:
    tenant = lies.liar.tenants["emptied"]
    assert "code" in sign_in(lies, app, "emptied")
    tenant.jwks = {"keys": []}
    tenant.header = {"kid": "unknown"}
    assert refused(sign_in(lies, app, "emptied"), "access_denied")
    assert len(tenant.requests("/jwks")) == 2
    tenant.header = {}
    assert "code" in sign_in(lies, app, "emptied")


def test_unknown_kids_do_not_make_signet_hammer_the_provider(lies: Stage, app: Application) -> None:
    tenant = lies.liar.tenants["flooded"]
    for number in range(6):
        tenant.header = {"kid": f"unknown-{number}"}
        assert refused(sign_in(lies, app, "flooded"), "access_denied")
    assert len(tenant.requests("/jwks")) <= 3


# --- the token endpoint's answers --------------------------------------------------------------

TOKEN_RESPONSES: dict[str, tuple[dict[str, Any], str]] = {
    "no id_token": ({"id_token": ABSENT}, "server_error"),
    "id_token null": ({"id_token": None}, "server_error"),
    "id_token a list": ({"id_token": ["a.b.c"]}, "server_error"),
    "no access_token": ({"access_token": ABSENT}, "server_error"),
    "token_type MAC": ({"token_type": "MAC"}, "server_error"),
    "no token_type": ({"token_type": ABSENT}, "server_error"),
    "error beside the tokens": ({"error": "access_denied"}, "server_error"),
}

TOKEN_ANSWERS: dict[str, tuple[Answer, str]] = {
    "invalid_client": (Answer.of({"error": "invalid_client"}, status=401), "server_error"),
    "invalid_client as 400": (Answer.of({"error": "invalid_client"}, status=400), "server_error"),
    "invalid_grant": (Answer.of({"error": "invalid_grant"}, status=400), "access_denied"),
    "HTML": (HTML, "temporarily_unavailable"),
    "HTML with 400": (replace(HTML, status=400), "access_denied"),
    "500": (Answer.of({}, status=500), "temporarily_unavailable"),
    "a redirect": (
        Answer(status=307, headers={"location": "https://evil.example/token"}),
        "temporarily_unavailable",
    ),
    "oversized": (Answer(body=b'{"a":"' + b"x" * 300_000 + b'"}'), "temporarily_unavailable"),
    "encoded": (
        Answer(body=b"{}", headers={**JSON, "content-encoding": "gzip"}),
        "temporarily_unavailable",
    ),
    "not JSON": (Answer(body=b"{"), "server_error"),
    "JSON of duplicates": (
        Answer(body=b'{"id_token":"a","id_token":"b","access_token":"c","token_type":"Bearer"}'),
        "server_error",
    ),
    "a list": (Answer.of([]), "server_error"),
    "NaN": (Answer(body=b'{"expires_in":NaN}'), "server_error"),
    "nested too deep": (Answer(body=b"[" * 200 + b"]" * 200), "server_error"),
    "204": (Answer(status=204), "access_denied"),
}


@pytest.mark.parametrize("case", TOKEN_RESPONSES)
def test_a_token_response_that_is_none_signs_nobody_in(
    lies: Stage, app: Application, case: str
) -> None:
    name = slug("response", case)
    tenant = lies.liar.tenants[name]
    tenant.token_response, error = TOKEN_RESPONSES[case]
    assert refused(sign_in(lies, app, name), error)
    assert len(tenant.token_requests()) == 1
    assert tenant.requests("/userinfo") == []


@pytest.mark.parametrize("case", TOKEN_ANSWERS)
def test_any_other_answer_of_the_token_endpoint_ends_the_sign_in_at_once(
    lies: Stage, app: Application, case: str
) -> None:
    name = slug("answer", case)
    tenant = lies.liar.tenants[name]
    answer, error = TOKEN_ANSWERS[case]
    tenant.token_answers = [answer, answer]
    assert refused(sign_in(lies, app, name), error)
    assert len(tenant.token_requests()) == 1


def test_after_503_the_code_is_sent_once_more_with_a_fresh_assertion(
    lies: Stage, app: Application
) -> None:
    tenant = lies.liar.tenants["retried"]
    tenant.token_answers = [Answer.of({}, status=503)]
    assert "code" in sign_in(lies, app, "retried")
    first, second = tenant.token_requests()
    assert first["code"] == second["code"]
    assert first["client_assertion"] != second["client_assertion"]
    payloads = {form["client_assertion"].split(".")[1] for form in (first, second)}
    assert len(payloads) == 2


def test_after_the_second_503_signet_gives_up(lies: Stage, app: Application) -> None:
    tenant = lies.liar.tenants["unretried"]
    tenant.token_answers = [Answer.of({}, status=503)] * 3
    assert refused(sign_in(lies, app, "unretried"), "temporarily_unavailable")
    assert len(tenant.token_requests()) == 2


# --- userinfo ----------------------------------------------------------------------------------

USERINFO: dict[str, tuple[Answer, str | None]] = {
    "the same sub": (Answer.of({"sub": "user-ada", "email": "ada@acme.example"}), None),
    "another sub": (Answer.of({"sub": "root", "email": "root@acme.example"}), "access_denied"),
    "no sub": (Answer.of({"email": "root@acme.example"}), "access_denied"),
    "sub in another case": (Answer.of({"sub": "USER-ADA"}), "access_denied"),
    "sub twice": (Answer(body=b'{"sub":"root","sub":"user-ada"}'), "access_denied"),
    "an array": (Answer.of([{"sub": "user-ada"}]), "access_denied"),
    "HTML": (HTML, "temporarily_unavailable"),
    "a signed answer": (
        Answer(body=b"e30.e30.AA", headers={"content-type": "application/jwt"}),
        "temporarily_unavailable",
    ),
    "401": (Answer.of({"error": "invalid_token"}, status=401), "access_denied"),
    "500": (Answer.of({}, status=500), "temporarily_unavailable"),
}


@pytest.mark.parametrize("case", USERINFO)
def test_userinfo_counts_only_when_it_is_about_the_same_user(
    lies: Stage, app: Application, case: str
) -> None:
    name = slug("userinfo", case)
    tenant = lies.liar.tenants[name]
    claims(email=ABSENT, email_verified=ABSENT)(tenant)
    answer, error = USERINFO[case]
    tenant.userinfo_answers = [answer]
    back = sign_in(lies, app, name)
    assert (error is None and "code" in back) or (error is not None and refused(back, error))
    assert len(tenant.requests("/userinfo")) == 1


# --- metadata ----------------------------------------------------------------------------------

METADATA: dict[str, dict[str, Any]] = {
    "of another issuer": {"issuer": "https://evil.example"},
    "issuer with a slash more": {"issuer": lambda tenant: f"{tenant.issuer}/"},
    "no issuer": {"issuer": ABSENT},
    "PKCE without S256": {"code_challenge_methods_supported": ["plain"]},
    "no PKCE at all": {"code_challenge_methods_supported": []},
    "no private_key_jwt": {
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]
    },
    "no token endpoint": {"token_endpoint": ABSENT},
    "token endpoint no address": {"token_endpoint": "javascript:alert(1)"},
    "authorization endpoint no address": {"authorization_endpoint": "javascript:alert(1)"},
    "jwks_uri a list": {"jwks_uri": ["https://idp.example/jwks"]},
}


@pytest.mark.parametrize("case", METADATA)
def test_metadata_that_do_not_hold_begin_no_sign_in(
    lies: Stage, app: Application, case: str
) -> None:
    name = slug("metadata", case)
    tenant = lies.liar.tenants[name]
    tenant.metadata = {
        member: value(tenant) if callable(value) else value
        for member, value in METADATA[case].items()
    }
    sign_in = app.request(name)
    response = lies.browser().open(f"{lies.issuer}/authorize", sign_in.parameters)
    back = app_answer(response)
    assert refused(back, "server_error")
    assert back["state"] == sign_in.state
    assert "set-cookie" not in response.headers
    assert {request.path for request in tenant.received} == {CONFIGURATION}


METADATA_WITHOUT = ("code_challenge_methods_supported", "token_endpoint_auth_methods_supported")


@pytest.mark.parametrize("member", METADATA_WITHOUT)
def test_metadata_that_say_nothing_of_a_method_are_believed(
    lies: Stage, app: Application, member: str
) -> None:
    name = slug("without", member)
    lies.liar.tenants[name].metadata = {member: ABSENT}
    assert "code" in sign_in(lies, app, name)


# --- PAR ---------------------------------------------------------------------------------------

PUSHES: dict[str, tuple[Answer, str]] = {
    "invalid_client": (Answer.of({"error": "invalid_client"}, status=401), "server_error"),
    "invalid_request": (Answer.of({"error": "invalid_request"}, status=400), "access_denied"),
    "no request_uri": (Answer.of({"expires_in": 60}, status=201), "server_error"),
    "request_uri a list": (Answer.of({"request_uri": ["urn:x"]}, status=201), "server_error"),
    "not JSON": (Answer(status=201, body=b"<"), "server_error"),
    "HTML": (replace(HTML, status=201), "temporarily_unavailable"),
    "500": (Answer.of({}, status=500), "temporarily_unavailable"),
}


@pytest.mark.parametrize("case", PUSHES)
def test_a_push_that_fails_begins_no_sign_in(lies: Stage, app: Application, case: str) -> None:
    name = slug("push", case)
    tenant = lies.liar.tenants[name]
    tenant.push_answer, error = PUSHES[case]
    tenant.metadata = {"pushed_authorization_request_endpoint": f"{tenant.issuer}/par"}
    sign_in = app.request(name)
    response = lies.browser().open(f"{lies.issuer}/authorize", sign_in.parameters)
    assert refused(app_answer(response), error)
    assert "set-cookie" not in response.headers


def test_a_pushed_request_leaves_nothing_but_its_name_in_the_address(
    lies: Stage, app: Application
) -> None:
    tenant = lies.liar.tenants["par-lies"]
    tenant.metadata = {"pushed_authorization_request_endpoint": f"{tenant.issuer}/par"}
    begun = lies.begin(app, "par-lies")
    assert begun.authorization.keys() == {"client_id", "request_uri"}
    (pushed,) = tenant.requests("/par")
    assert pushed.form["code_challenge_method"] == "S256"
    assert "code" in app_answer(begun.come_back())


OTHERS = ("rotated", "emptied", "flooded", "retried", "unretried", "par-lies")
TABLES: dict[str, Any] = {
    "ok": ACCEPTED,
    "no": REFUSED,
    "response": TOKEN_RESPONSES,
    "answer": TOKEN_ANSWERS,
    "userinfo": USERINFO,
    "metadata": METADATA,
    "without": METADATA_WITHOUT,
    "push": PUSHES,
}
