"""Operations on clients."""

from signet.broker.client_document import READ_ONLY, client_document, client_etag
from signet.web.management import models
from signet.web.management.answers import limit_of, once, part, tagged
from signet.web.management.body import JSON, MERGE_PATCH
from signet.web.management.operation import BASE, Body, Call, Operation, Shown
from signet.web.response import Response, json_response

_LISTING = "clients"
_WRITES = ("invalid_client_metadata", "invalid_redirect_uri", "destination_refused")


def list_clients(call: Call) -> Response:
    """Answer a part of the list, oldest first."""
    client_id = call.by.client_id
    position = call.api.cursors.position(
        call.query.get("cursor"), listing=_LISTING, client_id=client_id
    )
    page = call.api.clients.page(position=position, limit=limit_of(call))
    cursor = call.api.cursors.issue(page.position, listing=_LISTING, client_id=client_id)
    return part(map(client_document, page.items), next_cursor=cursor)


def create_client(call: Call) -> Response:
    """Register a client."""

    def make(identifier: str | None) -> Response:
        made = call.api.clients.create(call.document, identifier=identifier, by=call.by)
        location = f"{call.api.issuer}{BASE}/clients/{made.client_id}"
        headers = {"etag": client_etag(made), "location": location}
        return json_response(client_document(made), status=201, headers=headers)

    return once(call, make)


def get_client(call: Call) -> Response:
    """Answer one client."""
    client = call.api.clients.get(call.parameters["client_id"])
    return tagged(call, client_document(client), etag=client_etag(client))


def change_client(call: Call) -> Response:
    """Apply a merge patch to a client."""
    changed = call.api.clients.change(
        call.parameters["client_id"],
        call.document,
        if_match=call.request.headers.get("if-match"),
        by=call.by,
    )
    return json_response(client_document(changed), headers={"etag": client_etag(changed)})


def remove_client(call: Call) -> Response:
    """Remove a client."""
    call.api.clients.remove(
        call.parameters["client_id"], if_match=call.request.headers.get("if-match"), by=call.by
    )
    return Response(status=204)


OPERATIONS = (
    Operation(
        name="listClients",
        method="GET",
        path="/clients",
        scope="clients:read",
        summary="List clients, oldest first",
        use=list_clients,
        query=("limit", "cursor"),
        answers={
            200: Shown(
                description="A part of the list",
                schema=lambda: models.listing(models.client_view()),
            )
        },
        codes=("invalid_cursor",),
    ),
    Operation(
        name="createClient",
        method="POST",
        path="/clients",
        scope="clients:write",
        summary="Register a client",
        use=create_client,
        event="ClientCreated",
        headers=("Idempotency-Key",),
        body=Body(
            model=lambda: models.ClientCreate, read_only=READ_ONLY, code="invalid_client_metadata"
        ),
        answers={
            201: Shown(
                description="The client",
                schema=models.client_view,
                headers=("ETag", "Location", "Idempotency-Replayed"),
            )
        },
        codes=(*_WRITES, "client_id_taken"),
    ),
    Operation(
        name="getClient",
        method="GET",
        path="/clients/{client_id}",
        scope="clients:read",
        summary="Read a client",
        use=get_client,
        headers=("If-None-Match",),
        answers={
            200: Shown(description="The client", schema=models.client_view, headers=("ETag",)),
            304: Shown(description="It is still that version", headers=("ETag",)),
        },
    ),
    Operation(
        name="changeClient",
        method="PATCH",
        path="/clients/{client_id}",
        scope="clients:write",
        summary="Change a client by a merge patch [RFC 7396]",
        use=change_client,
        event="ClientChanged",
        headers=("If-Match",),
        body=Body(
            model=models.client_patch,
            read_only=("client_id", *READ_ONLY),
            code="invalid_client_metadata",
            media_types=(MERGE_PATCH, JSON),
        ),
        answers={
            200: Shown(
                description="The changed client", schema=models.client_view, headers=("ETag",)
            )
        },
        codes=(*_WRITES, "version_mismatch", "deployment_client", "busy"),
    ),
    Operation(
        name="removeClient",
        method="DELETE",
        path="/clients/{client_id}",
        scope="clients:write",
        summary="Remove a client",
        use=remove_client,
        event="ClientRemoved",
        headers=("If-Match",),
        answers={204: Shown(description="It is removed")},
        codes=("version_mismatch", "deployment_client", "busy"),
    ),
)
