"""/token and /userinfo from the application's side: assertions, codes, order, and what is ended."""

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.support.application import Application
from tests.support.clock import now
from tests.support.forged_jws import new_key, public_jwk, sign
from tests.support.lying_provider import ABSENT
from tests.support.stage import Stage
from tests.support.travelled import Response

NAME = "token"
Make = Callable[[Application], str]


def claims(**changes: Any) -> Make:
    """Make an assertion with other claims; a callable makes its value from the application."""

    def make(app: Application) -> str:
        made = {name: value(app) if callable(value) else value for name, value in changes.items()}
        return app.assertion(app.claims(**made))

    return make


def header(**changes: Any) -> Make:
    return lambda app: app.assertion(**changes)


def at(seconds: int) -> Callable[[Application], int]:
    return lambda _app: now() + seconds


def unsigned(app: Application) -> str:
    return sign({"alg": "none"}, app.claims(), key=None, alg="none")


def signed_by_public_key(app: Application) -> str:
    """HS256 with the registered key as the secret."""
    public = app.key.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return app.assertion(key=secret, signed_as="HS256")


def signed_as_hs256(app: Application) -> str:
    public = app.key.public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "kid": app.kid}
    return sign(head, app.claims(), key=secret, alg="HS256")


def signed_by_a_stranger(app: Application) -> str:
    return app.assertion(key=new_key("ES256"))


def stranger_with_jwk(app: Application) -> str:
    key = new_key("ES256")
    return app.assertion(key=key, jwk=public_jwk(key))


def changed_after_signing(app: Application) -> str:
    first, _, last = app.assertion().split(".")
    _, other, _ = app.assertion(app.claims(exp=now() + 299)).split(".")
    return f"{first}.{other}.{last}"


def twice(name: str) -> Make:
    def make(app: Application) -> str:
        return app.assertion(f'{{"{name}": "other", {json.dumps(app.claims())[1:]}')

    return make


ACCEPTED: dict[str, Make] = {
    "plain": lambda app: app.assertion(),
    "no typ": header(typ=ABSENT),
    "typ client-authentication+jwt": header(typ="client-authentication+jwt"),
    "no kid": header(kid=ABSENT),
    "no iat": claims(iat=ABSENT),
    "iat 8 s ahead": claims(iat=at(8)),
    "nbf 8 s ahead": claims(nbf=at(8)),
    "exp close to 300 s away": claims(exp=at(295)),
    "jti of one character more or less anything": claims(jti=lambda _app: str(uuid.uuid4())),
    "jti of 255 characters": claims(jti=lambda _app: str(uuid.uuid4()).ljust(255, "x")),
    "claims that nobody asked for": claims(purpose=["login"]),
}

