"""Choose a route as HTTP API does: the whole path before a variable, a method before ANY."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The route that a request takes, and the values of the variables in its path."""

    route_key: str
    path_parameters: Mapping[str, str]


class Routes:
    """Route keys such as `GET /things/{id}`, `ANY /{proxy+}` and `$default`."""

    def __init__(self, route_keys: list[str]) -> None:
        self._routes = [
            (key, *_split(key)) for key in sorted(route_keys, key=_specificity, reverse=True)
        ]

    def match(self, method: str, raw_path: str) -> Match | None:
        """Return the most specific route of a request, or None: the answer is 404."""
        segments = raw_path.split("/")[1:]
        for key, wanted_method, pattern in self._routes:
            if wanted_method not in {method, "ANY"}:
                continue
            parameters = {} if key == "$default" else _compare(pattern, segments)
            if parameters is not None:
                return Match(route_key=key, path_parameters=parameters)
        return None


def _split(route_key: str) -> tuple[str, list[str]]:
    if route_key == "$default":
        return "ANY", []
    method, _, path = route_key.partition(" ")
    return method, path.split("/")[1:]


def _specificity(route_key: str) -> tuple[list[int], bool]:
    if route_key == "$default":
        return [-1], False
    method, segments = _split(route_key)
    weights = [0 if s.endswith("+}") else 1 if s.startswith("{") else 2 for s in segments]
    return weights, method != "ANY"


def _compare(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for index, part in enumerate(pattern):
        if part.endswith("+}"):
            rest = "/".join(segments[index:])
            return {**parameters, part[1:-2]: unquote(rest)} if rest else None
        if index >= len(segments):
            return None
        if part.startswith("{"):
            if not segments[index]:
                return None
            parameters[part[1:-1]] = unquote(segments[index])
        elif part != unquote(segments[index]):
            return None
    return parameters if len(segments) == len(pattern) else None
