"""Least privilege, function by function: nothing is refused, nothing is unneeded, nothing is open.

Every function's own handler goes through all that it is for, over the emulated AWS; each call that
it made is held against its role in the template. The roles are then spoilt, one change at a time.
"""

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.cloudformation import resources
from tests.support.deployed_functions import DeployedFunctions, wiring_of_its_own
from tests.support.loopback_provider import CLIENT_ID, LoopbackProvider
from tests.support.memory import FixedClock
from tests.support.proofs import Prover
from tests.support.role import Call, Judgement, RecordedCalls, judge, statements

from signet.errors import SignetError
from signet.oauth import pkce
from signet.oauth.client_assertion import ASSERTION_TYPE
from signet.web.management.handler import OPERATIONS
from signet_local.administrator import admin_document, admin_jwks, new_private_jwk
from signet_local.assertion import client_assertion
from signet_local.emulated_aws import REGION
from signet_local.emulated_aws.process import EmulatedAws
from signet_local.emulated_aws.resources import create_resources, emulated_client
from signet_local.template import Template

ISSUER = "http://127.0.0.1:1"
APP = "https://app.example/cb"
SIGNED_OUT = "https://app.example/signed-out"
VERIFIER = "v" * 43
DAY = 86_400
FUNCTIONS = [name.removesuffix("Function") for name in resources("AWS::Serverless::Function")]


class Provider(LoopbackProvider):
    """It redeems the codes that it gave, and knows the client that comes with another one."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(clock, par=True, sid="upstream-session")
        self._given: set[str] = set()

    def visit(self, url: str) -> dict[str, str]:
        answer = super().visit(url)
        self._given.add(answer["code"])
        return answer

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, object]:
        if path == "/token" and form.get("code") not in self._given:
            return 400, {"error": "invalid_grant"}
        return super().answer(path, form)


@dataclass
class Tour:
    """A deployment, and whoever calls it."""

    functions: DeployedFunctions
    provider: Provider
    clock: FixedClock
    kms: Any
    admin: dict[str, Any]
    bystander: ModuleType
    prover: Prover
    app: dict[str, Any]
    strict: dict[str, Any]

    def later(self, days: float) -> None:
        self.clock.time += int(days * DAY)

    # --- an administrator ---

    def manage(
        self,
        method: str,
        path: str,
        document: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        dpop: bool = False,
        **headers: str,
    ) -> dict[str, Any]:
        token, path = self.admin_token(dpop=dpop), f"/api/v1{path}"
        sent = {"authorization": f"{'DPoP' if dpop else 'Bearer'} {token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if dpop:
            sent["dpop"] = self.proof(method, path, token=token)
        body = b""
        if document is not None:
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            sent["content-type"], body = kind, json.dumps(document).encode()
        return self.functions.request(method, path, query=query, headers=sent, body=body)

    def admin_token(self, *, dpop: bool = False) -> str:
        form = {"grant_type": "client_credentials", "scope": self.admin["scope"]}
        return str(self.token(form, dpop=dpop, by=self.admin)["access_token"])

    def connect(self, name: str, **members: object) -> dict[str, Any]:
        document = {
            "name": name,
            "strategy": "oidc",
            "issuer": self.provider.issuer,
            "client_id": CLIENT_ID,
            **members,
        }
        return done(self.manage("POST", "/connections", document), 201)

    # --- an application, and a browser ---

    def token(
        self, form: Mapping[str, str], *, dpop: bool = False, by: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return done(self.try_token(form, dpop=dpop, by=by))

    def try_token(
        self, form: Mapping[str, str], *, dpop: bool = False, by: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {"dpop": self.proof("POST", "/token")} if dpop else {}
        sent = {**form, **self.authentication(by)}
        return self.functions.request("POST", "/token", form=sent, headers=headers)

    def authentication(self, by: dict[str, Any] | None = None) -> dict[str, str]:
        assertion = client_assertion(by or self.app, now=self.clock.now())
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def proof(self, method: str, path: str, **changes: Any) -> str:
        return self.prover.proof(method, f"{ISSUER}{path}", iat=self.clock.now(), **changes)

    def asked(self, **changes: str) -> dict[str, str]:
        return {
            "client_id": self.app["client_id"],
            "redirect_uri": APP,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "state": "app-state",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "connection": "acme",
            **changes,
        }

    def pushed(self) -> dict[str, str]:
        form = {**self.asked(), **self.authentication()}
        headers = {"dpop": self.proof("POST", "/par")}
        answer = self.functions.request("POST", "/par", form=form, headers=headers)
        return {
            "client_id": self.app["client_id"],
            "request_uri": str(done(answer, 201)["request_uri"]),
        }

    def authorize(self, query: Mapping[str, str], cookies: Mapping[str, str]) -> dict[str, Any]:
        return self.functions.request("GET", "/authorize", query=query, cookies=cookies)

    def callback(self, connection: str, started: dict[str, Any]) -> dict[str, Any]:
        answer = self.provider.visit(started["headers"]["location"])
        path = f"/connections/{connection}/callback"
        return self.functions.request("GET", path, query=answer, cookies=cookies_of(started))

    def sign_in(
        self,
        connection: str,
        query: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Go through a login; return the code, and the browser's cookies since."""
        started = self.authorize(query or self.asked(), {})
        started["cookies"] += [f"{name}={value}" for name, value in (cookies or {}).items()]
        finished = self.callback(connection, started)
        return code_of(finished), cookies_of(finished)

    def redeem(self, code: str, *, dpop: bool = False) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": APP,
            "code_verifier": VERIFIER,
        }
        return self.token(form, dpop=dpop)