REFUSED: dict[str, Make] = {
    "aud the token endpoint": claims(aud=lambda app: f"{app.issuer}/token"),
    "aud the PAR endpoint": claims(aud=lambda app: f"{app.issuer}/par"),
    "aud an array of the issuer": claims(aud=lambda app: [app.issuer]),
    "aud an array with another": claims(aud=lambda app: [app.issuer, "https://evil.example"]),
    "aud another issuer": claims(aud="https://evil.example"),
    "aud with a slash more": claims(aud=lambda app: f"{app.issuer}/"),
    "aud in upper case": claims(aud=lambda app: app.issuer.upper()),
    "aud with a space": claims(aud=lambda app: f"{app.issuer} "),
    "aud an object": claims(aud=lambda app: {app.issuer: True}),
    "aud absent": claims(aud=ABSENT),
    "exp past": claims(exp=at(-1)),
    "exp long past": claims(exp=at(-3_600)),
    "exp more than 300 s away": claims(exp=at(330)),
    "exp absent": claims(exp=ABSENT),
    "exp a text": claims(exp=lambda _app: str(now() + 60)),
    "exp a fraction": claims(exp=lambda _app: now() + 60.5),
    "exp 1e308": claims(exp=1e308),
    "exp NaN": lambda app: app.assertion(json.dumps(app.claims(exp="?")).replace('"?"', "NaN")),
    "iat ahead": claims(iat=at(75)),
    "iat a text": claims(iat="now"),
    "iat null": claims(iat=None),
    "iat years ago": claims(iat=at(-100_000_000)),
    "nbf ahead": claims(nbf=at(75)),
    "iss of another": claims(iss="other"),
    "iss of another client": claims(iss="token-neighbour"),
    "iss absent": claims(iss=ABSENT),
    "sub of another": claims(sub="other"),
    "sub absent": claims(sub=ABSENT),
    "jti absent": claims(jti=ABSENT),
    "jti empty": claims(jti=""),
    "jti of 256 characters": claims(jti="j" * 256),
    "jti a number": claims(jti=7),
    "alg none": unsigned,
    "alg none with a signature": header(alg="none"),
    "HS256 by the public key": signed_as_hs256,
    "HMAC under ES256": signed_by_public_key,
    "another algorithm": lambda app: app.assertion(
        key=new_key("RS256"), signed_as="RS256", alg="RS256"
    ),
    "the header says RS256": header(alg="RS256"),
    "signed by a stranger": signed_by_a_stranger,
    "signed by a stranger who brings the key": stranger_with_jwk,
    "changed after signing": changed_after_signing,
    "kid of nobody": header(kid="app-2"),
    "typ of an access token": header(typ="at+jwt"),
    "typ of a logout token": header(typ="logout+jwt"),
    "crit": header(crit=["exp"], exp=1),
    "jku": header(jku="https://evil.example/jwks"),
    "aud twice": twice("aud"),
    "sub twice": twice("sub"),
    "trailing padding": lambda app: app.assertion() + "==",
    "not a token": lambda _app: "not.a.token-at-all",
}


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    stage.connect([NAME])
    return stage.application("token-app")


@pytest.fixture(scope="module")
def neighbour(stage: Stage) -> Application:
    return stage.application("token-neighbour")


@pytest.fixture(scope="module")
def compat(stage: Stage) -> Application:
    return stage.application("token-compat", assertion_audience="token_endpoint_compat")


@pytest.fixture
def code(stage: Stage, app: Application) -> tuple[str, str]:
    return stage.code(app, NAME)


def refused(response: Response, status: int, error: str) -> bool:
    """Tell whether an answer is this error of RFC 6749 5.2 and nothing else."""
    return (
        response.status_code == status
        and response.json()["error"] == error
        and response.json().keys() <= {"error", "error_description"}
        and response.headers["cache-control"] == "no-store"
        and response.headers["content-type"] == "application/json"
    )


def given(response: Response) -> bool:
    """Tell whether an answer holds tokens, and may be stored nowhere [RFC 6749 5.1]."""
    return (
        response.status_code == 200
        and {"access_token", "id_token", "token_type", "expires_in"} <= response.json().keys()
        and response.headers["cache-control"] == "no-store"
        and response.headers["pragma"] == "no-cache"
    )


# --- client authentication -----------------------------------------------------------------------


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_assertion_that_holds_is_accepted(
    app: Application, code: tuple[str, str], case: str
) -> None:
    assert given(app.redeem(*code, client_assertion=ACCEPTED[case](app)))


@pytest.mark.parametrize("case", REFUSED)
def test_an_assertion_that_does_not_hold_is_refused_and_leaves_the_code_alone(
    app: Application, code: tuple[str, str], case: str
) -> None:
    answer = app.redeem(*code, client_assertion=REFUSED[case](app))
    assert refused(answer, 401, "invalid_client")
    assert answer.json()["error_description"] == "Client authentication failed."
    assert given(app.redeem(*code))


