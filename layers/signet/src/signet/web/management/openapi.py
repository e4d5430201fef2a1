"""The description of the management API [OpenAPI 3.1], made of the operations that there are."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from signet.broker.client import ID, MANAGEMENT_SCOPES
from signet.broker.profiles.registry import strategies
from signet.web.management.answers import DEFAULT_LIMIT, MAX_LIMIT
from signet.web.management.models import EVENT_TYPE, TIME, BlastRadius, Key, Problem
from signet.web.management.operation import BASE, PUBLIC, Operation, Shown
from signet.web.management.problems import MEDIA_TYPE, STATUS

_REF = "#/components/schemas/{model}"
_SECURITY = "management"
_DESCRIPTION = (
    "Connections to identity providers, their keys, clients, and the audit. Errors are problem "
    "documents [RFC 9457]; programs go by their `code`. In front of this API stands API "
    'Gateway, which may answer 413, 429, 431 or 503 by itself, as `{"message": "…"}`.'
)
_VARIABLES: Mapping[str, tuple[str, str, str]] = {
    "connection_id": (
        "The connection's id.", "^con_[a-z2-7]{26}$", "con_abcdefghijklmnopqrstuvwxyz",
    ),
    "client_id": ("The client's id.", f"^{ID.pattern}$", "payroll"),
    "kid": (
        "The key's thumbprint [RFC 7638].", "^[A-Za-z0-9_-]{43}$",
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    ),
}  # fmt: skip
_QUERY: Mapping[str, tuple[str, JsonSchemaValue]] = {
    "limit": (
        "How many items at most.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
    "cursor": (
        "`next_cursor` of the part before, within an hour.",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    ),
    "preview": (
        "`true`: tell what it would break, and change nothing.",
        {"type": "string", "enum": ["true", "false"], "default": "false"},
    ),
    "type": ("Only events of this type.", {"type": "string", "pattern": EVENT_TYPE}),
    "connection": (
        "Only events of this connection.", {"type": "string", "pattern": "^con_[a-z2-7]{26}$"},
    ),
    "from": ("Only events of this time or later.", {"type": "string", "pattern": TIME}),
    "to": ("Only events before this time.", {"type": "string", "pattern": TIME}),
    "from_seq": (
        "The event to begin with.",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999_999, "default": 1},
    ),
}  # fmt: skip
_HEADERS: Mapping[str, str] = {
    "Idempotency-Key": "Makes a repeated request safe: for a day it is run once.",
    "If-Match": "The `etag` of the version that the change was made from.",
    "If-None-Match": "The `etag` of the version that is known already.",
    "ETag": "The version, the same as `etag`.",
    "Location": "Where it is.",
    "Idempotency-Replayed": "`true` where this is the stored answer of an earlier request.",
    "WWW-Authenticate": "What is asked for [RFC 6750; RFC 9449 7.1].",
    "DPoP-Nonce": "With `use_dpop_nonce`: the nonce that the DPoP proof has to carry [RFC 9449 9].",
    "Retry-After": "After how many seconds to try again.",
}
_STATUS_HEADERS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate", "DPoP-Nonce"),
    403: ("WWW-Authenticate",),
    503: ("Retry-After",),
}


class _WithoutDefaults(GenerateJsonSchema):
    """What a member is when it is left out, the strategy decides: no schema can say it."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def describe(operations: Sequence[Operation], *, issuer: str) -> dict[str, Any]:
    """Write the description; `issuer` is Signet's own."""
    references, schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(operation, references)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {"title": "Signet management API", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": f"{issuer}{BASE}"}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _security(issuer)},
    }


def codes_of(operation: Operation) -> list[str]:
    """Return every code that an operation may answer with, in the order of their statuses."""
    codes = {*operation.codes, "invalid_request", "server_error"}
    if operation.scope != PUBLIC:
        codes |= {"invalid_token", "insufficient_scope", "store_unavailable", "keyring_missing"}
        codes |= {"invalid_dpop_proof", "use_dpop_nonce", "nonce_seed_missing"}
    if operation.variables:
        codes.add("not_found")
    if operation.body is not None:
        codes |= {
            "invalid_json", "client_secret_refused", "body_too_large", "unsupported_media_type",
            operation.body.code,
        }  # fmt: skip
    if "Idempotency-Key" in operation.headers:
        codes |= {
            "invalid_idempotency_key", "idempotency_in_progress", "idempotency_key_reused", "busy",
        }  # fmt: skip
    return sorted(codes, key=lambda code: (STATUS[code], code))


