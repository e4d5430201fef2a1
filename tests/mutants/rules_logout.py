"""Logout: whom a link can sign out, where it can lead, and whose logout tokens are believed."""

from tests.mutants.rule import Rule

_LOGOUT = "unit/broker/test_logout.py::"
_PROVIDER = "unit/broker/test_provider_logout.py::"
_SENDING = "unit/broker/test_logout_sending.py::"
_SAVING = "unit/broker/test_destinations_at_save.py::"
_CLIENT = "unit/broker/test_client.py::"
_BAD_TOKEN = "test_a_token_that_does_not_hold_ends_nothing_and_uses_nothing_up"
_NO_HINT = "test_a_token_of_ours_that_is_no_id_token_of_one_client_is_no_hint"


def _logout(name: str, text: str, instead: str, test: str) -> Rule:
    return Rule(f"logout: {name}", "broker/logout.py", text, instead, (f"{_LOGOUT}{test}",))


def _hint(name: str, text: str, instead: str, test: str) -> Rule:
    return Rule(f"logout hint: {name}", "oidc/logout.py", text, instead, (f"{_LOGOUT}{test}",))


def _end(name: str, text: str, instead: str, test: str) -> Rule:
    return Rule(f"end: {name}", "broker/session_end.py", text, instead, (f"{_LOGOUT}{test}",))


def _token(name: str, text: str, instead: str, test: str = _BAD_TOKEN) -> Rule:
    file = "oidc/logout_token.py"
    return Rule(f"logout token: {name}", file, text, instead, (f"{_PROVIDER}{test}",))


def _provider(name: str, text: str, instead: str, test: str) -> Rule:
    file = "broker/provider_logout.py"
    return Rule(f"provider logout: {name}", file, text, instead, (f"{_PROVIDER}{test}",))


def _sending(name: str, text: str, instead: str, test: str) -> Rule:
    file = "broker/logout_sending.py"
    return Rule(f"logout sending: {name}", file, text, instead, (f"{_SENDING}{test}",))


def _upstream(name: str, text: str, instead: str, test: str) -> Rule:
    file = "broker/upstream_logout.py"
    return Rule(f"upstream logout: {name}", file, text, instead, (f"{_LOGOUT}{test}",))