def done(answer: dict[str, Any], status: int = 200) -> dict[str, Any]:
    assert answer["statusCode"] == status, answer
    document: dict[str, Any] = json.loads(answer.get("body") or "{}")
    return document


def public_jwks(private: Mapping[str, str]) -> dict[str, Any]:
    return {"keys": [{name: value for name, value in private.items() if name != "d"}]}


def etag(answer: dict[str, Any]) -> str:
    done(answer)
    return str(answer["headers"]["etag"])


def code_of(answer: dict[str, Any]) -> str:
    assert answer["statusCode"] == 303, answer
    return parse_qs(urlsplit(answer["headers"]["location"]).query)["code"][0]


def cookies_of(answer: dict[str, Any]) -> dict[str, str]:
    pairs = (cookie.partition(";")[0].partition("=") for cookie in answer.get("cookies", []))
    return {name: value for name, _, value in pairs if value}


@pytest.fixture(scope="module")
def tour() -> Iterator[Tour]:
    """Let every function do all that it is for."""
    aws, clock = EmulatedAws(), FixedClock(int(time.time()))  # noqa: TID251  (KMS's own clock)
    aws.start()
    kms = emulated_client("kms", endpoint=aws.endpoint, region=REGION)
    try:
        with pytest.MonkeyPatch.context() as patch, Provider(clock) as provider:
            tour = _tour(patch, aws, kms, provider, clock)
            with tour.functions:
                for part in PARTS:
                    part(tour)
            yield tour
    finally:
        kms.close()
        aws.stop()


@pytest.fixture(scope="module")
def made(tour: Tour) -> dict[str, list[Call]]:
    """Return what each function asked AWS for."""
    return {name: _shapes(name, tour.functions.made[name]) for name in FUNCTIONS}


