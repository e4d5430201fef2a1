"""Operations on keys: of a connection, and of the issuer, whose keys sign Signet's own tokens."""

import json
from collections.abc import Callable
from dataclasses import asdict

from signet.broker.connection_id import is_connection_id
from signet.broker.connection_keys import find_certificate, find_key, keys_document, public_pem
from signet.broker.keyring import ISSUER, Keyring
from signet.broker.resource_version import rfc3339
from signet.errors import Rejected
from signet.web.management import models
from signet.web.management.answers import once
from signet.web.management.body import JSON
from signet.web.management.operation import Body, Call, Operation, Shown
from signet.web.response import Response, json_response

_KEY_LIST = {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}
_CHANGES = ("rotation_refused", "busy", "signing_unavailable", "key_not_proved", "signing_key")
_SHOWN = {200: Shown(description="The keys, the newest first", schema=_KEY_LIST)}


def list_keys(call: Call) -> Response:
    """Answer an owner's keys."""
    return _keys(call, _keyring(call))


def get_jwk(call: Call) -> Response:
    """Answer a public key as a JWK [RFC 7517 4]."""
    keyring = _keyring(call)
    key = find_key(keyring, call.parameters["kid"])
    return Response(
        status=200,
        headers={"content-type": "application/jwk+json"},
        body=json.dumps(dict(key.jwk), separators=(",", ":")),
    )


def get_public_pem(call: Call) -> Response:
    """Answer a public key in PEM."""
    keyring = _keyring(call)
    pem = public_pem(find_key(keyring, call.parameters["kid"]))
    return Response(status=200, headers={"content-type": "application/x-pem-file"}, body=pem)


def get_certificate(call: Call) -> Response:
    """Answer a key's certificate in PEM."""
    keyring = _keyring(call)
    pem = find_certificate(find_key(keyring, call.parameters["kid"]))
    return Response(
        status=200, headers={"content-type": "application/pem-certificate-chain"}, body=pem
    )


def get_rotation(call: Call) -> Response:
    """Answer what the rotation does next, when, and what holds it back."""
    return json_response(asdict(call.api.keys.state(_owner(call))))


def rotate(call: Call) -> Response:
    """Begin a rotation, or bring the one under way on."""
    immediate = call.document.get("immediate") is True
    return _once(
        call,
        lambda: call.api.keys.rotate(_owner(call), actor=call.by.client_id, immediate=immediate),
        status=202,
    )


def approve(call: Call) -> Response:
    """Take an administrator's word that the provider knows the next key."""
    kid = call.parameters["kid"]
    return _once(call, lambda: call.api.keys.approve(_owner(call), kid, actor=call.by.client_id))


def revoke(call: Call) -> Response:
    """Take a key out of service now; or tell what that would break, and change nothing."""
    kid, preview = call.parameters["kid"], call.query.get("preview", "false")
    if preview not in {"true", "false"}:
        raise Rejected("invalid_request", "preview has to be true or false.")
    if preview == "true":
        return json_response(asdict(call.api.keys.preview(_owner(call), kid)))
    return _once(call, lambda: call.api.keys.revoke(_owner(call), kid, actor=call.by.client_id))


def take_census(call: Call) -> Response:
    """Count the keys that carry our tag."""
    count = call.api.census()
    return json_response({**asdict(count), "taken_at": rfc3339(count.taken_at)})


def _owner(call: Call) -> str:
    """Return whose keys a path means."""
    if "connection_id" not in call.parameters:
        return ISSUER
    owner = call.parameters["connection_id"]
    if not is_connection_id(owner):
        raise Rejected("not_found", "There is no such connection.")
    return owner


def _keyring(call: Call) -> Keyring:
    return call.api.keys.keyring(_owner(call))


def _once(call: Call, change: Callable[[], Keyring], *, status: int = 200) -> Response:
    return once(call, lambda _: _keys(call, change(), status=status))


def _keys(call: Call, keyring: Keyring, *, status: int = 200) -> Response:
    document = keys_document(keyring, call.api.keys.bounds)
    return Response(
        status=status,
        headers={"content-type": JSON},
        body=json.dumps(document, separators=(",", ":")),
    )


