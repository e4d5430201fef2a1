"""Sessions of browsers: whose they are, how long they live, and what they never serve."""

from tests.mutants.rule import Rule

_SSO = "unit/broker/test_single_sign_on.py::"
_ANSWERS = "unit/broker/test_session_answers.py::"
_STORES = "integration/test_store_contracts.py::"


def _session(name: str, text: str, instead: str, test: str) -> Rule:
    return Rule(f"session: {name}", "broker/session.py", text, instead, (f"{_SSO}{test}",))


def _sso(name: str, text: str, instead: str, test: str) -> Rule:
    return Rule(f"session: {name}", "broker/single_sign_on.py", text, instead, (f"{_SSO}{test}",))


def _store(name: str, text: str, instead: str, test: str) -> Rule:
    file = "adapters/dynamodb/sessions.py"
    return Rule(f"session store: {name}", file, text, instead, (f"{_STORES}{test}",))


RULES = (
    _session(
        "the absolute end",
        "now < session.expires_at and ",
        "",
        "test_a_session_ends_after_its_time_however_often_it_is_used",
    ),
    _session(
        "the idle end",
        " and now < session.idle_until",
        "",
        "test_a_session_ends_when_it_is_idle_and_lives_on_while_it_is_used",
    ),
    _session(
        "never across connections",
        "(session.connection_id, session.issuer) == (connection.id, connection.issuer)",
        "session.issuer == connection.issuer",
        "test_no_session_serves_another_connection",
    ),
    _session(
        "the connection's provider",
        "(session.connection_id, session.issuer) == (connection.id, connection.issuer)",
        "session.connection_id == connection.id",
        "test_a_connection_that_got_another_provider_knows_no_earlier_session",
    ),
    _session(
        "prompt=login",
        "wants_nothing_new and ",
        "",
        "test_an_application_that_wants_a_new_sign_in_gets_one",
    ),
    _session(
        "the administrator's prompt",
        ' and "prompt" not in connection.upstream_params',
        "",
        "test_an_administrator_who_wants_a_new_sign_in_each_time_gets_one",
    ),
    _session(
        "max_age=0",
        "now - authenticated_at < limit",
        "now - authenticated_at <= limit",
        "test_max_age_counts_from_when_the_person_signed_in",
    ),
    _session(
        "max_age needs auth_time",
        "isinstance(authenticated_at, int) and now - authenticated_at < limit",
        "now - (authenticated_at or now) < limit  # type: ignore[operator]",
        "test_max_age_is_not_met_by_a_session_whose_beginning_nobody_knows",
    ),
    _session(
        "the administrator's max_age",
        "(request.max_age, *of_connection)",
        "(request.max_age,)",
        "test_an_administrators_max_age_counts_beside_the_applications",
    ),
    _session(
        "acr that is asked for",
        '        (request.acr_values or "").split(),\n',
        "",
        "test_a_class_that_is_asked_for_has_to_be_the_sessions",
    ),
    _session(
        "acr that is demanded since",
        '        connection.upstream_params.get("acr_values", "").split(),\n',
        "",
        "test_a_class_that_is_demanded_since_has_to_be_the_sessions",
    ),
    Rule(
        "session: an essential acr",
        "broker/session.py",
        "        request.claims.essential_acr,\n",
        "",
        (f"{_ANSWERS}test_an_essential_class_has_to_be_the_sessions",),
    ),
    Rule(
        "session: the subject that is asked for",
        "broker/session.py",
        "        and is_subject(session, request)\n",
        "",
        (f"{_ANSWERS}test_a_session_of_another_subject_than_is_asked_for_gives_no_code",),
    ),
    Rule(
        "session: a pushed request is used up",
        "broker/single_sign_on.py",
        "if pushed is not None and not self.pushed_requests.use(pushed.id, login=grant.id):",
        "if False:",
        (f"{_ANSWERS}test_a_pushed_request_is_used_up_by_the_code_that_a_session_gives",),
    ),
    _session(
        "a hint at somebody else",
        "        and is_hinted(session, request)\n",
        "",
        "test_a_hint_at_somebody_else_gets_nobody_elses_code",
    ),
    _session(
        "a disabled connection",
        "        and connection.enabled\n",
        "",
        "test_a_connection_that_is_disabled_or_gone_ends_the_use_of_its_sessions",
    ),
    _session(
        "a client's own connections",
        "        and client.allows(connection.name)\n",
        "",
        "test_a_client_that_may_not_use_the_sessions_connection_gets_nothing_of_it",
    ),
    _session(
        "the cookie is stored as a hash",
        'return record_key("SESSION", issuer, value)',
        'return f"SESSION#{value}"',
        "test_the_cookie_is_new_at_each_login_and_stored_nowhere",
    ),
    _sso(
        "prompt=none shows no page",
        "if allows_no_page(request):",
        "if False:",
        "test_prompt_none_without_a_session_says_login_required",
    ),
    _sso(
        "a new id at each login",
        "value, now = self.entropy.token(), grant.issued_at",
        'value, now = "A" * 43, grant.issued_at',
        "test_the_cookie_is_new_at_each_login_and_stored_nowhere",
    ),
    _sso(
        "the earlier id is worth nothing",
        "lambda: self.sessions.remove(previous.key),",
        "lambda: None,",
        "test_a_cookie_that_was_there_before_the_login_is_worth_nothing_after_it",
    ),
    _sso(
        "another person is another session",
        "(previous.connection_id, previous.subject) == (\n            connection.id,\n"
        "            subject,\n        )",
        "True",
        "test_one_person_who_signs_in_again_stays_in_one_session",
    ),
    _sso(
        "over at the last moment",
        "if not self.sessions.use(session.key, now=now, idle_until=now + self.idle_seconds):",
        "if False:",
        "test_a_session_that_ends_at_the_last_moment_gives_no_code",
    ),
    _sso(
        "none where none are kept",
        "return self.seconds > 0 and self.idle_seconds > 0",
        "return self.seconds > 0",
        "test_a_deployment_may_keep_no_sessions",
    ),
    Rule(
        "session: ID tokens name it",
        "broker/redemption.py",
        'session = {"sid": grant.sid} if grant.sid is not None else {}',
        "session: dict[str, str] = {}",
        (f"{_SSO}test_every_token_of_one_session_names_it_by_one_sid_that_is_no_credential",),
    ),
    _store(
        "only what is alive is used",
        "attribute_exists(pk) AND idle_until > :now AND ends_at > :now",
        "attribute_exists(pk)",
        "test_a_session_is_used_until_it_is_idle_or_over",
    ),
    _store(
        "an ended one is not used",
        '"attribute_exists(pk) AND idle_until > :now AND ends_at > :now"',
        '"attribute_not_exists(pk) OR (idle_until > :now AND ends_at > :now)"',
        "test_the_end_of_a_session_takes_it_from_every_browser_and_tells_each_grant",
    ),
    _store(
        "it ends for every browser",
        'self.remove(item["sk"]["S"].removeprefix(_COOKIE))',
        "pass",
        "test_the_end_of_a_session_takes_it_from_every_browser_and_tells_each_grant",
    ),
)