def _operation(operation: Operation, references: Mapping[str, str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [] if operation.scope == PUBLIC else [{_SECURITY: [operation.scope]}],
        "parameters": [
            *map(_path_parameter, operation.variables),
            *map(_query_parameter, operation.query),
            *map(_header_parameter, operation.headers),
        ],
        "responses": {**_answers(operation, references), **_problems(operation)},
    }
    if operation.body is not None:
        schema = {"$ref": references[operation.body.model().__name__]}
        content = {media_type: {"schema": schema} for media_type in operation.body.media_types}
        described["requestBody"] = {"required": not operation.body.optional, "content": content}
    return described


def _path_parameter(name: str) -> dict[str, Any]:
    description, pattern, example = _VARIABLES[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
        "example": example,
    }


def _query_parameter(name: str) -> dict[str, Any]:
    description, schema = _QUERY[name]
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
    return {"name": name, "in": "header", "description": _HEADERS[name], "schema": schema}


def _answers(operation: Operation, references: Mapping[str, str]) -> dict[str, Any]:
    return {str(status): _shown(shown, references) for status, shown in operation.answers.items()}


def _shown(shown: Shown, references: Mapping[str, str]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": shown.description}
    if shown.headers:
        described["headers"] = _headers(shown.headers)
    if isinstance(shown.schema, Mapping):
        described["content"] = {shown.media_type: {"schema": dict(shown.schema)}}
    elif shown.schema is not None:
        schema = {"$ref": references[shown.schema().__name__]}
        described["content"] = {shown.media_type: {"schema": schema}}
    for media_type in shown.texts:
        described["content"][media_type] = {"schema": {"type": "string"}}
    return described


def _problems(operation: Operation) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in codes_of(operation):
        by_status.setdefault(STATUS[code], []).append(code)
    return {str(status): _problem(status, codes) for status, codes in by_status.items()}


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    schema = {
        "$ref": _REF.format(model="Problem"),
        "properties": {"code": {"enum": codes}, "status": {"const": status}},
    }
    described: dict[str, Any] = {
        "description": ", ".join(codes),
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
    if status in _STATUS_HEADERS:
        described["headers"] = _headers(_STATUS_HEADERS[status])
    return described


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names}


def _security(issuer: str) -> dict[str, Any]:
    scopes = {scope: _scope_text(scope) for scope in MANAGEMENT_SCOPES}
    flow = {"tokenUrl": f"{issuer}/token", "scopes": scopes}
    return {
        _SECURITY: {
            "type": "oauth2",
            "description": (
                "The client authenticates at the token endpoint by private_key_jwt. A token that "
                "it got with a DPoP proof is shown with the scheme DPoP and another proof "
                "[RFC 9449 7.1], any other with the scheme Bearer."
            ),
            "flows": {"clientCredentials": flow},
        }
    }


def _scope_text(scope: str) -> str:
    resource, _, action = scope.partition(":")
    return f"{action.capitalize()} {resource}"


def _schemas(operations: Sequence[Operation]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the references of all models by name, and their schemas."""
    used = {model.__name__: model for model in _models(operations)}
    _, definitions = models_json_schema(
        [(model, "validation") for model in used.values()],
        ref_template=_REF,
        schema_generator=_WithoutDefaults,
    )
    schemas: dict[str, Any] = definitions["$defs"]
    schemas["ConnectionCreate"]["properties"]["strategy"]["enum"] = list(strategies())
    return {name: _REF.format(model=name) for name in used}, schemas


def _models(operations: Sequence[Operation]) -> Iterable[type[BaseModel]]:
    yield from (Problem, Key, BlastRadius)
    for operation in operations:
        if operation.body is not None:
            yield operation.body.model()
        for shown in operation.answers.values():
            if callable(shown.schema):
                yield shown.schema()
