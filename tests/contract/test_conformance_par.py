"""The OP modules of FAPI 2.0's conformance suite about PAR, PKCE and the request, over HTTP.

Each test is named after its module (fapi2-security-profile-final-…), but for those at the end.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import urlencode

import boto3  # noqa: TID251  (time is made to pass in the emulated table)
import httpx  # noqa: TID251  (a client of ours from outside)
import pytest
from tests.support.application import ASSERTION_TYPE, REDIRECT_URI, Application, SignIn
from tests.support.browser import Browser, form_of, query_of
from tests.support.clock import now
from tests.support.lying_provider import LyingProvider, changed, lying_provider
from tests.support.searched import searched
from tests.support.stack import Stack
from tests.support.stage import ABSENT, Begun, Stage, app_answer
from tests.support.travelled import Response, Travelled, Wire

NAME = "fapi"
FORM = "application/x-www-form-urlencoded"
PREFIX = "urn:ietf:params:oauth:request_uri:"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    travelled = Travelled()
    wire = Wire(travelled)
    with searched(Stack(), travelled) as stack, lying_provider(travelled) as liar:
        stage = Stage(stack, liar, wire)
        stage.connect([NAME])
        yield stage
    wire.close()


@pytest.fixture(scope="module")
def app(stage: Stage) -> Application:
    return stage.application("fapi-app", require_pushed_authorization_requests=True)


@pytest.fixture
def liar(stage: Stage) -> Iterator[LyingProvider]:
    yield stage.liar
    stage.liar.tenants[NAME].claims = lambda _login: {}


def pushed_form(app: Application, sign_in: SignIn) -> dict[str, str]:
    return {
        **sign_in.parameters,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": app.assertion(),
    }


def push(app: Application, sign_in: SignIn, **more: str) -> Response:
    return app.http.post(f"{app.issuer}/par", data={**pushed_form(app, sign_in), **more})


def reference(app: Application, sign_in: SignIn) -> str:
    """Push a request that has to be taken."""
    answer = push(app, sign_in)
    assert answer.status_code == 201, answer.text
    request_uri: str = answer.json()["request_uri"]
    return request_uri


def open_page(
    stage: Stage,
    app: Application,
    request_uri: str,
    *,
    browser: Browser | None = None,
    **query: str,
) -> Response:
    carried = {"client_id": app.client_id, "request_uri": request_uri, **query}
    return (browser or stage.browser()).open(f"{stage.issuer}/authorize", carried)


def begin(stage: Stage, app: Application, request_uri: str, sign_in: SignIn, **query: str) -> Begun:
    """Open the page in a new browser, and arrive at the provider's door."""
    browser = stage.browser()
    response = open_page(stage, app, request_uri, browser=browser, **query)
    tenant = stage.liar.tenants[NAME]
    location = response.headers.get("location", "")
    assert location.startswith(f"{tenant.issuer}/authorize?"), (location, response.text)
    authorization = query_of(location)
    return Begun(
        sign_in=sign_in,
        browser=browser,
        tenant=tenant,
        callback=stage.callbacks[NAME],
        state=tenant.state_of(authorization),
        code=tenant.expect(authorization),
        authorization=authorization,
    )


def logged_in(stage: Stage, app: Application, **changes: Any) -> tuple[SignIn, dict[str, str]]:
    """Go through a whole login with a pushed request; return what the application gets."""
    sign_in = app.request(NAME, **changes)
    begun = begin(stage, app, reference(app, sign_in), sign_in)
    return sign_in, app_answer(begun.come_back())


def id_token_of(app: Application, back: dict[str, str], sign_in: SignIn) -> dict[str, Any]:
    tokens = app.redeem(back["code"], sign_in.verifier)
    assert tokens.status_code == 200, tokens.text
    claims: dict[str, Any] = json.loads(_payload(tokens.json()["id_token"]))
    return claims


def _payload(token: str) -> bytes:
    return urlsafe_b64decode(token.split(".")[1] + "==")


def refused_by_push(answer: Response, *codes: str) -> None:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] in codes
    assert "request_uri" not in answer.json()
    assert answer.headers["cache-control"] == "no-store"


def refused_by_page(answer: Response) -> None:
    """A page of Signet's own: nothing is redirected."""
    assert answer.status_code == 400, answer.text
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert "set-cookie" not in answer.headers


