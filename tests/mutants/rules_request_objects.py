"""Signed request objects: each check, the signature, and nothing beside them."""

from tests.mutants.rule import Rule

_OBJECTS = "unit/broker/test_request_objects.py::"
_CLAIMS = f"{_OBJECTS}test_an_object_that_does_not_hold_goes_nowhere"


def _check(name: str, *tests: str) -> Rule:
    """Take a whole check out of the table of checks."""
    chosen = tuple(_OBJECTS + test for test in tests) or (_CLAIMS,)
    return Rule(f"request object: {name}", "oauth/request_object.py", f"    {name},\n", "", chosen)


def _rule(name: str, file: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"request object: {name}", file, text, instead, tuple(_OBJECTS + t for t in tests))


RULES = (
    _check("check_issuer"),
    _check("check_subject"),
    _check("check_audience"),
    _check("check_expiry"),
    _check("check_not_before"),
    _check("check_identifier"),
    _check("check_client"),
    _check("check_not_nested"),
    _rule(
        "a member is a parameter",
        "oauth/request_object.py",
        " or len(value) > MAX_VALUE or _CONTROL.search(value)",
        "",
        "test_an_object_that_does_not_hold_goes_nowhere",
    ),
    _rule(
        "kinds of token are told apart",
        "oauth/request_object.py",
        'frozenset({None, "JWT", "oauth-authz-req+jwt"})',
        'frozenset({None, "JWT", "oauth-authz-req+jwt", "at+jwt", "dpop+jwt"})',
        "test_a_token_of_another_kind_is_no_request",
    ),
    _rule(
        "whoever registered for it alone",
        "broker/request_objects.py",
        "if token is None or alg is None:",
        "if token is None:",
        "test_a_client_that_did_not_register_for_it_sends_none",
    ),
    _rule(
        "nothing of the query counts",
        "broker/login.py",
        "self._request(asked, client, redirect_uri, pushed)",
        "self._request({**asked, **parameters}, client, redirect_uri, pushed)",
        "test_everything_comes_from_the_object_alone",
    ),
    _rule(
        "what stands beside a pushed one says the same",
        "broker/request_pushing.py",
        "        _check_same(parameters, asked)\n",
        "",
        "test_beside_a_pushed_object_stands_nothing_else",
    ),
)
