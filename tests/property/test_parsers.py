"""Whatever others send, a parser returns or raises our own error, and never anything else."""

import json
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st
from tests.support.broker import App, Broker
from tests.support.canned_provider import CannedProvider
from tests.support.hostile import SCALARS, TEXT, VALUES, near, near_texts
from tests.support.memory import FixedClock

from signet.broker.client import Client
from signet.broker.connection import Connection
from signet.errors import SignetError
from signet.jose import base64url, strict_json
from signet.jose.jwk import PublicJwk
from signet.jose.jwks import Jwks
from signet.jose.jws import RemoteAlgorithm, SignedClaims, read_unverified, verify
from signet.oauth import parameters, pkce
from signet.oauth.access_token import AccessTokenPolicy, check_access_token, read_presented
from signet.oauth.authorization_request import AuthorizationRequest, authorization_url
from signet.oauth.authorization_response import read_authorization_response, read_state
from signet.oauth.claims_parameter import RequestedClaims
from signet.oauth.client_assertion import AssertionPolicy, check_assertion
from signet.oauth.http_message import HttpAnswer
from signet.oauth.provider_token import read_token_response
from signet.oauth.pushed_authorization import read_push_response
from signet.oauth.redirect_uri import check_registrable
from signet.oauth.request_object import RequestObjectPolicy, read_request_object
from signet.oauth.request_uri import PREFIX, reference_of, request_uri_of
from signet.oauth.token_request import ClientCredentials, CodeRedemption, grant_type
from signet.oidc.discovery import ProviderMetadata
from signet.oidc.id_token import IdTokenPolicy, check_id_token
from signet.oidc.userinfo import read_userinfo_response
from signet.web.request import Request

NOW = 1_800_000_000
IDP = "https://idp.example"
BROKER = Broker()
APP = App(BROKER)
EC_JWK: dict[str, object] = dict(APP.jwk)
RSA_JWK: dict[str, object] = dict(CannedProvider(FixedClock()).jwk)
KEYS = Jwks.read({"keys": [EC_JWK]})
TYPES = frozenset({None, "JWT"})
JWKS = st.one_of(near(EC_JWK), near(RSA_JWK))


def survives(call: Callable[[], object]) -> None:
    """Run a parser; our own errors are answers too, everything else fails the test."""
    with suppress(SignetError):
        call()


# --- bytes and signatures ---


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100)))
def test_strict_json_of_anything(data: bytes | str) -> None:
    survives(lambda: strict_json.loads(data))


@given(st.text('{}[]",:\\u0d8ef1e-9.NaInty \ud800', max_size=60))
def test_strict_json_of_what_looks_like_json(text: str) -> None:
    survives(lambda: strict_json.loads_object(text))


@given(VALUES)
def test_strict_json_reads_what_json_wrote(value: object) -> None:
    assert strict_json.loads(json.dumps(value)) == value


@given(st.one_of(st.text(max_size=60), st.text("AZaz09-_=+/", max_size=20)))
def test_base64url(text: str) -> None:
    survives(lambda: base64url.decode(text))


@given(JWKS)
def test_jwk(member: dict[str, object]) -> None:
    survives(lambda: PublicJwk.parse(member))


@given(st.binary(max_size=200))
def test_jwk_of_der(der: bytes) -> None:
    survives(lambda: PublicJwk.from_der(der, alg="RS256"))


@given(st.one_of(near({"keys": []}), st.lists(st.one_of(JWKS, VALUES)).map(lambda k: {"keys": k})))
def test_jwks(document: dict[str, object]) -> None:
    survives(lambda: Jwks.read(document))
    survives(lambda: Jwks.parse_registered(document))


def _compact(header: dict[str, object], claims: object) -> str:
    text = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, claims))
    signature = RemoteAlgorithm(APP.key).sign(text.encode(), None)
    return f"{text}.{base64url.encode(signature)}"


HEADERS = near({"alg": "ES256", "kid": APP.key.kid, "typ": "JWT"})
TOKENS = st.one_of(
    st.text(max_size=60),
    st.builds(_compact, HEADERS, st.one_of(near({"iss": "app"}), VALUES)),
    st.lists(st.binary(max_size=60).map(base64url.encode), max_size=6).map(".".join),
)


@given(TOKENS)
def test_tokens(token: str) -> None:
    survives(lambda: read_unverified(token))
    for alg in ("ES256", "RS256", "none"):
        survives(lambda alg=alg: verify(token, keys=KEYS, alg=alg, types=TYPES))


@given(JWKS, TOKENS)
def test_tokens_under_any_key(member: dict[str, object], token: str) -> None:
    for alg in ("ES256", "PS512"):
        survives(
            lambda alg=alg: verify(token, keys=Jwks.read({"keys": [member]}), alg=alg, types=TYPES)
        )


# --- what applications send ---


@given(st.one_of(st.text(max_size=80), st.text("a=&%+0C3é\ud800\n", max_size=40)))
def test_parameters(raw: str) -> None:
    survives(lambda: parameters.parse(raw))


REQUEST = {**APP.request(), "prompt": "login", "max_age": "60", "response_mode": "query"}