# --- PAR ---------------------------------------------------------------------------------------


def test_happy_flow_of_a_pushed_request(stage: Stage, app: Application) -> None:
    sign_in = app.request(NAME)
    answer = push(app, sign_in)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"request_uri", "expires_in"}
    assert answer.json()["request_uri"].startswith(PREFIX)
    assert 60 <= answer.json()["expires_in"] <= 90
    begun = begin(stage, app, answer.json()["request_uri"], sign_in)
    back = app_answer(begun.come_back())
    assert (back["state"], back["iss"]) == (sign_in.state, stage.issuer)
    assert id_token_of(app, back, sign_in)["nonce"] == sign_in.nonce


def test_par_attempt_reuse_request_uri(stage: Stage, app: Application) -> None:
    sign_in = app.request(NAME)
    request_uri = reference(app, sign_in)
    assert "code" in app_answer(begin(stage, app, request_uri, sign_in).come_back())
    refused_by_page(open_page(stage, app, request_uri))


def test_par_attempt_to_use_expired_request_uri(stage: Stage, app: Application) -> None:
    request_uri = reference(app, app.request(NAME))
    let_pushed_requests_expire(stage)
    refused_by_page(open_page(stage, app, request_uri))


def test_par_attempt_to_use_request_uri_for_different_client(
    stage: Stage, app: Application
) -> None:
    other = stage.application("fapi-other")
    sign_in = app.request(NAME)
    request_uri = reference(app, sign_in)
    refused_by_page(open_page(stage, other, request_uri))
    begin(stage, app, request_uri, sign_in)


def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
    stage: Stage, app: Application
) -> None:
    sign_in = app.request(NAME)
    request_uri = reference(app, sign_in)
    begin(stage, app, request_uri, sign_in)
    again = begin(stage, app, request_uri, sign_in)
    id_token_of(app, app_answer(again.come_back()), sign_in)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_par_attempt_invalid_http_method(app: Application, method: str) -> None:
    form = urlencode(pushed_form(app, app.request(NAME)))
    address, headers = f"{app.issuer}/par", {"content-type": FORM}
    answer = app.http.request(method, address, content=form, headers=headers)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_par_authorization_request_containing_request_uri(app: Application) -> None:
    earlier = reference(app, app.request(NAME))
    for request_uri in (earlier, PREFIX + "x" * 43, "https://app.example/request.jwt"):
        answer = push(app, app.request(NAME), request_uri=request_uri)
        refused_by_push(answer, "invalid_request")


def test_par_authorization_request_containing_request_uri_form_param(app: Application) -> None:
    form = {
        "client_id": app.client_id,
        "request_uri": PREFIX + "x" * 43,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": app.assertion(),
    }
    answer = app.http.post(f"{app.issuer}/par", data=form)
    refused_by_push(answer, "invalid_request")


@pytest.mark.parametrize(
    "name",
    [
        "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "response_type",
        "client_assertion", "client_assertion_type", "connection",
    ],
)  # fmt: skip
def test_par_without_duplicate_parameters(app: Application, name: str) -> None:
    form = pushed_form(app, app.request(NAME))
    address, headers = f"{app.issuer}/par", {"content-type": FORM}
    twice = urlencode([*form.items(), (name, form[name])])
    refused_by_push(app.http.post(address, content=twice, headers=headers), "invalid_request")
    query = urlencode({name: form.pop(name)})
    split = app.http.post(f"{address}?{query}", data=form)
    refused_by_push(split, "invalid_request")


def test_ensure_unsigned_authorization_request_without_using_par_fails(
    stage: Stage, app: Application
) -> None:
    sign_in = app.request(NAME)
    back = app_answer(stage.browser().open(f"{stage.issuer}/authorize", sign_in.parameters))
    assert (back["error"], back["state"]) == ("invalid_request", sign_in.state)
    assert back["iss"] == stage.issuer


# --- PKCE --------------------------------------------------------------------------------------


def test_par_ensure_pkce_required(app: Application) -> None:
    for absent in ("code_challenge", "code_challenge_method"):
        refused_by_push(push(app, app.request(NAME, **{absent: ABSENT})), "invalid_request")
    both = app.request(NAME, code_challenge=ABSENT, code_challenge_method=ABSENT)
    refused_by_push(push(app, both), "invalid_request")


