"""The form of a connection's id, apart from the connection so that it costs nothing to import."""

import re

_ID = re.compile(r"con_[a-z2-7]{26}")


def is_connection_id(text: str) -> bool:
    """Tell whether a text can be the id of a connection: `con_` and 128 bits in base32."""
    return _ID.fullmatch(text) is not None
