"""Bodies of the management API: one JSON object with one reading, and no secret in it."""

from collections.abc import Collection
from typing import cast

from pydantic import BaseModel, ValidationError

from signet.errors import Rejected
from signet.jose import strict_json
from signet.web.request import MAX_BODY, Request

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
_SECRET = "client_secret"  # noqa: S105  (the name of what is refused)


def read_document(request: Request, *, media_types: Collection[str]) -> dict[str, object]:
    """Read the object that a request carries.

    Raises:
        Rejected: `unsupported_media_type`, `body_too_large`, `invalid_json`, or
            `client_secret_refused`, before anything else is looked at.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in media_types:
        raise Rejected("unsupported_media_type", f"The body has to be {' or '.join(media_types)}.")
    if len(request.body) > MAX_BODY:
        raise Rejected("body_too_large", f"The body has to be of at most {MAX_BODY} bytes.")
    document = strict_json.loads_object(request.body)
    if _names_a_secret(document):
        raise Rejected(
            "client_secret_refused",
            "client_secret: authentication is by private_key_jwt; no secret is ever kept.",
        )
    return cast("dict[str, object]", document)


def check_members(
    document: dict[str, object],
    model: type[BaseModel],
    *,
    read_only: Collection[str],
    code: str,
) -> None:
    """Hold a document against its model.

    Raises:
        Rejected: of that code, naming the first member that is read-only, unknown or wrong.
    """
    for name in read_only:
        if name in document:
            raise Rejected(code, f"{name} has to be left out: it is read-only.")
    try:
        model.model_validate(document)
    except ValidationError as error:
        raise Rejected(code, _first(error)) from None


def _first(error: ValidationError) -> str:
    """Name the first member that is wrong, and never its value."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    member = ".".join(str(part) for part in found["loc"])[:200]
    reasons = {
        "extra_forbidden": "has to be left out: it is not known",
        "missing": "has to be given",
    }
    reason = reasons.get(found["type"], f"is refused: {found['msg']}")
    return f"{member} {reason}."


def _names_a_secret(value: object) -> bool:
    if isinstance(value, dict):
        return _SECRET in value or any(map(_names_a_secret, value.values()))
    return isinstance(value, list) and any(map(_names_a_secret, value))