@given(near_texts(REQUEST))
def test_authorization_requests(members: dict[str, str]) -> None:
    survives(
        lambda: AuthorizationRequest.parse(
            members, client_id="app", redirect_uri="https://app.example/cb"
        )
    )


ASKED = {"id_token": {"acr": {"essential": True, "values": ["a"]}, "sub": {"value": "s"}}}


@given(st.one_of(TEXT, near(ASKED).map(json.dumps), VALUES.map(json.dumps)))
def test_claims_parameters(text: str) -> None:
    survives(lambda: RequestedClaims.parse(text))


OBJECT = {**APP.request(), "iss": "app", "aud": IDP, "exp": NOW + 60, "nbf": NOW, "claims": ASKED}


@given(near(OBJECT))
def test_request_objects(claims: dict[str, object]) -> None:
    policy = RequestObjectPolicy(issuer=IDP, client_id="app", now=NOW)

    def read() -> None:
        asked = read_request_object(SignedClaims(header={}, claims=claims), policy)
        AuthorizationRequest.parse(asked, client_id="app", redirect_uri="https://app.example/cb")

    survives(read)


@given(st.one_of(TEXT, TEXT.map(lambda text: PREFIX + text)))
def test_request_uris(text: str) -> None:
    reference = reference_of(text)
    assert reference is None or request_uri_of(reference) == text


@given(near_texts({"grant_type": "authorization_code", **APP.token_parameters("code")}))
def test_token_requests(members: dict[str, str]) -> None:
    survives(lambda: grant_type(members))
    survives(lambda: CodeRedemption.parse(members))
    survives(lambda: ClientCredentials.parse(members, authorization=None))


ASSERTION = {"iss": "app", "sub": "app", "aud": IDP, "exp": NOW + 60, "iat": NOW, "jti": "j"}


@given(near({**ASSERTION, "nbf": NOW}))
def test_assertions(claims: dict[str, object]) -> None:
    policy = AssertionPolicy(client_id="app", audiences=frozenset({IDP}), now=NOW)
    survives(lambda: check_assertion(SignedClaims(header={}, claims=claims), policy))


ACCESS = {"iss": IDP, "aud": IDP, "exp": NOW + 60, "scope": "openid", "grant_id": "g"}


@given(near(ACCESS))
def test_access_tokens(claims: dict[str, object]) -> None:
    policy = AccessTokenPolicy(issuer=IDP, audience=IDP, scope="openid", now=NOW)
    survives(lambda: check_access_token(SignedClaims(header={}, claims=claims), policy))


@given(st.one_of(st.none(), TEXT, TEXT.map(lambda text: f"Bearer {text}")))
def test_bearer_tokens(header: str | None) -> None:
    survives(lambda: read_presented(header))


@given(TEXT, st.one_of(st.none(), TEXT), TEXT)
def test_pkce(verifier: str, challenge: str | None, method: str) -> None:
    survives(lambda: pkce.check_challenge(challenge=challenge, method=method))
    assert pkce.matches(verifier=verifier, challenge="x" * 43) is False


# --- what providers send ---

IDP_ANSWER = {"code": "code", "state": "A" * 43, "iss": IDP, "error": "access_denied"}


@given(near_texts(IDP_ANSWER), st.booleans())
def test_authorization_responses(members: dict[str, str], iss_required: bool) -> None:  # noqa: FBT001
    survives(lambda: read_state(members))
    survives(lambda: read_authorization_response(members, issuer=IDP, iss_required=iss_required))


ID_TOKEN = {
    "iss": IDP, "sub": "user-1", "aud": "signet", "azp": "signet", "exp": NOW + 300, "iat": NOW,
    "nbf": NOW, "nonce": "n", "at_hash": "x", "c_hash": "x", "auth_time": NOW, "acr": "high",
}  # fmt: skip


@given(near({name: value for name, value in ID_TOKEN.items() if not name.endswith("_hash")}))
def test_id_tokens(claims: dict[str, object]) -> None:
    policy = IdTokenPolicy(
        issuer=IDP,
        client_id="signet",
        nonce="n",
        alg="RS256",
        access_token="a",
        code="c",
        login_started=NOW,
        now=NOW,
        max_age=60,
        acr_values=("high",),
    )
    survives(lambda: check_id_token(SignedClaims(header={}, claims=claims), policy))


def _answer(status: int, document: object) -> HttpAnswer:
    return HttpAnswer(status=status, headers={}, body=json.dumps(document).encode())


TOKEN_ANSWER = {"access_token": "a", "id_token": "b", "token_type": "Bearer", "error": "x"}
ANSWERS = st.one_of(
    st.builds(
        _answer,
        st.sampled_from([200, 201, 302, 400, 401, 500, 503]),
        st.one_of(
            near({name: v for name, v in TOKEN_ANSWER.items() if name != "error"}),
            near({"error": "invalid_client"}),
            near({"request_uri": "urn:x", "expires_in": 60}),
            near({"sub": "user-1", "email": "ada@example.org"}),
            VALUES,
        ),
    ),
    st.builds(lambda body: HttpAnswer(status=200, headers={}, body=body), st.binary(max_size=60)),
)