def test_par_plain_pkce_rejected(app: Application) -> None:
    answer = push(app, app.request(NAME, code_challenge_method="plain"))
    refused_by_push(answer, "invalid_request")


def test_ensure_pkce_code_verifier_required(stage: Stage, app: Application) -> None:
    sign_in, back = logged_in(stage, app)
    answer = app.redeem(back["code"], sign_in.verifier, code_verifier=ABSENT)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}


def test_incorrect_pkce_code_verifier_rejected(stage: Stage, app: Application) -> None:
    sign_in, back = logged_in(stage, app)
    answer = app.redeem(back["code"], "v" * 43)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    burned = app.redeem(back["code"], sign_in.verifier)
    assert (burned.status_code, burned.json()["error"]) == (400, "invalid_grant")


# --- the request -------------------------------------------------------------------------------


def test_ensure_response_type_token_fails(app: Application) -> None:
    answer = push(app, app.request(NAME, response_type="token"))
    refused_by_push(answer, "unsupported_response_type")


def test_ensure_response_type_code_idtoken_fails(app: Application) -> None:
    answer = push(app, app.request(NAME, response_type="code id_token"))
    refused_by_push(answer, "unsupported_response_type")


def test_ensure_redirect_uri_in_authorization_request(app: Application) -> None:
    refused_by_push(push(app, app.request(NAME, redirect_uri=ABSENT)), "invalid_request")


def test_ensure_registered_redirect_uri(app: Application) -> None:
    for wrong in ("https://evil.example/cb", f"{REDIRECT_URI}/", f"{REDIRECT_URI}?x=1"):
        refused_by_push(push(app, app.request(NAME, redirect_uri=wrong)), "invalid_request")


def test_plain_fapi_tolerate_unregistered_redirect_uri(app: Application) -> None:
    """A server may take it from an authenticated client; this one never does."""
    answer = push(app, app.request(NAME, redirect_uri=f"{REDIRECT_URI}/dummy"))
    refused_by_push(answer, "invalid_request")


def test_ensure_other_scope_order_succeeds(stage: Stage, app: Application) -> None:
    sign_in, back = logged_in(stage, app, scope="email openid profile")
    assert id_token_of(app, back, sign_in)["email"] == "ada@acme.example"


def test_ensure_authorization_request_without_nonce_success(stage: Stage, app: Application) -> None:
    sign_in, back = logged_in(stage, app, nonce=ABSENT)
    assert "nonce" not in id_token_of(app, back, sign_in)


def test_ensure_authorization_request_without_state_success(stage: Stage, app: Application) -> None:
    sign_in, back = logged_in(stage, app, state=ABSENT)
    assert set(back) == {"code", "iss"}
    id_token_of(app, back, sign_in)


@pytest.mark.parametrize("length", [64, 384, 512])
def test_ensure_authorization_request_with_long_nonce(
    stage: Stage, app: Application, length: int
) -> None:
    """And with-64-char-nonce-success; longer than 512 is refused, and never cut."""
    nonce = "n0nce-" + "x" * (length - 6)
    sign_in, back = logged_in(stage, app, nonce=nonce)
    assert id_token_of(app, back, sign_in)["nonce"] == nonce
    refused_by_push(push(app, app.request(NAME, nonce=nonce * 9)), "invalid_request")


@pytest.mark.parametrize("length", [128, 384, 2_048])
def test_ensure_authorization_request_with_long_state(
    stage: Stage, app: Application, length: int
) -> None:
    state = "%7E st/ä&=" + "s" * (length - 10)
    _, back = logged_in(stage, app, state=state)
    assert back["state"] == state


def test_test_claims_parameter_identity_claims(stage: Stage, app: Application) -> None:
    asked = {
        "id_token": {"name": {"essential": True}, "nickname": None},
        "userinfo": {"email": None},
    }
    sign_in, back = logged_in(stage, app, scope="openid", claims=json.dumps(asked))
    tokens = app.redeem(back["code"], sign_in.verifier).json()
    claims = json.loads(_payload(tokens["id_token"]))
    assert claims["name"] == "Ada Lovelace"
    assert not {"email", "nickname"} & set(claims)
    userinfo = app.userinfo(tokens["access_token"]).json()
    assert userinfo["email"] == "ada@acme.example"
    assert "name" not in userinfo