def _tour(
    patch: pytest.MonkeyPatch, aws: EmulatedAws, kms: Any, provider: Provider, clock: FixedClock
) -> Tour:
    keys = create_resources(Template.read(), endpoint=aws.endpoint, region=REGION)
    private = new_private_jwk()
    given = {
        "SIGNET_ISSUER": ISSUER,
        "SIGNET_ALLOW_LOOPBACK": "1",
        "SIGNET_ADMIN_JWKS": admin_jwks(private, None),
        # Nothing is remembered: whatever a function may have to read, it reads.
        "SIGNET_SIGNER_CACHE_SECONDS": "0",
    }
    for name, value in {**aws.environment(), **keys, **given}.items():
        patch.setenv(name, value)

    def tags_of(key_id: str) -> dict[str, str]:
        tags = kms.list_resource_tags(KeyId=key_id)["Tags"]
        return {tag["TagKey"]: tag["TagValue"] for tag in tags}

    named = {keys["SIGNET_ISSUER_KEY_ID"]: "IssuerKey", keys["SIGNET_AUDIT_KEY_ID"]: "AuditKey"}
    bystander = wiring_of_its_own()
    vars(bystander)["_clock"] = lambda: clock
    app = {"client_id": "", "issuer": ISSUER, "private_jwk": new_private_jwk()}
    return Tour(
        functions=DeployedFunctions(RecordedCalls(tags_of, named), clock),
        provider=provider,
        clock=clock,
        kms=kms,
        admin=admin_document(ISSUER, private),
        bystander=bystander,
        prover=Prover(),
        app=app,
        strict=dict(app),
    )


def _shapes(function: str, calls: list[Call]) -> list[Call]:
    shapes = {repr(shape): shape for shape in (call.shape() for call in calls)}
    return [*shapes.values(), *_calls_of_lambda(function)]


def _calls_of_lambda(function: str) -> list[Call]:
    """Return what Lambda itself does in a function's name: its log, and events that failed."""
    properties = resources("AWS::Serverless::Function")[f"{function}Function"]
    log = properties["LoggingConfig"]["LogGroup"]["Ref"]
    calls = [
        Call(action=f"logs:{name}", resource=log) for name in ("CreateLogStream", "PutLogEvents")
    ]
    for kept in properties.get("EventInvokeConfig", {}).get("DestinationConfig", {}).values():
        queue = kept["Destination"]["Fn::GetAtt"].removesuffix(".Arn")
        calls.append(Call(action="sqs:SendMessage", resource=queue))
    return calls


# ------------------------------------------------------------------------ what functions are for
def deploy(tour: Tour) -> None:
    event = {
        "RequestType": "Create",
        "RequestId": "1",
        "StackId": "signet",
        "LogicalResourceId": "Initialization",
        "ResponseURL": "https://127.0.0.1:1/",
    }
    for _ in range(2):
        with pytest.raises(SignetError):  # nobody takes its answer here
            tour.functions.invoke("InitializeFunction", event)


def register(tour: Tour) -> None:
    document = {
        "name": "App",
        "redirect_uris": [APP],
        "post_logout_redirect_uris": [SIGNED_OUT],
        "backchannel_logout_uri": f"{tour.provider.issuer}/nobody-takes-it",
        "jwks": public_jwks(tour.app["private_jwk"]),
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile", "email", "offline_access"],
    }
    made = done(tour.manage("POST", "/clients", document, idempotency_key="one", dpop=True), 201)
    assert done(tour.manage("POST", "/clients", document, idempotency_key="one"), 201) == made
    tour.app["client_id"] = made["client_id"]
    strict = {**document, "dpop_bound_access_tokens": True, "dpop_nonce_required": True}
    tour.strict["client_id"] = done(tour.manage("POST", "/clients", strict), 201)["client_id"]
    taken = tour.connect("acme", domains=["acme.example"])
    document = {name: taken[name] for name in ("name", "strategy", "issuer", "client_id")}
    assert tour.manage("POST", "/connections", document, idempotency_key="2")["statusCode"] == 409


def publish(tour: Tour) -> None:
    for path in ("openid-configuration", "oauth-authorization-server", "jwks.json"):
        done(tour.functions.request("GET", f"/.well-known/{path}"))
    done(tour.functions.request("GET", f"/connections/{connection_of(tour)}/jwks.json"))


def connection_of(tour: Tour, name: str = "acme") -> str:
    found = tour.bystander._connections().find(name)
    assert found is not None
    return str(found.id)


