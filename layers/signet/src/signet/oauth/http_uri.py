"""Compare http(s) addresses the way RFC 3986 6.2.2 and 6.2.3 normalise them; nothing is guessed.

`urlsplit` drops tabs and newlines, accepts backslashes and several `@`; two readers of one text
would then see different addresses. Here a text is either all of RFC 3986's characters, or refused.
"""

import re

from signet.errors import Rejected

MAX_LENGTH = 2_048
_URI = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._~%!$&'()*+,;=-]+)"
    r"(?::(?P<port>[0-9]{0,5}))?(?P<path>(?:/[a-z0-9._~%!$&'()*+,;=:@/-]*)?)"
    r"(?:\?[a-z0-9._~%!$&'()*+,;=:@/?-]*)?(?:#[a-z0-9._~%!$&'()*+,;=:@/?-]*)?",
    re.IGNORECASE | re.ASCII,
)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def without_query(uri: str) -> str:
    """Return the normal form of an http(s) address, without query and fragment.

    Scheme and host in lower case, escapes in upper case and only where they are needed, no dot
    segments [RFC 3986 6.2.2], no default port and no empty path [6.2.3].

    Raises:
        Rejected: `invalid_uri`: not absolute, another scheme, user information, a character or an
            escape that RFC 3986 does not have, or too long.
    """
    found = _URI.fullmatch(uri) if len(uri) <= MAX_LENGTH else None
    if found is None or _BROKEN_ESCAPE.search(uri):
        raise Rejected("invalid_uri", "This is not an http address.")
    scheme = found["scheme"].lower()
    # Escapes first: an escaped letter of the host is in lower case too, an escaped dot a dot.
    host = _with_needed_escapes(found["host"], lower=True)
    port = found["port"] or ""
    shown_port = f":{port}" if port not in {"", _DEFAULT_PORTS[scheme]} else ""
    path = _without_dot_segments(_with_needed_escapes(found["path"], lower=False))
    return f"{scheme}://{host}{shown_port}{path or '/'}"


def _with_needed_escapes(part: str, *, lower: bool) -> str:
    """Decode escapes of unreserved characters, write the others in upper case [6.2.2.1, 6.2.2.2].

    In one pass: what an escape decodes to is never the beginning of another one.
    """
    pieces = _ESCAPE.split(part)
    for index, piece in enumerate(pieces):
        character = chr(int(piece, 16)) if index % 2 else piece
        if index % 2 and not _UNRESERVED.fullmatch(character):
            pieces[index] = f"%{piece.upper()}"
        else:
            pieces[index] = character.lower() if lower else character
    return "".join(pieces)


def _without_dot_segments(path: str) -> str:
    """Take `.` and `..` out of an absolute path [6.2.2.3, 5.2.4]."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "".join(f"/{segment}" for segment in kept)
