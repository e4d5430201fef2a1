"""Answers that several operations give: with an entity-tag, a part of a list, once for a key."""

import re
from collections.abc import Callable, Iterable, Mapping

from signet.broker.claim import Answer
from signet.broker.idempotency import check_key, derived_identifier, fingerprint_of
from signet.errors import Rejected
from signet.web.management.operation import Call
from signet.web.published import has_tag
from signet.web.response import Response, json_response

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_NUMBER = re.compile("[1-9][0-9]{0,2}")
_KEPT_HEADERS = ("content-type", "etag", "location")


def tagged(call: Call, document: Mapping[str, object], *, etag: str) -> Response:
    """Answer a resource, or 304 to somebody who has it [RFC 9110 13.1.2]."""
    if has_tag(call.request.headers.get("if-none-match", ""), etag):
        return Response(status=304, headers={"etag": etag})
    return json_response(document, headers={"etag": etag})


def limit_of(call: Call) -> int:
    """Return how many items a part of a list may have.

    Raises:
        Rejected: `invalid_request`.
    """
    text = call.query.get("limit", str(DEFAULT_LIMIT))
    if not _NUMBER.fullmatch(text) or int(text) > MAX_LIMIT:
        raise Rejected("invalid_request", f"limit has to be from 1 to {MAX_LIMIT}.")
    return int(text)


def part(items: Iterable[Mapping[str, object]], *, next_cursor: str | None) -> Response:
    """Answer a part of a list."""
    return json_response({"items": list(items), "next_cursor": next_cursor})


def once(call: Call, make: Callable[[str | None], Response]) -> Response:
    """Make something once for an Idempotency-Key, and answer the same for a day.

    `make` gets the identifier that derives from the key, so that a run after a crash finds what
    the first one made.
    """
    sent = call.request.headers.get("idempotency-key")
    if sent is None:
        return make(None)
    key, client_id = check_key(sent), call.by.client_id
    fingerprint = fingerprint_of(call.request.method, call.request.path, call.document)
    answer = call.api.idempotency(
        client_id=client_id,
        key=key,
        fingerprint=fingerprint,
        run=lambda: _kept(make(derived_identifier(client_id, key, fingerprint))),
    )
    headers = {**answer.headers, **({"idempotency-replayed": "true"} if answer.replayed else {})}
    return Response(status=answer.status, headers=headers, body=answer.body)


def _kept(response: Response) -> Answer:
    headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
    return Answer(status=response.status, headers=headers, body=response.body)
