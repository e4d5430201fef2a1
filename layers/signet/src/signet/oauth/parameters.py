"""Read form-encoded parameters, strictly.

`urllib.parse.parse_qs` drops empty values, joins nothing and forgives broken escapes, and HTTP API
joins duplicated parameters with commas: two readers of one request could then see different
values. Everything here works on the raw string and refuses what has two readings.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from signet.errors import Rejected

MAX_BYTES = 32_768
MAX_PARAMETERS = 64
MAX_VALUE = 16_384
FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse(raw: str) -> dict[str, str]:
    """Read one query string or form body [RFC 6749 3.1, 3.2; appendix B].

    A parameter without a value counts as absent; a parameter sent twice is refused, also when one
    of the two is empty.

    Raises:
        Rejected: `invalid_request`, without the offending value in any text.
    """
    if len(raw) > MAX_BYTES:
        raise _refused("The request's parameters are too long.")
    pairs = [piece.partition("=") for piece in raw.split("&") if piece]
    if len(pairs) > MAX_PARAMETERS:
        raise _refused("The request has too many parameters.")
    found: dict[str, str] = {}
    for name_part, _, value_part in pairs:
        name = _decode(name_part)
        if name in found:
            raise _refused("A parameter was sent more than once.")
        found[name] = _decode(value_part)
    return {name: value for name, value in found.items() if value}


def encode(parameters: Mapping[str, str]) -> str:
    """Write parameters as `application/x-www-form-urlencoded`."""
    return "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in parameters.items())


def _decode(part: str) -> str:
    if _BROKEN_ESCAPE.search(part):
        raise _refused("A parameter is not properly percent-encoded.")
    try:
        value = unquote_to_bytes(part.replace("+", " ")).decode("utf-8")
    except UnicodeError as error:
        raise _refused("A parameter is not UTF-8.") from error
    if _CONTROL.search(value):
        # NUL, CR and LF have no place in any OAuth parameter, and split headers and logs.
        raise _refused("A parameter holds a control character.")
    if len(value) > MAX_VALUE:
        raise _refused("A parameter is too long.")
    return value


def _refused(public: str) -> Rejected:
    return Rejected("invalid_request", public)
