"""Pushed authorization requests: whose, how long, how often, and what beside them."""

from tests.mutants.rule import Rule

_PUSHED = "unit/broker/test_pushed_requests.py::"
_STORES = "integration/test_store_contracts.py::"


def _rule(name: str, file: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"PAR: {name}", file, text, instead, tuple(_PUSHED + test for test in tests))


RULES = (
    _rule(
        "a reference is one client's",
        "broker/pushed_request.py",
        'record_key("PAR", issuer, client_id, reference)',
        'record_key("PAR", issuer, reference)',
        "test_another_client_cannot_open_it_and_it_stays_usable",
    ),
    _rule(
        "a reference is of a type of its own",
        "broker/request_pushing.py",
        "id=pushed_request_id(reference, issuer=self.issuer, client_id=request.client_id)",
        "id=reference",
        "test_the_reference_is_not_stored_as_it_is",
    ),
    _rule(
        "expiry by value",
        "broker/pushed_request.py",
        "    check_expiry(pushed, now=now)\n",
        "",
        "test_a_reference_expires_by_its_value",
    ),
    _rule(
        "a used reference opens nothing",
        "broker/pushed_request.py",
        "    check_unused(pushed)\n",
        "",
        "test_after_a_completed_login_the_reference_is_used_up",
    ),
    _rule(
        "a login uses its reference up",
        "broker/callback.py",
        "        if not first:\n",
        "        if False:\n",
        "test_of_two_logins_with_one_reference_the_first_to_complete_gets_the_code",
    ),
    _rule(
        "a login knows its reference",
        "broker/login.py",
        "pushed_request=pushed.id if pushed is not None else None",
        "pushed_request=None",
        "test_after_a_completed_login_the_reference_is_used_up",
    ),
    Rule(
        "PAR: one conditional write uses a reference up",
        "adapters/dynamodb/one_time.py",
        '"attribute_exists(pk) AND (attribute_not_exists(used_by) OR used_by = :me)"',
        '"attribute_exists(pk)"',
        (f"{_STORES}test_a_pushed_request_is_used_by_one_login_and_says_by_which",),
    ),
    Rule(
        "PAR: what is not there does not come to be",
        "adapters/dynamodb/one_time.py",
        '"attribute_exists(pk) AND (attribute_not_exists(used_by) OR used_by = :me)"',
        '"attribute_not_exists(used_by) OR used_by = :me"',
        (
            f"{_STORES}test_a_pushed_request_that_is_not_there_cannot_be_used_nor_does_it_come_to_be",
        ),
    ),
    Rule(
        "PAR: no other record is read as a pushed request",
        "adapters/dynamodb/one_time.py",
        '        if not request_id.startswith("PAR#"):\n            return None\n',
        "",
        (f"{_STORES}test_what_cannot_be_there_is_none_too",),
    ),
    _rule(
        "the query never overrides",
        "broker/login.py",
        "        if pushed is not None:\n            check_allowed(pushed.request, client)",
        "        if False:\n            check_allowed(pushed.request, client)",
        "test_the_query_never_overrides_what_was_pushed",
    ),
    _rule(
        "a typed address never overrides",
        "broker/login.py",
        "        if connection is None and typed:\n",
        "        if typed:\n",
        "test_the_query_never_overrides_what_was_pushed",
    ),
    _rule(
        "a reference and a request object are two requests",
        "broker/login.py",
        "        check_alone(parameters)\n",
        "",
        "test_a_reference_and_a_request_object_are_refused_together",
    ),
    _rule(
        "no reference in a pushed request",
        "broker/request_pushing.py",
        "        _check_no_reference(parameters)\n",
        "",
        "test_what_authorize_would_refuse_is_refused_when_it_is_pushed",
    ),
    _rule(
        "redirect URIs are registered",
        "broker/request_pushing.py",
        "if redirect_uri is None or redirect_uri not in client.redirect_uris:",
        "if redirect_uri is None:",
        "test_what_authorize_would_refuse_is_refused_when_it_is_pushed",
    ),
    _rule(
        "a pushed redirect URI is registered still",
        "broker/login.py",
        'pushed.request.redirect_uri if pushed else asked.get("redirect_uri")\n        )',
        'asked.get("redirect_uri")\n        ) if pushed is None else pushed.request.redirect_uri',
        "test_a_pushed_redirect_uri_has_to_be_registered_still",
    ),
    _rule(
        "a pushed scope is the client's still",
        "broker/login.py",
        "            check_allowed(pushed.request, client)  # it may have lost a right meanwhile\n",
        "",
        "test_a_pushed_scope_has_to_be_the_clients_still",
    ),
    _rule(
        "an assertion pushes once",
        "broker/request_pushing.py",
        "lambda: self.authentication.use_up(verified)",
        "lambda: None",
        "test_an_assertion_pushes_once",
        "test_a_refused_request_uses_its_assertion_up",
    ),
    _rule(
        "whoever has to push pushes",
        "broker/login.py",
        "        check_may_come_by_browser(client)\n",
        "",
        "test_a_client_that_has_to_push_is_refused_otherwise",
    ),
    _rule(
        "the page shows nothing of what was pushed",
        "broker/request_reference.py",
        "    if pushed is not None:\n",
        "    if False:\n",
        "test_the_page_carries_the_reference_and_nothing_of_the_request",
    ),
    _rule(
        "whoever registered for codes alone",
        "broker/application_request.py",
        "    check_grant_type(client)\n",
        "",
        "test_a_client_that_may_not_sign_people_in_begins_nothing",
    ),
)