def log_in(tour: Tour) -> None:
    acme = connection_of(tour)
    form = {**tour.asked(client_id=tour.strict["client_id"]), **tour.authentication(tour.strict)}
    headers = {"dpop": tour.proof("POST", "/par")}
    unknown = tour.functions.request("POST", "/par", form=form, headers=headers)
    assert done(unknown, 400)["error"] == "use_dpop_nonce"
    code, browser = tour.sign_in(acme)
    tokens = tour.redeem(code)
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    tokens |= tour.token(refresh)
    userinfo(tour, tokens)
    bound = tour.redeem(code_of(tour.authorize(tour.pushed(), browser)), dpop=True)
    userinfo(tour, bound, dpop=True)
    code, _ = tour.sign_in(acme, tour.pushed(), browser)
    for kind in ("access_token", "refresh_token"):
        for path in ("/introspect", "/revoke"):
            form = {"token": tokens[kind], **tour.authentication()}
            done(tour.functions.request("POST", path, form=form))


def userinfo(tour: Tour, tokens: Mapping[str, Any], *, dpop: bool = False) -> None:
    token = tokens["access_token"]
    headers = {"authorization": f"{tokens['token_type']} {token}"}
    if dpop:
        headers["dpop"] = tour.proof("GET", "/userinfo", token=token)
    done(tour.functions.request("GET", "/userinfo", headers=headers))


def log_out(tour: Tour) -> None:
    acme = connection_of(tour)
    code, browser = tour.sign_in(acme)
    query = {
        "id_token_hint": str(tour.redeem(code)["id_token"]),
        "post_logout_redirect_uri": SIGNED_OUT,
    }
    answer = tour.functions.request("GET", "/logout", query=query, cookies=browser)
    assert answer["statusCode"] == 303, answer
    for names in ({"sub": "user-1"}, {"sid": "upstream-session"}):
        tour.redeem(tour.sign_in(acme)[0])
        form = {"logout_token": tour.provider.logout_token(**names)}
        path = f"/connections/{acme}/backchannel-logout"
        assert tour.functions.request("POST", path, form=form)["statusCode"] == 200
    tell(tour)
    back = tour.functions.request("GET", "/logout/callback", query={"state": "nobody's"})
    assert back["statusCode"] in {200, 400}, back


def tell(tour: Tour) -> None:
    names = {"client_id": tour.app["client_id"], "subject": "who", "sid": "session"}
    with pytest.raises((SignetError, RuntimeError)):
        tour.functions.deliver("SendLogout", "BackchannelLogoutRequested", **names)


def administer(tour: Tour) -> None:
    other = tour.connect(
        "other", domains=["other.example"], token_endpoint_auth_signing_alg="RS256"
    )
    path = f"/connections/{other['id']}"
    version = etag(tour.manage("GET", path))
    answer = tour.manage("PATCH", path, {"domains": ["else.example"]}, if_match=version)
    version = etag(tour.manage("POST", f"{path}/metadata", if_match=etag(answer)))
    done(tour.manage("POST", f"{path}/test"))
    done(tour.manage("GET", f"{path}/registration"))
    for name in ("connections", "clients", "events"):
        page = done(tour.manage("GET", f"/{name}", query={"limit": "1"}))
        cursor = {"limit": "1", "cursor": page["next_cursor"]}
        done(tour.manage("GET", f"/{name}", query=cursor))
    done(tour.manage("GET", "/keys/census"))
    done(tour.manage("GET", "/openapi.json"))
    document = {"name": "Gone", "redirect_uris": [APP], "jwks": public_jwks(new_private_jwk())}
    gone = f"/clients/{done(tour.manage('POST', '/clients', document), 201)['client_id']}"
    changed = tour.manage("PATCH", gone, {"name": "G"}, if_match=etag(tour.manage("GET", gone)))
    assert tour.manage("DELETE", gone, if_match=etag(changed))["statusCode"] == 204
    assert tour.manage("DELETE", path, if_match=version)["statusCode"] == 204


