"""Connections, keys and clients over the management API (contract, section 4)."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from cryptography.x509 import Certificate, load_pem_x509_certificate
from cryptography.x509.oid import NameOID
from tests.support.broker import ISSUER
from tests.support.management import Desk, connection

from signet.broker.client import Client
from signet.broker.client_document import settable_members as client_members
from signet.broker.connection import Connection
from signet.broker.connection_document import READ_ONLY, settable_members
from signet.broker.profiles.registry import strategies
from signet.jose.jwk import PublicJwk

MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ------------------------------------------------------------------------------- connections
def test_a_connection_is_made_shown_and_found_again(desk: Desk) -> None:
    answer = desk.call("POST", "/connections", connection(display_name="Acmé"))
    made = answer.json
    assert answer.status == 201
    assert answer.headers["location"] == f"{ISSUER}/api/v1/connections/{made['id']}"
    assert answer.headers["etag"] == made["etag"]
    assert made["redirect_uri"] == f"{ISSUER}/connections/{made['id']}/callback"
    assert made["jwks_uri"] == f"{ISSUER}/connections/{made['id']}/jwks.json"
    assert made["created_at"] == made["updated_at"] == "2027-01-15T08:00:00Z"
    assert made["display_name"] == "Acmé"
    read = desk.call("GET", f"/connections/{made['id']}")
    assert (read.json, read.headers["etag"]) == (made, made["etag"])
    assert read.headers["cache-control"] == "no-store"


def test_what_is_shown_reads_as_the_same_connection(desk: Desk) -> None:
    desk.connect(
        domains=["acme.example"], claims_map={"email": "mail"}, request_headers={"user-agent": "s"},
        assertion={"typ": None, "audience": "token_endpoint", "extra_claims": {"a": [1]}},
        upstream_params={"acr_values": "x"}, response_mode="form_post",
    )  # fmt: skip
    (stored,) = desk.broker.connections.items.values()
    document = settable_members(stored)
    again = Connection.parse(document, connection_id=stored.id, now=stored.created_at)
    assert replace(again, endpoints=stored.endpoints) == stored


def test_what_is_shown_reads_as_the_same_client(desk: Desk) -> None:
    made = desk.register(connections=["acme"], post_logout_redirect_uris=["https://a.example/"])
    stored = desk.broker.clients.items[made["client_id"]]
    again = Client.parse(
        client_members(stored), client_id="x", allow_loopback=False, now=stored.created_at
    )
    assert again == stored


def test_a_version_that_is_known_is_not_sent_again(desk: Desk) -> None:
    made = desk.connect()
    path = f"/connections/{made['id']}"
    answer = desk.call("GET", path, headers={"if-none-match": f'"other", W/{made["etag"]}'})
    assert (answer.status, answer.body) == (304, "")
    assert desk.call("GET", path, headers={"if-none-match": '"other"'}).status == 200


def test_a_patch_changes_what_it_names_and_nothing_else(desk: Desk) -> None:
    made = desk.connect(claims_map={"email": "mail", "name": "cn"})
    desk.broker.clock.time += 60
    patch = {"enabled": False, "claims_map": {"name": None, "locale": "lang"}}
    answer = desk.call("PATCH", f"/connections/{made['id']}", patch, headers=MERGE)
    changed = answer.json
    assert answer.status == 200
    assert changed["claims_map"] == {"email": "mail", "locale": "lang"}
    assert changed["updated_at"] == "2027-01-15T08:01:00Z"
    assert changed["etag"] != made["etag"]
    varying = {"enabled", "claims_map", "updated_at", "etag"}
    assert {n: v for n, v in changed.items() if n not in varying} == {
        n: v for n, v in made.items() if n not in varying
    }


def test_a_patch_that_changes_nothing_keeps_the_version(desk: Desk) -> None:
    made = desk.connect()
    desk.broker.clock.time += 60
    answer = desk.call("PATCH", f"/connections/{made['id']}", {"enabled": True})
    assert answer.json == made


def test_null_brings_the_default_back_and_sends_no_typ(desk: Desk) -> None:
    made = desk.connect(display_name="Acme", assertion={"lifetime_seconds": 30})
    patch = {"display_name": None, "assertion": {"typ": None, "lifetime_seconds": None}}
    changed = desk.call("PATCH", f"/connections/{made['id']}", patch).json
    assert changed["display_name"] == "acme"
    assert (changed["assertion"]["typ"], changed["assertion"]["lifetime_seconds"]) == (None, 60)


@pytest.mark.parametrize(
    "patch",
    [
        {"name": None},
        {"scopes": ["email"]},
        {"upstream_params": {"state": "x"}},
        {"claims_map": {"sub": "x"}},
        {"strategy": "okta"},
        {"token_endpoint_auth_signing_alg": "RS256"},
        {"issuer": "https://idp.example?x=1"},
        {"assertion": {"lifetime_seconds": 61}},
        {"enabled": "true"},
        {"scopes": "openid"},
        {"token_endpoint_auth_method": "client_secret_basic"},
    ],
    ids=str,
)
def test_a_patch_is_held_against_every_rule_of_a_new_connection(
    desk: Desk, patch: dict[str, object]
) -> None:
    made = desk.connect()
    answer = desk.call("PATCH", f"/connections/{made['id']}", patch)
    assert (answer.status, answer.code) == (400, "invalid_connection")
    assert next(iter(patch)) in answer.json["detail"]
    assert desk.call("GET", f"/connections/{made['id']}").json == made


@pytest.mark.parametrize("member", READ_ONLY)
def test_what_signet_decides_is_refused_by_name(desk: Desk, member: str) -> None:
    made = desk.connect()
    for method, path, document in (
        ("POST", "/connections", {**connection("b"), member: made[member]}),
        ("PATCH", f"/connections/{made['id']}", {member: made[member]}),
    ):
        answer = desk.call(method, path, document)
        assert (answer.status, answer.code) == (400, "invalid_connection")
        assert answer.json["detail"] == f"{member} has to be left out: it is read-only."
    assert len(desk.broker.connections.items) == 1


@pytest.mark.parametrize(
    "member", ["tenant_id", "kms_key_id", "kid", "jwks", "version", "endpoints", "role", "ttl"]
)
def test_a_member_that_is_not_known_changes_nothing(desk: Desk, member: str) -> None:
    made = desk.connect()
    answer = desk.call("PATCH", f"/connections/{made['id']}", {member: "x", "enabled": False})
    assert (answer.status, answer.code) == (400, "invalid_connection")
    assert member in answer.json["detail"]
    nested = desk.call("PATCH", f"/connections/{made['id']}", {"assertion": {member: "x"}})
    assert f"assertion.{member}" in nested.json["detail"]
    assert desk.call("GET", f"/connections/{made['id']}").json == made


@pytest.mark.parametrize(
    "document",
    [
        {"client_secret": "s"},
        {"client_secret": None},
        {"assertion": {"client_secret": "s"}},
        {"id": "x", "unknown": [{"deep": {"client_secret": "s"}}]},
    ],
    ids=str,
)
def test_a_client_secret_is_refused_by_name_wherever_it_stands(
    desk: Desk, document: dict[str, object]
) -> None:
    for path in ("/connections", "/clients"):
        answer = desk.call("POST", path, document)
        assert (answer.status, answer.code) == (400, "client_secret_refused")
        assert "client_secret" in answer.json["detail"]


def test_a_name_belongs_to_one_connection(desk: Desk) -> None:
    desk.connect("acme")
    other = desk.connect("other")
    assert desk.call("POST", "/connections", connection("acme")).code == "name_taken"
    answer = desk.call("PATCH", f"/connections/{other['id']}", {"name": "acme"})
    assert (answer.status, answer.code) == (409, "name_taken")


def test_an_old_version_changes_and_removes_nothing(desk: Desk) -> None:
    made = desk.connect()
    path = f"/connections/{made['id']}"
    newer = desk.call("PATCH", path, {"display_name": "New"}, headers={"if-match": made["etag"]})
    assert newer.status == 200
    old = {"if-match": made["etag"]}
    assert desk.call("PATCH", path, {"enabled": False}, headers=old).code == "version_mismatch"
    assert desk.call("DELETE", path, headers=old).status == 412
    assert desk.call("GET", path).json == newer.json
    any_version = desk.call("PATCH", path, {"enabled": False}, headers={"if-match": "*"})
    assert any_version.status == 200


def test_a_version_of_a_removed_client_is_not_that_of_its_namesake(desk: Desk) -> None:
    first = desk.register(client_id="payroll")
    desk.call("DELETE", "/clients/payroll")
    desk.broker.clock.time += 1
    second = desk.register(client_id="payroll")
    assert first["etag"] != second["etag"]
    answer = desk.call("DELETE", "/clients/payroll", headers={"if-match": first["etag"]})
    assert answer.code == "version_mismatch"


def test_another_issuer_is_judged_like_the_first_and_has_no_endpoints_yet(desk: Desk) -> None:
    made = desk.connect()
    changed = desk.call(
        "PATCH", f"/connections/{made['id']}", {"issuer": "https://other.example"}
    ).json
    assert changed["issuer"] == "https://other.example"
    assert desk.broker.connections.items[made["id"]].endpoints is None


def test_a_removed_connection_is_gone_and_its_keys_are_on_their_way_out(desk: Desk) -> None:
    made = desk.connect()
    key_id = desk.broker.keyrings.items[made["id"]].current.key_id
    assert desk.call("DELETE", f"/connections/{made['id']}").status == 204
    assert desk.call("GET", f"/connections/{made['id']}").status == 404
    assert desk.call("GET", f"/connections/{made['id']}/keys").status == 404
    assert desk.broker.kms.scheduled == {key_id}
    assert desk.broker.keyrings.items[made["id"]].deleted_at == desk.broker.clock.now()
    again = desk.connect()
    assert again["id"] != made["id"]


def test_removing_again_completes_what_kms_interrupted(desk: Desk) -> None:
    made = desk.connect()
    key_id = desk.broker.keyrings.items[made["id"]].current.key_id
    desk.call("DELETE", f"/connections/{made['id']}")
    desk.broker.kms.scheduled.clear()
    assert desk.call("DELETE", f"/connections/{made['id']}").code == "not_found"
    assert desk.broker.kms.scheduled == {key_id}


@pytest.mark.parametrize("strategy", strategies())
def test_a_connection_of_every_strategy_is_made_changed_and_stays_what_it_was(
    desk: Desk, strategy: str
) -> None:
    document = {
        "name": "x",
        "strategy": strategy,
        "client_id": "c",
        **strategies()[strategy].example,
    }
    answer = desk.call("POST", "/connections", document)
    assert answer.status == 201, answer.body
    path = f"/connections/{answer.json['id']}"
    changed = desk.call("PATCH", path, {"enabled": False, "issuer": answer.json["issuer"]})
    varying = {"enabled": False, "etag": changed.json["etag"]}
    assert changed.json == {**answer.json, **varying}


def test_a_member_that_makes_the_issuer_can_be_changed_alone(desk: Desk) -> None:
    document = {"name": "x", "strategy": "okta", "client_id": "c", "okta_domain": "a.okta.com"}
    made = desk.call("POST", "/connections", document).json
    path = f"/connections/{made['id']}"
    changed = desk.call("PATCH", path, {"okta_domain": "b.okta.com"})
    assert changed.json["issuer"] == made["issuer"].replace("a.okta.com", "b.okta.com")
    both = {"okta_domain": "c.okta.com", "issuer": made["issuer"]}
    assert desk.call("PATCH", path, both).code == "invalid_connection"
    assert desk.call("PATCH", path, {"okta_domain": None}).code == "invalid_connection"


# -------------------------------------------------------------------------------------- keys
def test_a_new_connection_has_one_key_and_it_is_current(desk: Desk) -> None:
    made = desk.connect()
    (key,) = desk.call("GET", f"/connections/{made['id']}/keys").json
    assert key["state"] == "current"
    assert key["alg"] == "ES256"
    assert key["created_at"] == key["published_at"] == key["activated_at"] == made["created_at"]
    assert (key["retires_at"], key["probe"]) == (None, None)


def test_the_jwk_and_the_pem_are_the_key_that_is_published(desk: Desk) -> None:
    made = desk.connect()
    current = desk.broker.keyrings.items[made["id"]].current
    path = f"/connections/{made['id']}/keys/{current.kid}"
    jwk = desk.call("GET", f"{path}/jwk")
    assert jwk.headers["content-type"] == "application/jwk+json"
    assert jwk.json == dict(current.jwk)
    pem = desk.call("GET", f"{path}/public.pem")
    assert load_pem_public_key(pem.body.encode()) == PublicJwk.parse(current.jwk).key
    other = f"/connections/{made['id']}/keys/{'k' * 43}/jwk"
    assert desk.call("GET", other).code == "not_found"


def test_a_key_is_found_under_its_own_connection_alone(desk: Desk) -> None:
    first, second = desk.connect("first"), desk.connect("second")
    kid = desk.broker.keyrings.items[first["id"]].current.kid
    assert desk.call("GET", f"/connections/{second['id']}/keys/{kid}/jwk").status == 404


# ----------------------------------------------------------------------------------- clients
def test_a_client_is_registered_changed_and_removed(desk: Desk) -> None:
    made = desk.register()
    path = f"/clients/{made['client_id']}"
    assert made["client_id"].startswith("app_")
    assert made["connections"] == "*"
    assert "jwks_uri" not in made
    keys = {"jwks": None, "jwks_uri": "https://payroll.example/jwks.json", "connections": ["acme"]}
    changed = desk.call("PATCH", path, keys).json
    assert changed["jwks_uri"] == "https://payroll.example/jwks.json"
    assert "jwks" not in changed
    assert changed["connections"] == ["acme"]
    assert desk.call("DELETE", path, headers={"if-match": changed["etag"]}).status == 204
    assert desk.call("GET", path).code == "not_found"


def test_an_id_that_is_chosen_belongs_to_one_client(desk: Desk) -> None:
    desk.register(client_id="payroll")
    answer = desk.call("POST", "/clients", desk.client(client_id="payroll"))
    assert (answer.status, answer.code) == (409, "client_id_taken")
    answer = desk.call("PATCH", "/clients/payroll", {"client_id": "other"})
    assert answer.json["detail"].startswith("client_id ")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"redirect_uris": ["http://payroll.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, "invalid_client_metadata"),
        ({"jwks_uri": "https://payroll.example/jwks.json"}, "invalid_client_metadata"),
        ({"scopes": ["everything"]}, "invalid_client_metadata"),
        ({"require_pushed_authorization_requests": "true"}, "invalid_client_metadata"),
        ({"dpop_bound_access_tokens": "true"}, "invalid_client_metadata"),
        ({"dpop_nonce_required": 1}, "invalid_client_metadata"),
    ],
    ids=str,
)
def test_a_client_is_held_against_the_rules(
    desk: Desk, members: dict[str, object], code: str
) -> None:
    answer = desk.call("POST", "/clients", desk.client(**members))
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize("name", ["dpop_bound_access_tokens", "dpop_nonce_required"])
def test_what_is_asked_of_a_clients_proofs_is_set_and_changed(desk: Desk, name: str) -> None:
    made = desk.register(**{name: True})
    assert made[name] is True
    path = f"/clients/{made['client_id']}"
    assert desk.call("PATCH", path, {name: False}).json[name] is False
    assert desk.call("GET", path).json[name] is False
    assert desk.register()[name] is False


def test_a_client_has_two_keys_at_once_so_that_it_can_rotate(desk: Desk) -> None:
    other = type(desk)().app.jwk
    made = desk.register(jwks={"keys": [desk.app.jwk, other]})
    assert len(made["jwks"]["keys"]) == 2


# ------------------------------------------------------------------------------------ bodies
@pytest.mark.parametrize(
    "body",
    ['{"name":"a","name":"b"}', '{"name":NaN}', "[" * 40, "[]", '"x"', "", "\ufeff{}", "{"],
)
def test_a_body_is_one_object_with_one_reading(desk: Desk, body: str) -> None:
    headers = {"content-type": "application/json"}
    answer = desk.call("POST", "/connections", headers=headers, body=body)
    assert (answer.status, answer.code) == (400, "invalid_json")


def test_a_body_is_json_by_name_and_of_bounded_length(desk: Desk) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = desk.call("POST", "/connections", body="{}", headers={"content-type": media_type})
        assert (answer.status, answer.code) == (415, "unsupported_media_type")
    patch_to_post = desk.call("POST", "/connections", connection(), headers=MERGE)
    assert patch_to_post.status == 415
    long = desk.call("POST", "/connections", {"name": "x" * 70_000})
    assert (long.status, long.code) == (413, "body_too_large")


def test_a_query_parameter_that_is_not_known_or_comes_twice_is_refused(desk: Desk) -> None:
    for query in (
        "limits=1",
        "limit=1&limit=2",
        "limit=0",
        "limit=101",
        "limit=1.0",
        "limit=00501",
    ):
        answer = desk.call("GET", "/connections", query=query)
        assert (answer.status, answer.code) == (400, "invalid_request")


def test_a_store_that_is_down_is_said_with_when_to_come_again(desk: Desk) -> None:
    desk.broker.kms.fail = 100
    answer = desk.call("POST", "/connections", connection())
    assert (answer.status, answer.code) == (503, "signing_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert not desk.broker.connections.items


def test_a_domain_may_be_written_as_people_write_it(desk: Desk) -> None:
    made = desk.connect(domains=["Bücher.Example"])
    assert made["domains"] == ["xn--bcher-kva.example"]
    other = desk.call("POST", "/connections", connection("b", domains=["bücher.example"]))
    assert (other.status, other.code) == (409, "domain_taken")


def made_for(certificate: Certificate) -> str:
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def one_key(desk: Desk) -> tuple[str, str]:
    """Make a connection, and return its key's path and kid."""
    made = desk.connect()
    kid = desk.broker.keyrings.items[made["id"]].current.kid
    return f"/connections/{made['id']}/keys/{kid}", kid


def test_a_key_has_a_certificate_that_it_signed_itself(desk: Desk) -> None:
    path, kid = one_key(desk)
    answer = desk.call("GET", f"{path}/certificate.pem")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pem-certificate-chain"
    certificate = load_pem_x509_certificate(answer.body.encode())
    certificate.verify_directly_issued_by(certificate)
    public = desk.call("GET", f"{path}/public.pem").body
    key = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert key.decode() == public
    assert kid in path
    assert made_for(certificate) == f"Signet {path.split('/')[2]}"


def test_the_registration_sheet_is_json_and_a_page_for_who_asks_for_one(desk: Desk) -> None:
    path, kid = one_key(desk)
    connection = path.partition("/keys/")[0]
    sheet = desk.call("GET", f"{connection}/registration").json
    assert [key["kid"] for key in sheet["keys"]] == [kid]
    assert sheet["redirect_uri"] == f"{ISSUER}{connection}/callback"
    page = desk.call("GET", f"{connection}/registration", headers={"accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert sheet["redirect_uri"] in page.body
    assert "script-src" not in page.headers["content-security-policy"]
