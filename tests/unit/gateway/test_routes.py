"""Routes as HTTP API chooses them (API Gateway developer guide, "Routing API requests")."""

import pytest

from signet_local.gateway.routes import Routes
from signet_local.template import Template

EXAMPLE = Routes([
    "ANY /{proxy+}", "GET /pets/dog/1", "$default", "GET /pets/{proxy+}", "GET /pets/dog/{id}",
    "ANY /pets/cat", "POST /pets/cat",
])  # fmt: skip
"""AWS's own example, and a method beside ANY."""


@pytest.mark.parametrize(
    ("method", "path", "route", "variables"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("POST", "/pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
        ("POST", "/pets/cat", "POST /pets/cat", {}),
        ("GET", "/pets/cat", "ANY /pets/cat", {}),
        ("BREW", "/pets/cat", "ANY /pets/cat", {}),
        ("GET", "/pets", "ANY /{proxy+}", {"proxy": "pets"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_is_taken(
    method: str, path: str, route: str, variables: dict[str, str]
) -> None:
    match = EXAMPLE.match(method, path)
    assert match is not None
    assert (match.route_key, match.path_parameters) == (route, variables)


def test_a_default_route_takes_everything_and_names_nothing() -> None:
    match = Routes(["$default"]).match("GET", "/a/b")
    assert match is not None
    assert match.path_parameters == {}


def test_a_method_that_is_not_there_has_no_route() -> None:
    """HEAD is not GET's business: API Gateway does not make one of the other."""
    routes = Routes(["GET /a"])
    assert routes.match("GET", "/a") is not None
    for method in ("HEAD", "POST", "get"):
        assert routes.match(method, "/a") is None


OURS = Routes(list(Template.read().routes()))
CONNECTION = "con_aaaaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.mark.parametrize(
    "path",
    [
        "/authorize/",
        "//authorize",
        "/authorize//",
        "/AUTHORIZE",
        "/Authorize",
        "/authorize;a=b",
        "/authorize%20",
        "/authorize%00",
        "/authorize%2f",
        "/.well-known/%2e%2e/authorize",
        "/./authorize",
        "/x/../authorize",
        "/x/%2e%2e/authorize",
        "/connections/callback",
        "/connections//callback",
        f"/connections/{CONNECTION}/callback/",
        f"/connections/{CONNECTION}/callback/more",
        f"/connections/{CONNECTION}//callback",
        f"/connections/{CONNECTION}%2fcallback",
        f"/connections/{CONNECTION}/Callback",
        f"/connections/{CONNECTION}/x/../callback",
        "/",
        "",
        "*",
    ],
)
def test_what_is_not_the_path_itself_has_no_route(path: str) -> None:
    """Nothing is normalized: a path that only looks like one of ours is another."""
    assert OURS.match("GET", path) is None


def test_every_route_of_the_template_is_found() -> None:
    for key in Template.read().routes():
        path = key.split(" ")[1].replace("{connection_id}", CONNECTION)
        match = OURS.match("GET", path)
        assert match is not None
        assert match.route_key == key


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/connections/a%2Fb/callback", "a/b"),
        ("/connections/%2e%2e/callback", ".."),
        ("/connections/a;b=c/callback", "a;b=c"),
        ("/connections/a+b/callback", "a+b"),
        ("/connections/%C3%A4/callback", "ä"),
        ("/connections/%252f/callback", "%2f"),
    ],
)
def test_a_variable_is_one_segment_and_comes_decoded_once(path: str, value: str) -> None:
    match = OURS.match("GET", path)
    assert match is not None
    assert match.path_parameters == {"connection_id": value}