SCA = ["urn:openbanking:psd2:sca", "urn:openbanking:psd2:ca"]


def test_test_essential_acr_sca_claim(stage: Stage, app: Application, liar: LyingProvider) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": SCA}}})
    liar.tenants[NAME].claims = lambda _login: {"acr": SCA[1]}
    sign_in, back = logged_in(stage, app, claims=claims)
    assert id_token_of(app, back, sign_in)["acr"] == SCA[1]
    liar.tenants[NAME].claims = lambda _login: {"acr": "urn:password"}
    sign_in, back = logged_in(stage, app, claims=claims)
    assert back["error"] == "unmet_authentication_requirements"
    assert (back["state"], back["iss"]) == (sign_in.state, stage.issuer)
    assert "code" not in back


# --- signed request objects (fapi_request_method=signed_non_repudiation) -----------------------


@pytest.fixture(scope="module")
def signing(stage: Stage) -> Application:
    return stage.application("fapi-signing", request_object_signing_alg="ES256")


def request_object(app: Application, sign_in: SignIn, /, **changes: Any) -> str:
    claims = {
        "iss": app.client_id,
        "aud": app.issuer,
        "nbf": now(),
        "exp": now() + 300,
        **sign_in.parameters,
    }
    return app.assertion(changed(claims, changes), typ="oauth-authz-req+jwt")


def sent(app: Application, token: str) -> tuple[Response, Response]:
    """Send a request object to both endpoints, alone."""
    carried = {"client_id": app.client_id, "request": token}
    authentication = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": app.assertion(),
    }
    pushed = app.http.post(f"{app.issuer}/par", data={**carried, **authentication})
    return pushed, app.http.get(f"{app.issuer}/authorize", params=carried)


def refused_by_both(app: Application, token: str) -> None:
    pushed, opened = sent(app, token)
    refused_by_push(pushed, "invalid_request_object")
    refused_by_page(opened)


def test_happy_flow_of_a_signed_request(stage: Stage, signing: Application) -> None:
    sign_in = signing.request(NAME)
    token = request_object(signing, sign_in)
    pushed, opened = sent(signing, token)
    assert pushed.status_code == 201
    assert opened.headers["location"].startswith(stage.liar.tenants[NAME].issuer)
    begun = begin(stage, signing, pushed.json()["request_uri"], sign_in, state="other")
    back = app_answer(begun.come_back())
    assert back["state"] == sign_in.state
    assert id_token_of(signing, back, sign_in)["nonce"] == sign_in.nonce


def test_ensure_request_object_signature_algorithm_is_not_none(signing: Application) -> None:
    claims = {"iss": signing.client_id, "aud": signing.issuer, "nbf": now(), "exp": now() + 60}
    asked = {**claims, **signing.request(NAME).parameters}
    for alg in ("none", "ES384", "HS256"):
        refused_by_both(signing, signing.assertion(asked, signed_as="ES256", alg=alg))
    refused_by_both(signing, signing.assertion(asked, signed_as="none", alg="none"))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": "https://other.example"}, id="with-bad-aud-fails"),
        pytest.param({"aud": ABSENT}, id="without-aud-fails"),
        pytest.param({"exp": ABSENT}, id="without-exp-fails"),
        pytest.param({"exp": 1}, id="with-expired-exp-fails"),
        pytest.param({"exp": 4_000_000_000}, id="with-exp-over-60-fails"),
        pytest.param({"nbf": ABSENT}, id="without-nbf-fails"),
        pytest.param({"nbf": 1}, id="with-nbf-over-60-fails"),
        pytest.param({"nbf": 4_000_000_000}, id="with-nbf-in-the-future-fails"),
        pytest.param({"iss": "fapi-app"}, id="of-another-client-fails"),
        pytest.param({"request_uri": PREFIX + "x" * 43}, id="with-a-nested-request_uri-fails"),
    ],
)
def test_ensure_request_object(signing: Application, changes: dict[str, Any]) -> None:
    refused_by_both(signing, request_object(signing, signing.request(NAME), **changes))


def test_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
    signing: Application,
) -> None:
    pushed, _ = sent(signing, request_object(signing, signing.request(NAME), nbf=now() + 8))
    assert pushed.status_code == 201


def test_a_client_that_registered_for_no_request_object_sends_none(app: Application) -> None:
    pushed, _ = sent(app, request_object(app, app.request(NAME)))
    refused_by_push(pushed, "invalid_request")