@given(ANSWERS)
def test_answers_of_providers(answer: HttpAnswer) -> None:
    survives(lambda: read_token_response(answer))
    survives(lambda: read_push_response(answer))
    survives(lambda: read_userinfo_response(answer, subject="user-1"))


METADATA = {
    "issuer": IDP,
    "authorization_endpoint": f"{IDP}/auth",
    "token_endpoint": f"{IDP}/token",
    "userinfo_endpoint": f"{IDP}/me",
    "jwks_uri": f"{IDP}/jwks",
    "pushed_authorization_request_endpoint": f"{IDP}/par",
    "code_challenge_methods_supported": ["S256"],
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    "authorization_response_iss_parameter_supported": True,
}
ADDRESSES = st.text("htps:/[].@?#\r\n é%1aZ\\", max_size=20).map(lambda text: f"https://{text}")


@given(near(METADATA, st.one_of(VALUES, ADDRESSES)))
def test_metadata_lead_a_browser_to_an_address_or_nowhere(document: dict[str, object]) -> None:
    try:
        metadata = ProviderMetadata.read(document, issuer=IDP)
    except SignetError:
        return
    url = authorization_url(metadata.authorization_endpoint, {"state": "s"})
    assert urlsplit(url).scheme in {"http", "https"}
    assert urlsplit(url).query.endswith("state=s")
    assert url.isprintable()


# --- what administrators send ---


@given(st.one_of(TEXT, ADDRESSES), st.booleans())
def test_redirect_uris(uri: str, loopback: bool) -> None:  # noqa: FBT001
    survives(lambda: check_registrable(uri, allow_loopback=loopback))


CONNECTION = {
    "name": "acme",
    "display_name": "Acme",
    "strategy": "oidc",
    "issuer": IDP,
    "client_id": "signet",
    "enabled": True,
    "scopes": ["openid"],
    "token_endpoint_auth_signing_alg": "ES256",
    "id_token_signed_response_alg": "RS256",
    "key_registration": "manual",
    "domains": ["example.org"],
}
ASSERTION_SETTINGS = near(
    {
        "audience": "issuer",
        "lifetime_seconds": 60,
        "typ": "JWT",
        "key_headers": ["kid"],
        "extra_claims": {},
        "extra_headers": {},
    }
)
PAIRS = st.dictionaries(st.one_of(TEXT, st.sampled_from(["iss", "email"])), SCALARS, max_size=3)


@given(
    near(CONNECTION),
    st.fixed_dictionaries(
        {},
        optional={"assertion": ASSERTION_SETTINGS, "claims_map": PAIRS, "upstream_params": PAIRS},
    ),
)
def test_connections(document: dict[str, object], nested: dict[str, object]) -> None:
    survives(lambda: Connection.parse({**document, **nested}, connection_id="con_x", now=NOW))


CLIENT = {
    "client_id": "app",
    "name": "App",
    "redirect_uris": ["https://app.example/cb"],
    "post_logout_redirect_uris": [],
    "grant_types": ["authorization_code"],
    "scopes": ["openid"],
    "jwks": {"keys": [EC_JWK]},
    "connections": ["acme"],
    "assertion_audience": "issuer",
    "enabled": True,
}


@given(
    near(CLIENT),
    st.fixed_dictionaries(
        {},
        optional={
            "jwks": st.one_of(JWKS.map(lambda key: {"keys": [key]}), VALUES),
            "redirect_uris": st.lists(st.one_of(ADDRESSES, VALUES), max_size=3),
        },
    ),
)
def test_clients(document: dict[str, object], nested: dict[str, object]) -> None:
    survives(
        lambda: Client.parse(
            {**document, **nested}, client_id="app_x", allow_loopback=False, now=NOW
        )
    )


# --- HTTP API's events: their shape is AWS's, every text in them the caller's ---

EVENTS = st.fixed_dictionaries(
    {
        "rawPath": TEXT,
        "rawQueryString": st.one_of(TEXT, st.just(parameters.encode(REQUEST))),
        "headers": st.dictionaries(
            st.one_of(TEXT, st.just("Content-Type")),
            st.one_of(TEXT, st.just("application/x-www-form-urlencoded")),
            max_size=3,
        ),
        "requestContext": st.fixed_dictionaries(
            {
                "requestId": TEXT,
                "http": st.fixed_dictionaries(
                    {"method": st.sampled_from(["GET", "POST", "HEAD", "put", ""])}
                ),
            }
        ),
        "isBase64Encoded": st.booleans(),
    },
    optional={
        "body": st.one_of(st.none(), TEXT, st.just("YT0x"), st.just("a=1&b=2")),
        "cookies": st.one_of(st.none(), st.lists(TEXT, max_size=3)),
        "pathParameters": st.one_of(st.none(), st.dictionaries(TEXT, TEXT, max_size=2)),
    },
)


@given(EVENTS)
def test_requests(event: dict[str, object]) -> None:
    request = Request.from_event(event)
    survives(request.parameters)
    survives(request.form)
