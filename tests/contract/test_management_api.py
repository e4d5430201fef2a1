"""The management API of a running stack, by an administrator with admin.json (contract, 4)."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3  # noqa: TID251  (what KMS has is looked up from outside)
import httpx  # noqa: TID251  (a client of ours from outside)
import pytest
from tests.support.administrator import Administrator
from tests.support.stack import Stack

PARALLEL = 50


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack() as running:
        yield running


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Iterator[Administrator]:
    with Administrator(stack.admin()) as administrator:
        yield administrator


def document(name: str, **members: object) -> dict[str, object]:
    issuer = "http://127.0.0.1:9"
    return {"name": name, "strategy": "oidc", "issuer": issuer, "client_id": "signet", **members}


def connect(admin: Administrator, name: str, **members: object) -> dict[str, Any]:
    answer = admin.call("POST", "/connections", document(name, **members))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def keys_of(stack: Stack, connection_id: str) -> list[str]:
    environment = (stack.state / "environment.json").read_text("utf-8")
    endpoint = httpx.Response(200, text=environment).json()["AWS_ENDPOINT_URL"]
    kms = boto3.client(
        "kms", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id="local", aws_secret_access_key="local",
    )  # fmt: skip
    found = []
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            tags = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
            if {"TagKey": "signet:connection", "TagValue": connection_id} in tags:
                found.append(kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"])
    return found


def test_an_administrators_token_opens_the_api_and_no_other_token_does(
    admin: Administrator,
) -> None:
    assert admin.call("GET", "/connections").status_code == 200
    forged = admin.token[:-6] + ("AAAAAA" if not admin.token.endswith("AAAAAA") else "BBBBBB")
    for token in ("x", forged, admin.token.rpartition(".")[0] + "."):
        answer = admin.call("GET", "/connections", token=token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


def test_a_token_of_fewer_scopes_does_less(stack: Stack) -> None:
    with Administrator(stack.admin(), scope="clients:read") as reader:
        assert reader.call("GET", "/clients").status_code == 200
        assert reader.call("GET", "/connections").json()["code"] == "insufficient_scope"
        assert reader.call("POST", "/clients", {}).status_code == 403


def test_fifty_posts_of_one_key_make_one_connection_and_one_key(
    stack: Stack, admin: Administrator
) -> None:
    def post(_: int) -> httpx.Response:
        headers = {"idempotency-key": "fifty"}
        return admin.call("POST", "/connections", document("fifty"), headers=headers)

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(post, range(PARALLEL)))
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    waiting = [answer for answer in answers if answer.status_code != 201]
    assert len(made) == 1
    assert {answer.json()["code"] for answer in waiting} <= {"idempotency_in_progress"}
    assert post(0).json()["id"] in made
    names = [item["name"] for item in listed(admin)]
    assert names.count("fifty") == 1
    assert keys_of(stack, made.pop()) == ["Enabled"]


def test_of_fifty_changes_from_one_version_one_is_made(admin: Administrator) -> None:
    made = connect(admin, "contested")

    def change(number: int) -> httpx.Response:
        headers = {"if-match": made["etag"]}
        patch = {"display_name": f"Writer {number}"}
        return admin.call("PATCH", f"/connections/{made['id']}", patch, headers=headers)

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(change, range(PARALLEL)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert [answer.status_code for answer in answers].count(412) == PARALLEL - 1
    assert admin.call("GET", f"/connections/{made['id']}").json() == won[0].json()


def test_changes_of_different_members_at_once_lose_none(admin: Administrator) -> None:
    made = connect(admin, "shared")
    patches = [{"display_name": "Shared"}, {"enabled": False}, {"domains": ["shared.example"]}]
    with ThreadPoolExecutor(3) as pool:
        path = f"/connections/{made['id']}"
        answers = list(pool.map(lambda patch: admin.call("PATCH", path, patch), patches))
    assert {answer.status_code for answer in answers} == {200}
    shown = admin.call("GET", f"/connections/{made['id']}").json()
    assert all(shown[name] == value for patch in patches for name, value in patch.items())


def test_a_removed_connection_publishes_nothing_and_its_key_waits_for_its_end(
    stack: Stack, admin: Administrator
) -> None:
    made = connect(admin, "leaving")
    jwks = made["jwks_uri"]
    assert httpx.get(jwks, trust_env=False).status_code == 200
    path = f"/connections/{made['id']}"
    assert admin.call("DELETE", path, headers={"if-match": made["etag"]}).status_code == 204
    assert httpx.get(jwks, trust_env=False).status_code == 404
    assert keys_of(stack, made["id"]) == ["PendingDeletion"]
    assert admin.call("DELETE", path).json()["code"] == "not_found"


def test_a_list_is_read_in_parts_and_each_connection_comes_once(admin: Administrator) -> None:
    for number in range(5):
        connect(admin, f"part-{number}")
    names = [item["name"] for item in listed(admin, limit=2)]
    # Those of one second stand in no order of their own.
    assert {f"part-{number}" for number in range(5)} <= set(names)
    assert len(names) == len(set(names))


def listed(admin: Administrator, limit: int = 100) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        part = admin.call("GET", f"/connections?limit={limit}{cursor}").json()
        items += part["items"]
        if part["next_cursor"] is None:
            return items
        cursor = f"&cursor={part['next_cursor']}"


def test_openssl_reads_the_public_key(admin: Administrator) -> None:
    made = connect(admin, "pem")
    (key,) = admin.call("GET", f"/connections/{made['id']}/keys").json()
    pem = admin.call("GET", f"/connections/{made['id']}/keys/{key['kid']}/public.pem").text
    read = subprocess.run(
        ["openssl", "pkey", "-pubin", "-noout", "-text"],  # noqa: S607  (whichever is there)
        input=pem, text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert "Public-Key: (2048 bit)" in read.stdout


def test_nothing_that_was_carried_stands_in_a_log(stack: Stack, admin: Administrator) -> None:
    headers = {"idempotency-key": "key-that-is-not-logged"}
    admin.call("POST", "/connections", {"client_secret": "hunter2"}, headers=headers)
    admin.call("GET", "/connections", token="token-that-is-not-logged")
    log = stack.log_text()
    for carried in (admin.token, "hunter2", "key-that-is-not-logged", "token-that-is-not-logged"):
        assert carried not in log
    assert "client_secret_refused" in log