def _of_owner(path: str, whose: str, suffix: str) -> tuple[Operation, ...]:
    """Make the operations on the keys of one kind of owner; `suffix` ends their names."""
    return (
        Operation(
            name=f"list{suffix}Keys",
            method="GET",
            path=path,
            scope="keys:read",
            summary=f"List {whose} keys",
            use=list_keys,
            answers=_SHOWN,
        ),
        Operation(
            name=f"get{suffix}Rotation",
            method="GET",
            path=f"{path}/rotation",
            scope="keys:read",
            summary=f"Read what the rotation of {whose} keys does next, and what holds it back",
            use=get_rotation,
            answers={
                200: Shown(description="The rotation", schema=lambda: models.Rotation),
            },
        ),
        Operation(
            name=f"rotate{suffix}Keys",
            method="POST",
            path=f"{path}/rotate",
            scope="keys:rotate",
            summary=f"Begin a rotation of {whose} keys, or bring the one under way on",
            use=rotate,
            event="RotationRequested",
            headers=("Idempotency-Key",),
            body=Body(
                model=lambda: models.RotateKeys,
                read_only=(),
                code="invalid_request",
                optional=True,
            ),
            answers={
                202: Shown(
                    description="The keys as they are now",
                    schema=_KEY_LIST,
                    headers=("Idempotency-Replayed",),
                )
            },
            codes=_CHANGES,
        ),
        Operation(
            name=f"revoke{suffix}Key",
            method="POST",
            path=f"{path}/{{kid}}/revoke",
            scope="keys:revoke",
            summary="Take a key out of the JWKS and disable it in KMS, now; a fresh one takes over",
            use=revoke,
            event="RevocationRequested",
            query=("preview",),
            headers=("Idempotency-Key",),
            answers={
                200: Shown(
                    description="The keys as they are now; with preview=true, what would break",
                    schema={
                        "oneOf": [_KEY_LIST, {"$ref": "#/components/schemas/BlastRadius"}],
                    },
                    headers=("Idempotency-Replayed",),
                )
            },
            codes=_CHANGES,
        ),
    )


OPERATIONS = (
    *_of_owner("/connections/{connection_id}/keys", "a connection's", ""),
    *_of_owner("/issuer/keys", "the issuer's", "Issuer"),
    Operation(
        name="approveKey",
        method="POST",
        path="/connections/{connection_id}/keys/{kid}/approve",
        scope="keys:rotate",
        summary="Confirm that the provider has the next key, so that it may take over",
        use=approve,
        event="ApprovalRequested",
        headers=("Idempotency-Key",),
        answers={
            200: Shown(
                description="The keys as they are now",
                schema=_KEY_LIST,
                headers=("Idempotency-Replayed",),
            )
        },
        codes=_CHANGES,
    ),
    Operation(
        name="takeCensus",
        method="GET",
        path="/keys/census",
        scope="keys:read",
        summary="Count the keys in KMS that carry this deployment's tag, by what they are",
        use=take_census,
        answers={200: Shown(description="The counts", schema=lambda: models.Census)},
        codes=("signing_unavailable",),
    ),
    Operation(
        name="getKeyAsJwk",
        method="GET",
        path="/connections/{connection_id}/keys/{kid}/jwk",
        scope="keys:read",
        summary="Read a public key as a JWK [RFC 7517]",
        use=get_jwk,
        answers={
            200: Shown(
                description="The public key",
                schema=lambda: models.PublicKey,
                media_type="application/jwk+json",
            )
        },
    ),
    Operation(
        name="getKeyAsPem",
        method="GET",
        path="/connections/{connection_id}/keys/{kid}/public.pem",
        scope="keys:read",
        summary="Read a public key in PEM [RFC 7468]",
        use=get_public_pem,
        answers={
            200: Shown(
                description="The public key, as SubjectPublicKeyInfo",
                schema={"type": "string"},
                media_type="application/x-pem-file",
            )
        },
    ),
    Operation(
        name="getKeysCertificate",
        method="GET",
        path="/connections/{connection_id}/keys/{kid}/certificate.pem",
        scope="keys:read",
        summary="Read a key's X.509 certificate in PEM; that key signed it",
        use=get_certificate,
        answers={
            200: Shown(
                description="The certificate",
                schema={"type": "string"},
                media_type="application/pem-certificate-chain",
            )
        },
    ),
)