def revoke_keys(tour: Tour) -> None:
    for owner in ("/issuer/keys", f"/connections/{connection_of(tour)}/keys"):
        done(tour.manage("POST", f"{owner}/rotate"), 202)
        done(tour.manage("GET", f"{owner}/rotation"))
        (current,) = [key for key in _keys(tour, owner) if key["state"] == "current"]
        revoke = f"{owner}/{current['kid']}/revoke"
        done(tour.manage("POST", revoke, query={"preview": "true"}))
        done(tour.manage("POST", revoke))
    read_keys(tour)


def read_keys(tour: Tour) -> None:
    """And take an administrator's word for one."""
    path = f"/connections/{connection_of(tour)}/keys"
    tour.later(0.1)  # KMS makes five keys a second
    done(tour.manage("POST", f"{path}/rotate"), 202)
    for key in _keys(tour, path):
        if key["state"] not in {"current", "next"}:
            continue
        for form in ("jwk", "public.pem", "certificate.pem"):
            answer = tour.manage("GET", f"{path}/{key['kid']}/{form}")
            assert answer["statusCode"] == 200, answer
        if key["state"] == "next":
            done(tour.manage("POST", f"{path}/{key['kid']}/approve"))


def _keys(tour: Tour, path: str) -> list[dict[str, Any]]:
    keys: Any = done(tour.manage("GET", path))
    return list(keys)


def lose_races(tour: Tour) -> None:
    """Somebody else's write comes between a key's creation and its announcement, each time."""
    acme = connection_of(tour)
    for owner, path in ((acme, f"/connections/{acme}/keys"), ("issuer", "/issuer/keys")):
        for function, begin in (
            ("Manage", lambda path=path: tour.manage("POST", f"{path}/rotate")),
            ("RotateKeys", lambda owner=owner: step(tour, owner)),
        ):
            for _ in range(4):  # what is under way comes to its end
                tour.later(3)
                step(tour, owner)
            tour.later(91)
            events = tour.functions.wiring(function)._kms()._client.meta.events
            events.register_first("before-send.kms.CreateKey", _overtaking(tour, owner))
            begin()


def _overtaking(tour: Tour, owner: str) -> Callable[..., None]:
    """Return what writes once, when it is first called."""
    left = [owner]

    def overtake(**_: object) -> None:
        if left:
            keyring = tour.bystander.keyrings().get(left.pop())
            written = replace(keyring, version=keyring.version + 1)
            assert tour.bystander._keyring_registry().replace(written)

    return overtake


def step(tour: Tour, owner: str) -> None:
    tour.functions.deliver("RotateKeys", "KeyRotationRequested", owner=owner)


def rotate(tour: Tour) -> None:
    for days in (0, 91, 2.1, 2.1, 91, 2.1):
        tour.later(days)
        tour.functions.deliver("RotateKeys")
        for owner in (connection_of(tour), "issuer"):
            step(tour, owner)
    keyring = tour.bystander.keyrings().get(connection_of(tour))
    detail = {"subject": keyring.owner, "kid": keyring.current.kid}
    tour.functions.deliver("RotateKeys", "KeyRefused", **detail)
    assert done(tour.manage("GET", "/events/verify"))["holds"] is True


def reap(tour: Tour) -> None:
    nobody = "con_" + "z" * 26
    tour.bystander._key_creation()(nobody, alg="ES256", operation="orphan")
    for days in (2, 8):
        tour.later(days)
        tour.functions.deliver("ReapKeys")
    tour.functions.deliver("ReapKeys", "KeyReapingRequested", position="wherever")


def meet_refused_keys(tour: Tour) -> None:
    """Somebody disabled the keys in KMS."""
    acme = connection_of(tour)
    started = tour.authorize(tour.asked(), {})
    disable(tour, acme)
    assert tour.callback(acme, started)["statusCode"] in {303, 500, 502, 503}
    tour.later(1.1)  # it is told once a day
    tour.authorize(tour.asked(), {})
    disable(tour, "issuer")
    form = {"grant_type": "client_credentials", "scope": tour.admin["scope"]}
    assert tour.try_token(form, by=tour.admin)["statusCode"] >= 500
    tour.later(1.1)
    tell(tour)


