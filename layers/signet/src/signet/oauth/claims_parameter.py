"""The `claims` parameter: what is asked of the ID token and of userinfo [OIDC Core 5.5]."""

import re
from dataclasses import dataclass

from signet.errors import Rejected
from signet.jose import strict_json
from signet.jose.strict_json import JsonValue

MAX_BYTES = 4_096
MAX_DEPTH = 5
_NAME = re.compile(r"[\x21-\x7e]{1,128}")
_MEMBERS = frozenset({"essential", "value", "values"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedClaims:
    """Names of claims by where they are asked for, and what the login has to fulfil.

    `essential_acr` and `subject` are conditions: a login that does not meet them fails
    [5.5.1, 5.5.1.1].
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    essential_acr: tuple[str, ...] = ()
    subject: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> "RequestedClaims":
        """Read the parameter strictly; members of it that are not known are ignored [5.5].

        Raises:
            Rejected: `invalid_request`, redirectable.
        """
        if text is None:
            return cls()
        try:
            document = strict_json.loads_object(text, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
        except Rejected as error:
            raise _refused() from error
        id_token, userinfo = _requests(document, "id_token"), _requests(document, "userinfo")
        return cls(
            id_token=tuple(id_token),
            userinfo=tuple(userinfo),
            essential_acr=_essential_acr(id_token.get("acr", {})),
            subject=_subject(id_token, userinfo),
        )


def _requests(document: dict[str, JsonValue], member: str) -> dict[str, dict[str, JsonValue]]:
    """Return the individual requests of a member; `null` asks for a claim in the default manner."""
    asked = document.get(member)
    if asked is None:
        return {}
    if not isinstance(asked, dict):
        raise _refused()
    return {_name(name): _request(request) for name, request in asked.items()}


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _refused()
    return name


def _request(request: JsonValue) -> dict[str, JsonValue]:
    if request is None:
        return {}
    if not isinstance(request, dict) or not isinstance(request.get("essential", False), bool):
        raise _refused()
    if not isinstance(request.get("values", [None]), list):
        raise _refused()
    return {name: value for name, value in request.items() if name in _MEMBERS}


def _essential_acr(request: dict[str, JsonValue]) -> tuple[str, ...]:
    """Return the context classes of which one has to be reached [5.5.1.1]."""
    if request.get("essential") is not True:
        return ()
    listed = request.get("values", [])
    values = [*(listed if isinstance(listed, list) else []), *_single(request)]
    texts = tuple(value for value in values if isinstance(value, str) and _NAME.fullmatch(value))
    if len(texts) != len(values):
        raise _refused()
    return texts


def _single(request: dict[str, JsonValue]) -> list[JsonValue]:
    return [request["value"]] if "value" in request else []


def _subject(*members: dict[str, dict[str, JsonValue]]) -> str | None:
    """Return the one subject that may sign in, if any is named [5.5.1]."""
    values = [value for member in members for value in _single(member.get("sub", {}))]
    texts = {value for value in values if isinstance(value, str)}
    if not values:
        return None
    if len(texts) != 1 or not all(isinstance(value, str) for value in values):
        raise _refused()
    return texts.pop()


def _refused() -> Rejected:
    return Rejected("invalid_request", "claims cannot be read.", redirectable=True)