# --- what the modules leave out ------------------------------------------------------------------


def test_logins_that_complete_at_once_with_one_request_uri_give_one_code(
    stage: Stage, app: Application
) -> None:
    for _ in range(3):
        sign_in = app.request(NAME)
        request_uri = reference(app, sign_in)
        logins = [begin(stage, app, request_uri, sign_in) for _ in range(12)]
        together = Barrier(len(logins))

        def complete(begun: Begun, together: Barrier = together) -> dict[str, str]:
            together.wait()
            return app_answer(begun.come_back())

        with ThreadPoolExecutor(len(logins)) as pool:
            answers = list(pool.map(complete, logins))
        errors = [answer.get("error") for answer in answers]
        assert errors.count(None) == 1
        assert set(errors) == {None, "invalid_request_uri"}


def test_the_query_beside_a_request_uri_changes_nothing(stage: Stage, app: Application) -> None:
    sign_in = app.request(NAME)
    begun = begin(
        stage,
        app,
        reference(app, sign_in),
        sign_in,
        state="other",
        redirect_uri="https://evil.example/cb",
        nonce="other",
        scope="openid",
        response_mode="form_post",
        prompt="login",
        unknown="ignored",
    )
    assert "prompt" not in begun.authorization
    back = app_answer(begun.come_back())
    assert back["state"] == sign_in.state
    assert id_token_of(app, back, sign_in)["nonce"] == sign_in.nonce


def test_nothing_of_a_pushed_request_is_seen_by_the_browser(stage: Stage, app: Application) -> None:
    """CVE-2024-4540: only opaque references are in cookies and addresses."""
    sign_in = app.request(NAME)
    browser = stage.browser()
    response = open_page(stage, app, reference(app, sign_in), browser=browser)
    shown = f"{response.headers}{response.text}{dict(browser.client.cookies)}"
    for name in ("state", "nonce", "code_challenge", "redirect_uri"):
        assert sign_in.parameters[name] not in shown


def test_an_unknown_parameter_is_ignored_and_an_unknown_scope_is_refused(app: Application) -> None:
    assert push(app, app.request(NAME), unknown="x").status_code == 201
    refused_by_push(push(app, app.request(NAME, scope="openid nonsense")), "invalid_scope")


def test_an_answer_is_posted_by_a_page_when_the_application_asks(
    stage: Stage, app: Application
) -> None:
    sign_in = app.request(NAME, response_mode="form_post")
    page = begin(stage, app, reference(app, sign_in), sign_in).come_back()
    assert page.status_code == 200
    form = form_of(page.text)
    assert form is not None
    assert (form.action, form.method) == (REDIRECT_URI, "POST")
    assert set(form.fields) == {"code", "state", "iss"}
    id_token_of(app, form.fields, sign_in)


def test_the_metadata_tell_what_works_here(stage: Stage) -> None:
    metadata = httpx.get(f"{stage.issuer}/.well-known/openid-configuration").json()
    assert metadata["pushed_authorization_request_endpoint"] == f"{stage.issuer}/par"
    assert metadata["require_pushed_authorization_requests"] is False
    assert metadata["response_modes_supported"] == ["query", "form_post"]
    assert metadata["claims_parameter_supported"] is True
    assert metadata["request_parameter_supported"] is True
    assert "ES256" in metadata["request_object_signing_alg_values_supported"]
    assert not {"none", "HS256"} & set(metadata["request_object_signing_alg_values_supported"])
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True


def let_pushed_requests_expire(stage: Stage) -> None:
    """Make what was pushed old by its own expiry; the items stay, as DynamoDB may let them."""
    environment = json.loads((stage.stack.state / "environment.json").read_text("utf-8"))
    database = boto3.client(
        "dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL"], region_name="us-east-1",
        aws_access_key_id="local", aws_secret_access_key="local",
    )  # fmt: skip
    table = environment["SIGNET_LOGINS_TABLE"]
    for item in database.scan(TableName=table)["Items"]:
        if item["pk"]["S"].startswith("PAR#"):
            document = {**json.loads(item["document"]["S"]), "expires_at": 1}
            item["document"] = {"S": json.dumps(document)}
            database.put_item(TableName=table, Item=item)
    database.close()