def disable(tour: Tour, owner: str) -> None:
    tour.kms.disable_key(KeyId=tour.bystander.keyrings().get(owner).current.key_id)


PARTS = (
    deploy,
    register,
    publish,
    log_in,
    log_out,
    administer,
    revoke_keys,
    rotate,
    lose_races,
    reap,
    meet_refused_keys,
)


# ------------------------------------------------------------------------------------- the roles
# Where a role may touch every item of a table. Configuration is read by ids that callers bring, a
# grant's key is the hash of a code, and a few tables are one function's own; everything else is
# held to what its keys begin with.
ANY_ITEM = {
    "Authorize": {
        "GetItem": {"Clients", "Connections", "Keyrings"},
        "PutItem": {"Grants"},
    },
    "Callback": {
        "GetItem": {"Clients", "Connections", "Keyrings"},
        "PutItem": {"Grants", "Sessions"},
    },
    "Par": {"GetItem": {"Clients", "Connections"}, "PutItem": {"Replay"}},
    "Token": {
        "GetItem": {"Clients", "Connections", "Grants", "Keyrings"},
        "PutItem": {"Replay"},
        "UpdateItem": {"Grants"},
    },
    "Revoke": {
        "GetItem": {"Clients", "Grants", "Keyrings"},
        "PutItem": {"Replay"},
        "UpdateItem": {"Grants"},
    },
    "Introspect": {
        "GetItem": {"Clients", "Connections", "Grants", "Keyrings"},
        "PutItem": {"Replay"},
    },
    "Userinfo": {"GetItem": {"Clients", "Connections", "Grants", "Keyrings"}},
    "Logout": {
        "GetItem": {"Clients", "Connections", "Keyrings"},
        "UpdateItem": {"Grants"},
    },
    "BackchannelLogout": {
        "GetItem": {"Clients", "Connections"},
        "PutItem": {"Replay"},
        "UpdateItem": {"Grants"},
    },
    "Jwks": {"GetItem": {"Keyrings"}},
    "Manage": {
        "DeleteItem": {"Clients", "Connections", "Management"},
        "GetItem": {"Clients", "Connections", "Events", "Keyrings", "Management"},
        "PutItem": {"Clients", "Connections", "Keyrings", "Management"},
        "Query": {"Clients", "Connections", "Events"},
        "UpdateItem": {"Keyrings", "Management"},
    },
    "RotateKeys": {
        "GetItem": {"Connections", "Events", "Keyrings"},
        "PutItem": {"Keyrings", "Management"},
        "Query": {"Events", "Keyrings"},
        "UpdateItem": {"Management"},
    },
    "ReapKeys": {"GetItem": {"Connections", "Keyrings"}},
    "SendLogout": {"GetItem": {"Clients", "Keyrings"}},
    "Initialize": {"GetItem": {"Keyrings"}, "PutItem": {"Keyrings"}},
}
# Whose tags are looked for cannot be told by its tags.
_TAGS = {"kms:DescribeKey", "kms:ListResourceTags"}
ANY_KEY = {"Manage": _TAGS, "ReapKeys": _TAGS}


def known_as_open(function: str, found: Judgement) -> bool:
    """Tell whether what is open is what is listed above, and all of it."""
    items: dict[str, set[str]] = {}
    keys = set()
    for action, resource, name in found.open:
        if name == "dynamodb:LeadingKeys":
            table = resource.partition("/")[0].removesuffix("Table")
            items.setdefault(action.removeprefix("dynamodb:"), set()).add(table)
        elif name.startswith("aws:ResourceTag/"):
            keys.add(action)
        else:
            return False
    return items == ANY_ITEM.get(function, {}) and keys == ANY_KEY.get(function, set())


def is_least(function: str, parts: list[dict[str, Any]], calls: list[Call]) -> bool:
    found = judge(parts, calls)
    return not found.refused and not found.unneeded and known_as_open(function, found)