RULES = (
    Rule(
        "logout sending: a destination that may be called",
        "broker/registration.py",
        "            self.destinations.check(client.backchannel_logout_uri)\n",
        "            pass\n",
        (f"{_SAVING}test_no_client_is_made_that_is_told_of_sign_outs_at_a_forbidden_address",),
    ),
    Rule(
        "logout sending: an address by the rules of addresses",
        "broker/client.py",
        "    return check_registrable(uri, allow_loopback=allow_loopback)\n",
        "    return uri\n",
        (f"{_CLIENT}test_the_address_that_is_told_of_sign_outs_is_held_to_the_same_rules",),
    ),
    _upstream(
        "an administrator's wish",
        "if not (connection.upstream_logout and connection.enabled):",
        "if not connection.enabled:",
        "test_without_an_administrators_wish_the_provider_is_left_out",
    ),
    _upstream(
        "enabled connections alone",
        "if not (connection.upstream_logout and connection.enabled):",
        "if not connection.upstream_logout:",
        "test_a_connection_that_is_gone_or_disabled_is_left_out",
    ),
    _upstream(
        "agreed origins alone",
        " or not is_agreed(endpoint, connection.endpoints, metadata)",
        "",
        "test_a_provider_without_a_logout_at_an_agreed_origin_is_left_out",
    ),
    _logout(
        "the way back is registered when it is taken",
        "            _check_registered(self.clients.get(back.client_id), back.uri)\n",
        "            pass\n",
        "test_a_planted_cookie_leads_to_no_address_that_is_not_registered",
    ),
    _logout(
        "nobody by a link alone",
        "if not (_is_confirmed(request, confirmation) or _is_about(hint, session)):",
        "if False:",
        "test_without_a_hint_the_person_is_asked_and_comes_back_to_the_named_client",
    ),
    _logout(
        "a hint at this browser's person",
        "hint is not None and hint.subject == session.subject",
        "hint is not None",
        "test_a_hint_at_another_person_ends_nobodys_session_unasked",
    ),
    _logout(
        "a confirmation of this session",
        'return record_key("LOGOUT", "confirm", issuer, value)',
        'return record_key("LOGOUT", "confirm", issuer)',
        "test_a_confirmation_is_one_sessions_and_is_used_up_with_it",
    ),
    _logout(
        "a confirmation is not what is stored",
        'return record_key("LOGOUT", "confirm", issuer, value)',
        'return record_key("LOGOUT", issuer, value)',
        "test_a_confirmation_is_not_what_is_stored_or_known_to_applications",
    ),
    _logout(
        "a confirmation is compared",
        "return hmac.compare_digest(given, confirmation.encode())",
        "return request.confirm is not None",
        "test_a_guessed_confirmation_ends_nothing",
    ),
    _logout(
        "registered addresses alone",
        " or uri not in client.post_logout_redirect_uris",
        "",
        "test_nobody_is_sent_to_an_address_that_the_client_did_not_register",
    ),
    _logout(
        "enabled clients alone",
        "client is None or not client.enabled or uri",
        "client is None or uri",
        "test_nobody_is_sent_to_a_disabled_application",
    ),
    _logout(
        "nobody is sent on without a hint or a session",
        "back if hint is not None else None",
        "back",
        "test_who_is_not_signed_in_is_sent_back_by_a_hint_and_by_nothing_less",
    ),
    _logout(
        "a POST without a cookie says nothing",
        "if posted and value is None and not request.again:",
        "if False:",
        "test_a_post_from_another_site_comes_without_the_cookie_and_the_person_is_asked",
    ),
    _logout(
        "ID tokens alone are hints",
        "types=HINT_TYPES,",
        'types=HINT_TYPES | {"logout+jwt"},',
        "test_no_other_kind_of_our_tokens_is_a_hint",
    ),
    _hint("iss", '_demand(claims.get("iss") == policy.issuer, "iss")', "pass", _NO_HINT),
    _hint("aud is one client", '_demand(isinstance(audience, str), "aud")', "pass", _NO_HINT),
    _hint(
        "the named client's",
        '_demand(policy.client_id in {None, audience}, "aud is another client")',
        "pass",
        "test_a_hint_of_another_client_than_the_one_named_is_refused",
    ),
    _hint("sub", '_demand(isinstance(claims.get("sub"), str), "sub")', "pass", _NO_HINT),
    _end(
        "grants end too",
        "self.grants.revoke(grant.grant_id)",
        "pass",
        "test_a_hint_of_this_browsers_person_ends_the_session_and_leads_back",
    ),
    _end(
        "a disabled application is told nothing",
        "client is not None and client.enabled and ",
        "client is not None and ",
        "test_a_disabled_application_is_told_nothing",
    ),
    _token("iss", '_demand(claims.get("iss") == policy.issuer, "iss")', "pass"),
    _token(
        "aud", '_demand(claims.get("aud") in (policy.client_id, [policy.client_id]), "aud")', "pass"
    ),
    _token("iat ahead", "    check_issued_at,\n", ""),
    _token("exp past", '_demand(policy.now < expiry + CLOCK_SKEW, "exp is past")', "pass"),
    _token(
        "a bounded lifetime",
        '_demand(expiry - _seconds(claims, "iat") <= MAX_LIFETIME, "exp is too long after iat")',
        "pass",
    ),
    _token(
        "sub or sid", '_demand("sub" in claims or "sid" in claims, "neither sub nor sid")', "pass"
    ),
    _token("names are texts", "name not in claims or _is_name(claims[name])", "True"),
    _token("events", "    check_events,\n", ""),
    _token("nonce", "    check_nonce,\n", ""),
    _token("jti", "    check_id,\n", ""),
    Rule(
        "logout token: the connection's algorithm",
        "broker/provider.py",
        "alg=connection.id_token_alg,\n            types=LOGOUT_TYPES,",
        'alg=__import__("jwt").get_unverified_header(token)["alg"],\n'
        "            types=LOGOUT_TYPES,",
        (f"{_PROVIDER}test_the_header_does_not_choose_the_algorithm",),
    ),
    _token(
        "no other kind",
        'TYPES = frozenset({None, "JWT", TYP})',
        'TYPES = frozenset({None, "JWT", TYP, "at+jwt"})',
        "test_a_token_of_another_kind_is_refused",
    ),
    _token(
        "remembered for long enough",
        '_seconds(claims, "exp") + 2 * CLOCK_SKEW',
        '_seconds(claims, "exp")',
        "test_a_jti_is_remembered_for_longer_than_its_token_is_valid",
    ),
    _provider(
        "a token is used once",
        "if not self.replay.use(key, expires_at=checked.replay_until):",
        "if False:",
        "test_a_token_is_used_once",
    ),
    _provider(
        "a jti is of one connection",
        'record_key("LOGOUT_JTI", connection.id, connection.issuer, checked.jti)',
        'record_key("LOGOUT_JTI", connection.issuer, checked.jti)',
        "test_a_jti_is_of_one_connection",
    ),
    _provider(
        "both names at once",
        "frozenset.intersection(*map(",
        "frozenset().union(*map(",
        "test_a_token_that_names_both_means_what_fits_both",
    ),
    _provider(
        "a connection that is there",
        "if connection is None:",
        "if False:",
        "test_nobody_signs_out_at_a_connection_that_is_not_there",
    ),
    Rule(
        "provider logout: a provider's sid is of one connection",
        "broker/session.py",
        'record_key("UPSTREAM", connection.id, connection.issuer, sid)',
        'record_key("UPSTREAM", connection.issuer, sid)',
        (f"{_PROVIDER}test_no_provider_ends_a_session_of_another_connection",),
    ),
    _sending(
        "enabled clients that want it",
        "if client is None or not client.enabled or client.backchannel_logout_uri is None:",
        "if client is None or client.backchannel_logout_uri is None:",
        "test_who_is_gone_or_disabled_or_wants_nothing_by_now_is_told_nothing",
    ),
    _sending(
        "a kind of its own",
        "typ=TYP)",
        'typ="JWT")',
        "test_the_application_gets_a_logout_token_that_we_signed",
    ),
    _sending(
        "tried again",
        "if answer.status not in _TAKEN:",
        "if False:",
        "test_any_other_answer_is_tried_again",
    ),
)