def test_a_client_of_the_compat_policy_may_name_the_token_endpoint_as_one_string(
    stage: Stage, compat: Application
) -> None:
    endpoint = f"{stage.issuer}/token"
    code = stage.code(compat, NAME)
    for audience in ([endpoint], [stage.issuer], f"{endpoint}/", f"{stage.issuer}/par"):
        assertion = compat.assertion(compat.claims(aud=audience))
        assert refused(compat.redeem(*code, client_assertion=assertion), 401, "invalid_client")
    for audience in (endpoint, stage.issuer):
        code = stage.code(compat, NAME)
        assertion = compat.assertion(compat.claims(aud=audience))
        assert given(compat.redeem(*code, client_assertion=assertion))


def test_an_assertion_authenticates_once(stage: Stage, app: Application) -> None:
    assertion = app.assertion()
    assert given(app.redeem(*stage.code(app, NAME), client_assertion=assertion))
    code = stage.code(app, NAME)
    assert refused(app.redeem(*code, client_assertion=assertion), 401, "invalid_client")
    assert given(app.redeem(*code))


def test_a_jti_counts_once_also_in_another_assertion(stage: Stage, app: Application) -> None:
    jti = str(uuid.uuid4())
    first, second = (app.assertion(app.claims(jti=jti, exp=now() + n)) for n in (60, 61))
    assert given(app.redeem(*stage.code(app, NAME), client_assertion=first))
    answer = app.redeem(*stage.code(app, NAME), client_assertion=second)
    assert refused(answer, 401, "invalid_client")


def test_a_jti_of_another_client_is_another_jti(
    stage: Stage, app: Application, neighbour: Application
) -> None:
    jti = str(uuid.uuid4())
    for client in (app, neighbour):
        assertion = client.assertion(client.claims(jti=jti))
        assert given(client.redeem(*stage.code(client, NAME), client_assertion=assertion))


@pytest.mark.parametrize("case", ["signed by a stranger", "audience", "expiry"])
def test_an_assertion_that_does_not_hold_uses_no_jti_up(
    app: Application, code: tuple[str, str], case: str
) -> None:
    jti = str(uuid.uuid4())
    forged = {
        "signed by a stranger": app.assertion(app.claims(jti=jti), key=new_key("ES256")),
        "audience": app.assertion(app.claims(jti=jti, aud="https://evil.example")),
        "expiry": app.assertion(app.claims(jti=jti, exp=now() - 10)),
    }
    assert refused(app.redeem(*code, client_assertion=forged[case]), 401, "invalid_client")
    assert given(app.redeem(*code, client_assertion=app.assertion(app.claims(jti=jti))))


def test_a_refused_grant_uses_the_assertion_up_all_the_same(
    app: Application, code: tuple[str, str]
) -> None:
    assertion = app.assertion()
    answer = app.redeem(*code, client_assertion=assertion, grant_type="password")
    assert refused(answer, 400, "unsupported_grant_type")
    assert refused(app.redeem(*code, client_assertion=assertion), 401, "invalid_client")