def test_every_route_every_operation_and_every_event_was_asked_for(tour: Tour) -> None:
    asked, template = tour.functions.asked, Template.read()
    assert {route for route, _, path in asked if path} == set(template.routes())
    called = {(method, path) for _, method, path in asked}
    assert [
        operation.name
        for operation in OPERATIONS
        if not any(
            method == operation.method and operation.pattern.fullmatch(path)
            for method, path in called
        )
    ] == []
    kinds = {(function, kind) for function, kind, path in asked if not path}
    assert kinds == {
        (rule.function.removesuffix("Function"), kind)
        for rule in template.rules()
        for kind in (rule.pattern or {}).get("detail-type", ["Scheduled Event"])
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_every_call_of_its_function_and_nothing_that_it_never_makes(
    made: dict[str, list[Call]], function: str
) -> None:
    found = judge(statements(f"{function}Role"), made[function])
    assert (set(found.refused), set(found.unneeded)) == (set(), set())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_stands_against_what_its_function_has_no_reason_for(
    made: dict[str, list[Call]], function: str
) -> None:
    found = judge(statements(f"{function}Role"), made[function])
    assert known_as_open(function, found), sorted(found.open)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_does_not_pass_with_a_statement_less_or_a_wider_one(
    made: dict[str, list[Call]], function: str
) -> None:
    parts = statements(f"{function}Role")
    assert is_least(function, parts, made[function])
    assert [
        name for name, changed in spoilt(parts) if is_least(function, changed, made[function])
    ] == []


def test_a_call_that_nobody_expected_does_not_pass(made: dict[str, list[Call]]) -> None:
    parts = statements("DiscoveryRole")
    for function in FUNCTIONS:
        for call in made[function]:
            if call not in made["Discovery"]:
                assert not is_least("Discovery", parts, [*made["Discovery"], call])


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


ACTIONS = sorted({
    "dynamodb:BatchGetItem",
    "dynamodb:Scan",
    "events:PutRule",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "logs:CreateLogGroup",
    "sqs:ReceiveMessage",
    *(
        action
        for function in FUNCTIONS
        for part in statements(f"{function}Role")
        for action in as_list(part["Action"])
    ),
})  # fmt: skip
RESOURCES = [
    {"Fn::GetAtt": f"{name}.Arn"}
    for kind in (
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::SQS::Queue",
        "AWS::Events::EventBus",
    )
    for name in resources(kind)
]


def spoilt(parts: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Take each statement away, and make it wider in every way that a slip could."""
    for index, part in enumerate(parts):
        yield f"{part['Sid']} is gone", [*parts[:index], *parts[index + 1 :]]
        for name, wider in _wider(part):
            yield f"{part['Sid']}: {name}", [*parts[:index], wider, *parts[index + 1 :]]


def _wider(part: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    actions, named = as_list(part["Action"]), as_list(part["Resource"])
    service = actions[0].partition(":")[0]
    for action in (*(name for name in ACTIONS if name.startswith(f"{service}:")), f"{service}:*"):
        if action not in actions:
            yield f"{action} is added", {**part, "Action": [*actions, action]}
    for resource in ("*", *RESOURCES):
        if resource not in named and "*" not in named:
            yield f"{resource} is added", {**part, "Resource": [*named, resource]}
    if "*" not in named:
        yield "its resource is *", {**part, "Resource": "*"}
    for operator, keys in part.get("Condition", {}).items():
        for key in keys:
            dropped = copy.deepcopy(part)
            del dropped["Condition"][operator][key]
            yield f"{operator} {key} is dropped", dropped


def test_the_roles_are_spoilt_in_many_ways() -> None:
    everything = [name for role in FUNCTIONS for name, _ in spoilt(statements(f"{role}Role"))]
    assert len([name for name in everything if name.endswith("is gone")]) > 100
    assert len([name for name in everything if name.endswith("is dropped")]) > 50
    assert len([name for name in everything if name.endswith("is added")]) > 1_000
