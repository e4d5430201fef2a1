"""JSON that has one reading [RFC 8259; RFC 8725 2.7].

`json.loads` takes duplicate names, NaN, a BOM, lone surrogates and numbers of any length.
"""

import json
from typing import NoReturn

from signet.errors import Rejected

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

MAX_BYTES = 262_144
MAX_DEPTH = 16
_MAX_DIGITS = 32


def loads(
    data: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> JsonValue:
    """Read a JSON text.

    Raises:
        Rejected: `invalid_json`: not UTF-8, too long or too deep, a duplicate name, a number
            that is not finite or not sensible, a lone surrogate.
    """
    text = _text(data, max_bytes)
    _check_depth(text, max_depth)
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise _refused("it cannot be read") from error
    _check_surrogates(value)  # what no object holds: `_unique` saw the rest
    return value


def loads_object(
    data: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> dict[str, JsonValue]:
    """Read a JSON text that is one object.

    Raises:
        Rejected: `invalid_json`.
    """
    value = loads(data, max_bytes=max_bytes, max_depth=max_depth)
    if not isinstance(value, dict):
        raise _refused("it is not an object")
    return value


def dumps(value: object) -> bytes:
    """Write compact UTF-8 JSON; what JSON cannot say is a ValueError of the caller's."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def _text(data: bytes | str, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise _refused("it is too long")
    try:
        return data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise _refused("it is not UTF-8") from error


def _check_depth(text: str, max_depth: int) -> None:
    """Bound the nesting before the parser recurses; brackets in texts do not count."""
    depth, in_text, escaped = 0, False, False
    for character in text:
        if in_text:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_text = False
        elif character == '"':
            in_text = True
        elif character in "[{":
            depth += 1
            if depth > max_depth:
                raise _refused("it is nested too deeply")
        elif character in "]}":
            depth -= 1


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _refused("a name comes twice")
    for name, value in pairs:
        _check_surrogates(name)
        _check_surrogates(value)
    return members


def _check_surrogates(value: JsonValue) -> None:
    """An escaped half of a surrogate pair is no character, and breaks whoever writes it out."""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise _refused("a text holds a lone surrogate") from error
    elif isinstance(value, list):
        for item in value:
            _check_surrogates(item)


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise _refused("a number is too long")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if len(text) > 2 * _MAX_DIGITS or value in (float("inf"), float("-inf")):
        raise _refused("a number is not finite")
    return value


def _no_constant(name: str) -> NoReturn:
    raise _refused(f"{name} is not JSON")


def _refused(reason: str) -> Rejected:
    return Rejected("invalid_json", "This is not the JSON that it has to be.", private=reason)
