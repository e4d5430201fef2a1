"""Records for store tests: every member filled, with texts that a careless store would spoil."""

from dataclasses import replace
from itertools import count

from signet.broker.client import Client
from signet.broker.connection import AssertionSettings, Connection, PinnedEndpoints
from signet.broker.grant import Grant, grant_id
from signet.broker.keyring import Keyring, PublishedKey
from signet.broker.login_record import LoginRecord, hashed
from signet.broker.pushed_request import PushedRequest, pushed_request_id
from signet.broker.session import Session, SessionGrant, person_key
from signet.oauth.authorization_request import AuthorizationRequest

NOW = 1_800_000_000
_numbers = count(1)


def fresh(prefix: str = "") -> str:
    """Return a text that no other test of this run uses."""
    return f"{prefix}{next(_numbers)}"


def connection_id() -> str:
    """Return an id in the form that all have."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in f"{next(_numbers):026d}")
    return f"con_{letters}"


def connection(**changes: object) -> Connection:
    record = Connection(
        id=connection_id(),
        name=fresh("acme-"),
        display_name="Ärger & Söhne “GmbH”  \U0001f510",
        strategy="oidc",
        issuer="https://idp.example",
        client_id="signet",
        enabled=True,
        scopes=("openid", "profile"),
        signing_alg="ES512",
        id_token_alg="PS256",
        assertion=AssertionSettings(
            typ=None, extra_claims={"n": {"deep": [1, None, "x"]}}, extra_headers={"h": 2}
        ),
        key_registration="manual",
        claims_map={"email": "mail"},
        upstream_params={"acr_values": "high"},
        request_headers={"user-agent": "Acme login"},
        pushed_authorization="required",
        response_mode="form_post",
        domains=(f"{fresh('acme-')}.example", f"{fresh('acme-')}.test"),
        created_at=NOW,
        updated_at=NOW + 1,
        version=3,
        endpoints=PinnedEndpoints(
            authorization_endpoint="https://idp.example/auth",
            token_endpoint="https://idp.example/token",
            jwks_uri="https://idp.example/jwks",
            userinfo_endpoint=None,
            pushed_authorization_request_endpoint="https://idp.example/par",
            iss_parameter_supported=True,
            pinned_at=NOW,
        ),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def keyring(owner: str, **changes: object) -> Keyring:
    record = Keyring(
        owner=owner, version=7, current=published_key(), next=None, previous=published_key()
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def published_key() -> PublishedKey:
    kid = fresh("kid-")
    return PublishedKey(
        kid=kid,
        key_id=fresh("key-"),
        alg="ES256",
        jwk={"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": kid},
        created_at=NOW,
        published_at=NOW,
    )


def client(**changes: object) -> Client:
    record = Client(
        client_id=fresh("app-"),
        name="App",
        redirect_uris=("https://app.example/cb", "https://app.example/other"),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code",),
        scopes=("openid",),
        jwks={"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]},
        jwks_uri=None,
        assertion_alg="ES256",
        id_token_alg="RS256",
        connections=("acme",),
        assertion_audience="issuer",
        enabled=True,
        created_at=NOW,
        updated_at=NOW,
        dpop_bound_access_tokens=True,
        dpop_nonce_required=True,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def authorization_request() -> AuthorizationRequest:
    return AuthorizationRequest(
        client_id="app",
        redirect_uri="https://app.example/cb",
        scope=("openid", "email"),
        state="état",
        nonce=None,
        code_challenge="c" * 43,
        connection="acme",
        login_hint=None,
        prompt=("login",),
        max_age=0,
        acr_values=None,
        ui_locales="de-CH de",
        dpop_jkt="j" * 43,
    )


def pushed_request(**changes: object) -> PushedRequest:
    record = PushedRequest(
        id=pushed_request_id(fresh("par-"), issuer="https://login.example", client_id="app"),
        request=authorization_request(),
        expires_at=NOW + 90,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def login(state: str, **changes: object) -> LoginRecord:
    record = LoginRecord(
        state_hash=hashed(state),
        browser_hash=hashed("browser"),
        connection_id=connection_id(),
        issuer="https://idp.example",
        nonce="nonce",
        code_verifier="v" * 43,
        request=authorization_request(),
        started_at=NOW,
        expires_at=NOW + 600,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def grant(**changes: object) -> Grant:
    record = Grant(
        id=grant_id(fresh("code-"), issuer="https://login.example", client_id="app"),
        client_id="app",
        connection_id=connection_id(),
        redirect_uri="https://app.example/cb",
        code_challenge="c" * 43,
        nonce="nonce",
        scope=("openid", "email"),
        subject="subject",
        login={"auth_time": NOW, "amr": ["pwd", "otp"], "acr": None, "connection": "acme"},
        profile={"name": "Ada", "address": {"country": "GB"}, "email_verified": True},
        issued_at=NOW,
        code_expires_at=NOW + 60,
        dpop_jkt="j" * 43,
        sid="sid",
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def session(**changes: object) -> Session:
    record = Session(
        key=f"SESSION#{fresh('cookie-')}",
        sid=fresh("sid-"),
        connection_id=connection_id(),
        issuer="https://idp.example",
        subject="subject",
        login={"auth_time": NOW, "amr": ["pwd"], "acr": None, "connection": "acme"},
        profile={"name": "Ada “Lovelace”", "address": {"country": "GB"}},
        upstream=(person_key(fresh("subject-")), f"UPSTREAM#{fresh()}"),
        started_at=NOW,
        idle_until=NOW + 100,
        expires_at=NOW + 1_000,
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def session_grant(**changes: object) -> SessionGrant:
    record = SessionGrant(grant_id=grant().id, client_id="app", subject="subject")
    return replace(record, **changes)  # type: ignore[arg-type]
