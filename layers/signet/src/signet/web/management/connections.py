"""Operations on connections."""

from signet.broker.connection import Connection
from signet.broker.connection_document import READ_ONLY, connection_document, connection_etag
from signet.broker.registration_sheet import registration_sheet
from signet.web.management import models
from signet.web.management.answers import limit_of, once, part, tagged
from signet.web.management.body import JSON, MERGE_PATCH
from signet.web.management.operation import BASE, Body, Call, Operation, Shown
from signet.web.registration_page import registration_page
from signet.web.response import Response, json_response

_LISTING = "connections"
_WRITES = (
    "invalid_connection", "destination_refused", "provider_metadata", "name_taken", "domain_taken",
)  # fmt: skip


def list_connections(call: Call) -> Response:
    """Answer a part of the list, oldest first."""
    client_id = call.by.client_id
    position = call.api.cursors.position(
        call.query.get("cursor"), listing=_LISTING, client_id=client_id
    )
    page = call.api.connections.page(position=position, limit=limit_of(call))
    cursor = call.api.cursors.issue(page.position, listing=_LISTING, client_id=client_id)
    return part((_document(call, item) for item in page.items), next_cursor=cursor)


def create_connection(call: Call) -> Response:
    """Register a connection and make its first key."""

    def make(identifier: str | None) -> Response:
        made = call.api.connections.create(call.document, identifier=identifier)
        location = f"{call.api.issuer}{BASE}/connections/{made.id}"
        headers = {"etag": connection_etag(made), "location": location}
        return json_response(_document(call, made), status=201, headers=headers)

    return once(call, make)


def get_connection(call: Call) -> Response:
    """Answer one connection."""
    connection = call.api.connections.get(call.parameters["connection_id"])
    return tagged(call, _document(call, connection), etag=connection_etag(connection))


def change_connection(call: Call) -> Response:
    """Apply a merge patch to a connection."""
    changed = call.api.connections.change(
        call.parameters["connection_id"],
        call.document,
        if_match=call.request.headers.get("if-match"),
    )
    return json_response(_document(call, changed), headers={"etag": connection_etag(changed)})


def remove_connection(call: Call) -> Response:
    """Remove a connection."""
    call.api.connections.remove(
        call.parameters["connection_id"], if_match=call.request.headers.get("if-match")
    )
    return Response(status=204)


def agree_to_metadata(call: Call) -> Response:
    """Pin the endpoints that the provider publishes now."""
    changed = call.api.connections.agree(
        call.parameters["connection_id"], if_match=call.request.headers.get("if-match")
    )
    return json_response(_document(call, changed), headers={"etag": connection_etag(changed)})


def run_test(call: Call) -> Response:
    """Test a connection, once for an Idempotency-Key."""
    connection = call.api.connections.get(call.parameters["connection_id"])
    return once(call, lambda _: json_response(call.api.connection_test(connection)))


def get_registration(call: Call) -> Response:
    """Answer the registration sheet: a page to whoever asks for HTML, else JSON."""
    connection = call.api.connections.get(call.parameters["connection_id"])
    keyring = call.api.connections.keyring(connection.id)
    sheet = registration_sheet(connection, keyring, issuer=call.api.issuer)
    if "text/html" in call.request.headers.get("accept", ""):
        return registration_page(sheet)
    return json_response(sheet.as_dict())


def _document(call: Call, connection: Connection) -> dict[str, object]:
    return connection_document(connection, issuer=call.api.issuer)


OPERATIONS = (
    Operation(
        name="listConnections",
        method="GET",
        path="/connections",
        scope="connections:read",
        summary="List connections, oldest first",
        use=list_connections,
        query=("limit", "cursor"),
        answers={
            200: Shown(
                description="A part of the list",
                schema=lambda: models.listing(models.connection_view()),
            )
        },
        codes=("invalid_cursor",),
    ),
    Operation(
        name="createConnection",
        method="POST",
        path="/connections",
        scope="connections:write",
        summary="Register a connection, and make its first key",
        use=create_connection,
        event="ConnectionCreated",
        headers=("Idempotency-Key",),
        body=Body(model=models.connection_create, read_only=READ_ONLY, code="invalid_connection"),
        answers={
            201: Shown(
                description="The connection",
                schema=models.connection_view,
                headers=("ETag", "Location", "Idempotency-Replayed"),
            )
        },
        codes=(*_WRITES, "signing_unavailable", "key_not_proved", "signing_key"),
    ),
    Operation(
        name="getConnection",
        method="GET",
        path="/connections/{connection_id}",
        scope="connections:read",
        summary="Read a connection",
        use=get_connection,
        headers=("If-None-Match",),
        answers={
            200: Shown(
                description="The connection", schema=models.connection_view, headers=("ETag",)
            ),
            304: Shown(description="It is still that version", headers=("ETag",)),
        },
    ),
    Operation(
        name="changeConnection",
        method="PATCH",
        path="/connections/{connection_id}",
        scope="connections:write",
        summary="Change a connection by a merge patch [RFC 7396]",
        use=change_connection,
        event="ConnectionChanged",
        headers=("If-Match",),
        body=Body(
            model=models.connection_patch,
            read_only=READ_ONLY,
            code="invalid_connection",
            media_types=(MERGE_PATCH, JSON),
        ),
        answers={
            200: Shown(
                description="The changed connection",
                schema=models.connection_view,
                headers=("ETag",),
            )
        },
        codes=(*_WRITES, "version_mismatch", "busy"),
    ),
    Operation(
        name="removeConnection",
        method="DELETE",
        path="/connections/{connection_id}",
        scope="connections:write",
        summary="Remove a connection; its keys are deleted after 30 days",
        use=remove_connection,
        event="ConnectionRemoved",
        headers=("If-Match",),
        answers={204: Shown(description="It is removed")},
        codes=("version_mismatch", "busy", "signing_unavailable"),
    ),
    Operation(
        name="agreeToMetadata",
        method="POST",
        path="/connections/{connection_id}/metadata",
        scope="connections:write",
        summary="Agree to the endpoints that the provider publishes now",
        use=agree_to_metadata,
        event="MetadataAgreed",
        headers=("If-Match",),
        answers={
            200: Shown(
                description="The connection, held to them",
                schema=models.connection_view,
                headers=("ETag",),
            )
        },
        codes=(
            "version_mismatch",
            "provider_metadata",
            "provider_unreachable",
            "destination_refused",
        ),
    ),
    Operation(
        name="testConnection",
        method="POST",
        path="/connections/{connection_id}/test",
        scope="connections:write",
        summary="Test a connection: metadata, keys, and whether the provider knows our key",
        use=run_test,
        event="ConnectionTested",
        headers=("Idempotency-Key",),
        answers={
            200: Shown(
                description="What was found, and what to do",
                schema=lambda: models.ConnectionTest,
                headers=("Idempotency-Replayed",),
            )
        },
        codes=(
            "test_too_soon",
            "signing_unavailable",
            "signing_key",
            "keyring_missing",
            "certificate_missing",
        ),
    ),
    Operation(
        name="getRegistrationSheet",
        method="GET",
        path="/connections/{connection_id}/registration",
        scope="connections:read",
        summary="Read all that the provider's administrator has to enter; a page by Accept",
        use=get_registration,
        answers={
            200: Shown(
                description="The sheet",
                schema=lambda: models.RegistrationSheet,
                texts=("text/html",),
            )
        },
    ),
)
