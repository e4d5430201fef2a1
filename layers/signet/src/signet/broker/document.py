"""Read JSON members that an administrator sent, one by one, refusing what is not known by name."""

import re
from collections.abc import Collection, Mapping

from signet.errors import Rejected

PRINTABLE = re.compile(r"[\x20-\x7e]+")
DISPLAYABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
MAX_TEXT = 2_048
MAX_ITEMS = 1_000
_ABSENT = object()


class DocumentReader:
    """One object of a request; `kind` names the resource in errors (`invalid_<kind>`)."""

    def __init__(self, document: Mapping[str, object], *, kind: str, prefix: str = "") -> None:
        self._document = document
        self._kind = kind
        self._prefix = prefix
        self._read: set[str] = set()

    def refuse_unknown(self) -> None:
        """Refuse members that nobody read, and a secret by its name.

        Raises:
            Rejected: `client_secret_refused` or `invalid_<kind>`.
        """
        if "client_secret" in self._document:
            raise Rejected(
                "client_secret_refused",
                "client_secret: authentication is by private_key_jwt; no secret is ever kept.",
            )
        for name in self._document:
            if name not in self._read:
                raise self.refused(name, "not be there: it is not known")

    def text(
        self,
        name: str,
        *,
        default: str | None = None,
        pattern: re.Pattern[str] = PRINTABLE,
    ) -> str:
        """Read a text of at most 2,048 characters; without a default it is required."""
        value = self._take(name, _ABSENT if default is None else default)
        if not isinstance(value, str) or len(value) > MAX_TEXT or not pattern.fullmatch(value):
            raise self.refused(name, "be a text of the documented form")
        return value

    def choice(self, name: str, allowed: Collection[str], *, default: str | None = None) -> str:
        """Read one of a few texts."""
        value = self.text(name, default=default)
        if value not in allowed:
            raise self.refused(name, f"be one of {', '.join(sorted(allowed))}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Read a JSON boolean."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self.refused(name, "be true or false")
        return value

    def number(self, name: str, *, default: int, low: int, high: int) -> int:
        """Read a whole number within bounds."""
        value = self._take(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.refused(name, f"be a whole number from {low} to {high}")
        return value

    def texts(
        self,
        name: str,
        *,
        default: Collection[str] = (),
        allowed: Collection[str] | None = None,
        pattern: re.Pattern[str] = PRINTABLE,
    ) -> tuple[str, ...]:
        """Read a list of texts, in their order."""
        value = self._take(name, list(default))
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise self.refused(name, "be a list of texts")
        texts = [item for item in value if isinstance(item, str) and pattern.fullmatch(item)]
        if len(texts) != len(value) or any(len(text) > MAX_TEXT for text in texts):
            raise self.refused(name, "be a list of texts of the documented form")
        if allowed is not None and not set(texts) <= set(allowed):
            raise self.refused(name, f"hold only {', '.join(sorted(allowed))}")
        return tuple(texts)

    def optional(self, name: str, allowed: Collection[str], *, default: str) -> str | None:
        """Read one of a few texts, or null."""
        value = self._take(name, default)
        if value is None:
            return None
        if not isinstance(value, str) or value not in allowed:
            raise self.refused(name, f"be null or one of {', '.join(sorted(allowed))}")
        return value

    def members(self, name: str) -> dict[str, object]:
        """Read an object as it is; absent means empty."""
        value = self._take(name, {})
        if not isinstance(value, dict):
            raise self.refused(name, "be an object")
        return value

    def nested(self, name: str) -> "DocumentReader":
        """Read an object member by member; absent means empty."""
        prefix = f"{self._prefix}{name}."
        return DocumentReader(self.members(name), kind=self._kind, prefix=prefix)

    def all_texts(self) -> dict[str, str]:
        """Read every member as a text."""
        return {name: self.text(name) for name in self._document}

    def take(self, name: str) -> object:
        """Read a member of a form that the caller checks; absent gives None."""
        return self._take(name, None)

    def refused(self, name: str, has_to: str) -> Rejected:
        """Make the error that names a member and what it has to be."""
        return Rejected(f"invalid_{self._kind}", f"{self._prefix}{name} has to {has_to}.")

    def _take(self, name: str, default: object) -> object:
        self._read.add(name)
        value = self._document.get(name, default)
        if value is _ABSENT:
            raise self.refused(name, "be given")
        return value