OTHER_METHODS: dict[str, dict[str, Any]] = {
    "no authentication at all": {"client_assertion": ABSENT, "client_assertion_type": ABSENT},
    "client_id alone": {
        "client_assertion": ABSENT,
        "client_assertion_type": ABSENT,
        "client_id": "token-app",
    },
    "client_secret": {
        "client_assertion": ABSENT,
        "client_assertion_type": ABSENT,
        "client_id": "token-app",
        "client_secret": "a-secret-that-nobody-ever-gave",
    },
    "client_secret beside an assertion": {"client_secret": "a-secret-that-nobody-ever-gave"},
    "no assertion type": {"client_assertion_type": ABSENT},
    "SAML": {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
    "client_id of another": {"client_id": "token-neighbour"},
}


@pytest.mark.parametrize("case", OTHER_METHODS)
def test_no_other_method_authenticates_a_client(
    app: Application, neighbour: Application, code: tuple[str, str], case: str
) -> None:
    assert refused(app.redeem(*code, **OTHER_METHODS[case]), 401, "invalid_client")
    assert given(app.redeem(*code, client_id="token-app"))


@pytest.mark.parametrize("left_out", [(), ("client_assertion", "client_assertion_type")])
@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_an_authorization_header_is_refused_by_its_own_scheme(
    app: Application, code: tuple[str, str], scheme: str, left_out: tuple[str, ...]
) -> None:
    form = app.form(*code, **dict.fromkeys(left_out, ABSENT))
    answer = app.http.post(
        f"{app.issuer}/token",
        data=form,
        headers={"authorization": f"{scheme} dG9rZW4tYXBwOmEtc2VjcmV0LXRoYXQtaXMtbm9uZQ=="},
    )
    assert refused(answer, 401, "invalid_client")
    # RFC 6749 5.2: the challenge matches the scheme that the client used.
    assert answer.headers["www-authenticate"].startswith(f"{scheme} realm=")
    assert given(app.redeem(*code))


# --- the grant -----------------------------------------------------------------------------------

GRANTS: dict[str, tuple[dict[str, Any], str]] = {
    "grant_type absent": ({"grant_type": ABSENT}, "invalid_request"),
    "grant_type empty": ({"grant_type": ""}, "invalid_request"),
    "grant_type unknown": ({"grant_type": "urn:nobody:knows"}, "unsupported_grant_type"),
    "grant_type password": ({"grant_type": "password"}, "unsupported_grant_type"),
    "grant_type implicit": ({"grant_type": "implicit"}, "unsupported_grant_type"),
    "code absent": ({"code": ABSENT}, "invalid_request"),
    "code empty": ({"code": ""}, "invalid_request"),
    "code unknown": ({"code": "c" * 43}, "invalid_grant"),
    "code too long": ({"code": "c" * 600}, "invalid_grant"),
    "redirect_uri absent": ({"redirect_uri": ABSENT}, "invalid_request"),
    "code_verifier absent": ({"code_verifier": ABSENT}, "invalid_request"),
}

BURNING: dict[str, dict[str, Any]] = {
    "redirect_uri of another": {"redirect_uri": "https://evil.example/callback"},
    "redirect_uri with a slash more": {"redirect_uri": "http://127.0.0.1:9/callback/"},
    "code_verifier of another": {"code_verifier": "v" * 43},
    "code_verifier too short": {"code_verifier": "short"},
    "code_verifier too long": {"code_verifier": "v" * 129},
    "code_verifier of other characters": {"code_verifier": "v" * 42 + "ü"},
}


@pytest.mark.parametrize("case", GRANTS)
def test_a_request_that_is_not_whole_is_refused_and_leaves_the_code_alone(
    app: Application, code: tuple[str, str], case: str
) -> None:
    changes, error = GRANTS[case]
    assert refused(app.redeem(*code, **changes), 400, error)
    assert given(app.redeem(*code))


@pytest.mark.parametrize("case", BURNING)
def test_a_wrong_proof_spends_the_code(app: Application, code: tuple[str, str], case: str) -> None:
    value, verifier = code
    form = app.form(value, verifier, **BURNING[case])
    answer = app.http.post(f"{app.issuer}/token", data=form)
    assert refused(answer, 400, "invalid_grant")
    assert refused(app.redeem(*code), 400, "invalid_grant")


def test_the_challenge_is_no_verifier(stage: Stage, app: Application) -> None:
    begun = stage.begin(app, NAME)
    code = begun.come_back().headers["location"].partition("code=")[2].partition("&")[0]
    answer = app.redeem(code, begun.sign_in.parameters["code_challenge"])
    assert refused(answer, 400, "invalid_grant")


def test_a_code_that_is_used_again_ends_the_tokens_of_its_first_use(
    app: Application, code: tuple[str, str]
) -> None:
    first = app.redeem(*code)
    token = first.json()["access_token"]
    assert app.userinfo(token).status_code == 200
    assert refused(app.redeem(*code), 400, "invalid_grant")
    ended = app.userinfo(token)
    assert ended.status_code == 401
    assert 'error="invalid_token"' in ended.headers["www-authenticate"]


def test_another_clients_code_is_nothing_and_is_not_spent(
    app: Application, neighbour: Application, code: tuple[str, str]
) -> None:
    assert refused(neighbour.redeem(*code), 400, "invalid_grant")
    assert given(app.redeem(*code))


# --- how the request is sent ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_tokens_are_given_to_post_alone(
    app: Application, code: tuple[str, str], method: str
) -> None:
    query = urlencode(app.form(*code))
    answer = app.http.request(method, f"{app.issuer}/token?{query}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert given(app.redeem(*code))


def test_a_json_body_is_no_token_request(app: Application, code: tuple[str, str]) -> None:
    answer = app.http.post(f"{app.issuer}/token", json=app.form(*code))
    assert refused(answer, 400, "invalid_request")
    assert given(app.redeem(*code))


@pytest.mark.parametrize("name", ["code", "client_assertion", "grant_type"])
def test_nothing_is_read_from_the_query(app: Application, code: tuple[str, str], name: str) -> None:
    form = app.form(*code)
    query = urlencode({name: form.pop(name)})
    answer = app.http.post(f"{app.issuer}/token?{query}", data=form)
    assert refused(answer, 400, "invalid_request")
    assert given(app.redeem(*code))


@pytest.mark.parametrize("name", ["code", "client_assertion", "grant_type", "scope"])
def test_a_parameter_that_comes_twice_is_refused(
    app: Application, code: tuple[str, str], name: str
) -> None:
    body = urlencode([*app.form(*code).items(), (name, "other"), (name, "another")])
    answer = app.http.post(
        f"{app.issuer}/token",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert refused(answer, 400, "invalid_request")
    assert given(app.redeem(*code))


def test_an_assertion_that_is_too_long_is_not_even_read(
    app: Application, code: tuple[str, str]
) -> None:
    assertion = app.assertion(app.claims(padding="p" * 20_000))
    assert refused(app.redeem(*code, client_assertion=assertion), 400, "invalid_request")
    assert given(app.redeem(*code))


def test_a_body_that_is_too_long_is_refused(app: Application, code: tuple[str, str]) -> None:
    answer = app.redeem(*code, padding="p" * 100_000)
    assert refused(answer, 400, "invalid_request")


def test_a_parameter_without_a_value_counts_as_absent(
    app: Application, code: tuple[str, str]
) -> None:
    assert given(app.redeem(*code, client_secret="", scope=""))


# --- /userinfo -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Basic YTpi", "Bearer not-a-token", "Bearer a b"]
)
def test_userinfo_wants_an_access_token(app: Application, authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    answer = app.http.get(f"{app.issuer}/userinfo", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert ("error=" in answer.headers["www-authenticate"]) == bool(headers)
    assert answer.text == ""


def test_userinfo_takes_no_id_token_and_no_assertion(
    app: Application, code: tuple[str, str]
) -> None:
    tokens = app.redeem(*code).json()
    for other in (tokens["id_token"], app.assertion()):
        assert app.userinfo(other).status_code == 401
    assert app.userinfo(tokens["access_token"]).status_code == 200


def test_userinfo_takes_no_token_from_the_address(app: Application, code: tuple[str, str]) -> None:
    token = app.redeem(*code).json()["access_token"]
    answer = app.http.get(f"{app.issuer}/userinfo", params={"access_token": token})
    assert answer.status_code == 401


def test_an_access_token_that_was_signed_by_another_is_refused(
    app: Application, code: tuple[str, str]
) -> None:
    token = app.redeem(*code).json()["access_token"]
    head, payload, _ = token.split(".")
    _, _, other = sign({}, {}, key=new_key("RS256"), alg="RS256").split(".")
    assert app.userinfo(f"{head}.{payload}.{other}").status_code == 401


def test_scopes_decide_what_userinfo_tells(stage: Stage, app: Application) -> None:
    code = stage.code(app, NAME, scope="openid email")
    told = app.userinfo(app.redeem(*code).json()["access_token"]).json()
    assert told.keys() == {"sub", "email", "email_verified"}
