"""The baseline of the cold start: one file that imports and makes everything at once.

It answers the two routes with the same work as Signet's functions, in the way in which such a
handler is usually written.
"""

# ruff: noqa: TID251  (a handler without homes for its I/O is what it stands for)

import base64
import hashlib
import json
import os
import ssl
import time
import uuid
from typing import Any

import boto3
import jwt
import urllib3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

logger = Logger(service="eager")
app = APIGatewayHttpResolver()
# Every provider is on https: the certificate authorities are loaded once, as they are in Signet.
http = urllib3.PoolManager(ssl_context=ssl.create_default_context())
database = boto3.client("dynamodb")
kms = boto3.client("kms")

ISSUER = os.environ["SIGNET_ISSUER"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@app.get("/connections/<connection_id>/jwks.json")
def jwks(connection_id: str) -> Response[str]:
    keyring = _document("SIGNET_KEYRINGS_TABLE", {"owner": {"S": connection_id}})
    keys = [keyring[name]["jwk"] for name in ("next", "current", "previous") if keyring[name]]
    return Response(
        status_code=200,
        content_type="application/json",
        headers={"Cache-Control": "public, max-age=300"},
        body=json.dumps({"keys": keys}),
    )


@app.get("/connections/<connection_id>/callback")
def callback(connection_id: str) -> Response[str]:
    parameters = app.current_event.query_string_parameters
    connection = _document("SIGNET_CONNECTIONS_TABLE", {"pk": {"S": f"CONNECTION#{connection_id}"}})
    keyring = _document("SIGNET_KEYRINGS_TABLE", {"owner": {"S": connection_id}})
    login = _taken(parameters["state"])
    client = _document("SIGNET_CLIENTS_TABLE", {"client_id": {"S": login["client_id"]}})
    metadata = http.request(
        "GET", f"{connection['issuer']}/.well-known/openid-configuration"
    ).json()
    answer = http.request(
        "POST",
        metadata["token_endpoint"],
        fields={
            "grant_type": "authorization_code",
            "code": parameters["code"],
            "redirect_uri": f"{ISSUER}/connections/{connection_id}/callback",
            "code_verifier": login["code_verifier"],
            "client_id": connection["client_id"],
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": _assertion(
                connection["client_id"], metadata["token_endpoint"], keyring["current"]
            ),
        },
        encode_multipart=False,
    ).json()
    claims = _verified(answer["id_token"], metadata, connection["client_id"], login["nonce"])
    code = _stored(claims)
    return Response(
        status_code=303, headers={"Location": f"{client['redirect_uris'][0]}?code={code}"}
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Route and answer."""
    return app.resolve(event, context)


def _document(table: str, key: dict[str, Any]) -> dict[str, Any]:
    answer = database.get_item(TableName=os.environ[table], Key=key, ConsistentRead=True)
    document: dict[str, Any] = json.loads(answer["Item"]["document"]["S"])
    return document


def _taken(state: str) -> dict[str, Any]:
    answer = database.delete_item(
        TableName=os.environ["SIGNET_LOGINS_TABLE"],
        Key={"pk": {"S": f"EAGER#{state}"}},
        ReturnValues="ALL_OLD",
    )
    document: dict[str, Any] = json.loads(answer["Attributes"]["document"]["S"])
    return document


def _assertion(client_id: str, audience: str, key: dict[str, Any]) -> str:
    now = int(time.time())
    header = {"alg": "RS256", "kid": key["kid"], "typ": "JWT"}
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 60,
    }
    signing_input = ".".join(_segment(json.dumps(part).encode()) for part in (header, claims))
    signature = kms.sign(
        KeyId=key["key_id"],
        Message=hashlib.sha256(signing_input.encode()).digest(),
        MessageType="DIGEST",
        SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
    )["Signature"]
    return f"{signing_input}.{_segment(signature)}"


def _verified(token: str, metadata: dict[str, Any], client_id: str, nonce: str) -> dict[str, Any]:
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=["RS256"], audience=client_id, issuer=metadata["issuer"]
    )
    if claims["nonce"] != nonce:
        raise ValueError("nonce")
    return claims


def _stored(claims: dict[str, Any]) -> str:
    code = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    database.put_item(
        TableName=os.environ["SIGNET_GRANTS_TABLE"],
        Item={
            "pk": {"S": f"EAGER#{hashlib.sha256(code.encode()).hexdigest()}"},
            "document": {"S": json.dumps(claims)},
        },
    )
    return code


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
