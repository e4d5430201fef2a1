"""What an application asks of a login: `claims`, prompt, max_age, acr, and how it is answered."""

from tests.mutants.rule import Rule

_CLAIMS = ("unit/oauth/test_claims_parameter.py",)
_REQUESTED = "unit/broker/test_requested_login.py::"
_FORM = ("unit/web/test_form_post.py",)


def _check(name: str, *tests: str) -> Rule:
    """Take a whole check out of the table of checks."""
    return _rule(name, "broker/requested_login.py", f"    {name},\n", "", *tests)


def _rule(name: str, file: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"requested: {name}", file, text, instead, tuple(_REQUESTED + t for t in tests))


def _claims(name: str, text: str, instead: str) -> Rule:
    return Rule(f"claims: {name}", "oauth/claims_parameter.py", text, instead, _CLAIMS)


RULES = (
    # --- after the login ---
    _check(
        "check_max_age",
        "test_a_login_older_than_max_age_is_required_again",
        "test_a_provider_that_does_not_say_when_does_not_fulfil_max_age",
    ),
    _check("check_fresh", "test_a_login_that_was_not_repeated_is_required_again"),
    _check("check_subject", "test_the_subject_that_was_asked_for_signs_in_and_nobody_else"),
    _check("check_context_class", "test_an_essential_acr_is_reached_or_the_login_fails"),
    _rule(
        "no auth_time fulfils no max_age",
        "broker/requested_login.py",
        "if auth_time is None or auth_time < login.started_at - request.max_age",
        "if auth_time is not None and auth_time < login.started_at - request.max_age",
        "test_a_provider_that_does_not_say_when_does_not_fulfil_max_age",
    ),
    _rule(
        "the conditions are checked before a code is made",
        "broker/callback.py",
        "        check_requested(finished, record.request)\n",
        "",
        "test_an_essential_acr_is_reached_or_the_login_fails",
    ),
    # --- towards the provider ---
    _rule(
        "consent is not passed on",
        "broker/upstream_hints.py",
        " if prompt in _PASSED_ON",
        "",
        "test_a_prompt_is_passed_on_but_for_consent",
    ),
    _rule(
        "an application asks for mapped claims alone",
        "broker/upstream_hints.py",
        "{names[name]: None for name in asked.userinfo if name in names}",
        "{names.get(name, name): None for name in asked.userinfo}",
        "test_claims_are_asked_for_by_the_providers_names_when_it_reads_them",
    ),
    _rule(
        "acr_values have a form",
        "oauth/authorization_request.py",
        '_list(parameters, "acr_values", 512, _ACR_VALUES)',
        'parameters.get("acr_values")',
        "test_a_hint_of_another_form_goes_back_with_an_error",
    ),
    _rule(
        "ui_locales have a form",
        "oauth/authorization_request.py",
        '_list(parameters, "ui_locales", 128, _UI_LOCALES)',
        'parameters.get("ui_locales")',
        "test_a_hint_of_another_form_goes_back_with_an_error",
    ),
    # --- the claims parameter ---
    _claims("its size", "max_bytes=MAX_BYTES, ", ""),
    _claims("its depth", ", max_depth=MAX_DEPTH", ""),
    _claims("names have a form", "    if not _NAME.fullmatch(name):\n", "    if False:\n"),
    _claims("essential is a truth value", 'request.get("essential") is not True', "False"),
    _claims("an acr is a text", "    if len(texts) != len(values):\n", "    if False:\n"),
    _claims("one subject", "len(texts) != 1 or ", ""),
    # --- form_post ---
    Rule(
        "form_post: what is carried is escaped",
        "web/pages.py",
        'value="{escape(value)}">',
        'value="{value}">',
        _FORM,
    ),
    Rule(
        "form_post: its own script alone",
        "web/response.py",
        "script-src {submit_source()}",
        "script-src 'unsafe-inline'",
        _FORM,
    ),
    _rule(
        "errors go back by the mode that was asked for",
        "broker/callback.py",
        "issuer=self.issuer,\n                response_mode=record.request.response_mode,",
        "issuer=self.issuer,\n                response_mode='query',",
        "test_an_error_goes_back_as_a_form_too",
    ),
)
