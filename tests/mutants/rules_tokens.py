"""Refresh tokens, revocation and introspection: once, whose, for how long, and what ends."""

from tests.mutants.rule import Rule

_REFRESH = "unit/broker/test_refresh.py::"
_REVOKE = "unit/broker/test_revocation.py::"
_ASK = "unit/broker/test_introspection.py::"
_STORE = "integration/test_store_contracts.py::"


def _token(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"refresh token: {name}", "broker/refresh_token.py", text, instead, tests)


def _check(name: str, test: str) -> Rule:
    tuple_ = "(check_present, check_lifetime, check_idle)"
    return _token(name, tuple_, tuple_.replace(f"{name}, ", "").replace(f", {name}", ""), test)


def _refresh(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"refresh: {name}", "broker/refresh.py", text, instead, tests)


def _redemption(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"refresh: {name}", "broker/redemption.py", text, instead, tests)


def _rotation(name: str, text: str, instead: str, test: str) -> Rule:
    return Rule(
        f"rotation: {name}", "adapters/dynamodb/one_time.py", text, instead, (f"{_STORE}{test}",)
    )


def _presented(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"presented token: {name}", "broker/presented_token.py", text, instead, tests)


def _revocation(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"revocation: {name}", "broker/revocation.py", text, instead, tests)


def _introspection(name: str, text: str, instead: str, *tests: str) -> Rule:
    return Rule(f"introspection: {name}", "broker/introspection.py", text, instead, tests)


RULES = (
    # --- a token and its family ---
    _check("check_present", f"{_REFRESH}test_a_used_token_ends_its_family_and_the_access_tokens"),
    _check("check_lifetime", f"{_ASK}test_a_familys_end_is_looked_at_by_itself"),
    _check("check_idle", f"{_ASK}test_expired_tokens_are_not_active"),
    _token(
        "of this client",
        "            and grant.client_id == client_id\n",
        "",
        f"{_REFRESH}test_another_clients_token_is_refused_and_stays_good",
    ),
    _token(
        "of this family",
        "            and _same(hashed(self.family), grant.refresh.family)\n",
        "",
        f"{_REFRESH}test_whoever_knows_a_grants_id_alone_ends_nothing",
    ),
    _token(
        "stored as hashes",
        'return digest(secret.encode("ascii"))',
        "return secret",
        f"{_REFRESH}test_nothing_of_a_refresh_token_is_stored_but_its_hashes",
    ),
    _token(
        "read whole",
        "_TOKEN.fullmatch(token)",
        "_TOKEN.match(token)",
        f"{_REFRESH}test_no_other_record_or_token_is_a_refresh_token",
    ),
    _token(
        "unused for the idle time at most",
        "idle_until=min(now + self.idle, expires_at),",
        "idle_until=expires_at,",
        f"{_ASK}test_a_refresh_token_is_described_with_its_end",
    ),
    _token(
        "the idle time counts from each use",
        "return min(now + self.idle, family.expires_at)",
        "return family.expires_at",
        f"{_REFRESH}test_a_token_lies_unused_for_seven_days_at_most",
    ),
    # --- a refresh ---
    _refresh(
        "a used token ends its family",
        "        except Rejected as problem:\n            self.grants.revoke(grant.id)\n",
        "        except Rejected as problem:\n",
        f"{_REFRESH}test_a_used_token_ends_its_family_and_the_access_tokens",
    ),
    _refresh(
        "a theft is told in the audit",
        "                self.audit.record(login_ended(",
        "                repr(login_ended(",
        f"{_REFRESH}test_a_login_that_ended_so_is_told_once_in_the_audit",
    ),
    _redemption(
        "a code's theft is told in the audit",
        "                self.audit.record(login_ended(",
        "                repr(login_ended(",
        f"{_REFRESH}test_a_code_that_is_used_again_is_told_once_in_the_audit",
    ),
    _refresh(
        "whose login is worth something",
        "        if ended is not None:\n",
        "        if False:\n",
        f"{_REFRESH}test_nothing_is_refreshed_whose_login_is_worth_nothing",
    ),
    _refresh(
        "the token is the client's",
        "        if not token.is_of(grant, client_id=verified.client.client_id):\n",
        "        if False:\n",
        f"{_REFRESH}test_another_clients_token_is_refused_and_stays_good",
    ),
    _refresh(
        "the jti is used up",
        "lambda: self.authentication.use_up(verified),",
        "lambda: None,",
        f"{_REFRESH}test_a_replayed_assertion_neither_rotates_nor_ends",
    ),
    _refresh(
        "the client's grant types",
        "    if REFRESH_TOKEN not in client.grant_types:\n",
        "    if False:\n",
        f"{_REFRESH}test_a_client_that_lost_the_grant_type_refreshes_no_more",
    ),
    _refresh(
        "no nonce of an older login",
        ", nonce=None)",
        ")",
        f"{_REFRESH}test_a_refresh_gives_the_next_token_and_fresh_ones_of_the_same_login",
    ),
    _refresh(
        "no scope that the client lost",
        "tuple(name for name in grant.scope if name in client.scopes)",
        "grant.scope",
        f"{_REFRESH}test_a_scope_that_the_client_lost_is_refreshed_no_more",
    ),
    _refresh(
        "no client that lost offline_access",
        "    if OFFLINE_ACCESS not in granted:\n",
        "    if False:\n",
        f"{_REFRESH}test_a_client_that_lost_offline_access_refreshes_nothing",
    ),
    Rule(
        "refresh: no more scope",
        "oauth/token_request.py",
        "    if not set(scope) <= set(granted):\n",
        "    if False:\n",
        (f"{_REFRESH}test_more_scope_is_refused_and_the_token_stays_good",),
    ),
    Rule(
        "refresh: userinfo tells the token's scope",
        "broker/userinfo.py",
        "released(grant.profile, scope, ",
        "released(grant.profile, grant.scope, ",
        (f"{_REFRESH}test_the_scope_may_be_narrowed_and_is_whole_again_the_next_time",),
    ),
    Rule(
        "refresh: a token is good again when nothing was given out",
        "broker/consumption.py",
        "        self.grants.restore(\n            self.used.grant_id,",
        "        self.grants.get(self.used.grant_id) or dict(\n            x=self.used.grant_id,",
        (f"{_REFRESH}test_a_refresh_token_is_good_again_when_kms_could_not_sign",),
    ),
    _redemption(
        "a token for whoever may refresh",
        "REFRESH_TOKEN not in client.grant_types or ",
        "",
        f"{_REFRESH}test_there_is_none_for_a_client_without_the_grant_type",
    ),
    _redemption(
        "a token for whoever asked",
        " or OFFLINE_ACCESS not in grant.scope",
        "",
        f"{_REFRESH}test_there_is_none_unless_the_application_asked",
    ),
    _redemption(
        "no ID token without openid",
        '        if "openid" not in grant.scope:\n',
        "        if False:\n",
        f"{_REFRESH}test_without_openid_there_is_no_id_token_and_no_userinfo",
    ),
    _redemption(
        "the loser of two at once ends the family",
        "        if not won:\n            self.grants.revoke(grant.id)\n",
        "        if not won:\n",
        f"{_REFRESH}test_the_loser_of_two_refreshes_at_once_ends_the_family",
    ),
    Rule(
        "live grant: the client may use the connection",
        "broker/live_grant.py",
        "    if not client.allows(connection.name):\n",
        "    if False:\n",
        (f"{_REFRESH}test_nothing_is_refreshed_whose_login_is_worth_nothing",),
    ),
    # --- the table ---
    _rotation(
        "one successor",
        '                " AND (refresh_current = :used OR refresh_current = :successor)"\n',
        "",
        "test_a_refresh_token_gives_way_to_one_successor",
    ),
    _rotation(
        "the same successor may ask again",
        " OR refresh_current = :successor",
        "",
        "test_a_refresh_token_gives_way_to_one_successor",
    ),
    _rotation(
        "not of a revoked grant",
        'attribute_exists(redeemed_by) AND attribute_not_exists(revoked)"',
        'attribute_exists(redeemed_by)"',
        "test_nothing_is_rotated_of_a_grant_that_is_revoked_absent_or_has_none",
    ),
    _rotation(
        "before the family's end",
        '" AND refresh_expires_at > :now AND',
        '" AND (refresh_expires_at > :now OR refresh_expires_at <= :now) AND',
        "test_a_refresh_token_is_rotated_before_its_end_only",
    ),
    _rotation(
        "before the idle time's end",
        'refresh_idle_until > :now"',
        '(refresh_idle_until > :now OR refresh_idle_until <= :now)"',
        "test_a_refresh_token_is_rotated_before_its_end_only",
    ),
    _rotation(
        "undone by itself only",
        'ConditionExpression="refresh_current = :successor"',
        'ConditionExpression="attribute_exists(pk) OR refresh_current = :successor"',
        "test_a_rotation_is_undone_by_itself_only",
    ),
    _rotation(
        "a family ends with its redemption's release",
        "REMOVE redeemed_by, dpop_jkt, refresh_family, ",
        "REMOVE redeemed_by, dpop_jkt, ",
        "test_refresh_tokens_begin_with_the_redemption_and_end_with_its_release",
    ),
    Rule(
        "one-time: a retry after a lost answer is no second use",
        "adapters/dynamodb/one_time.py",
        '"used_by": use,',
        '"used_by": text(key),',
        ("integration/test_lost_answers.py",),
    ),
    # --- /revoke and /introspect ---
    _presented(
        "an access token of this client",
        '        if claims.get("client_id") != client_id:\n',
        "        if False:\n",
        f"{_REVOKE}test_another_clients_tokens_are_left_alone_and_nothing_is_told",
        f"{_ASK}test_another_client_learns_nothing",
    ),
    _presented(
        "a refresh token of this client",
        " or not token.is_of(grant, client_id=client_id)",
        "",
        f"{_ASK}test_another_client_learns_nothing",
    ),
    _presented(
        "not expired",
        "            check_expiry(claims, policy)\n",
        "",
        f"{_ASK}test_expired_tokens_are_not_active",
    ),
    _presented(
        "of this issuer",
        "            check_issuer(claims, policy)\n",
        "",
        f"{_ASK}test_what_our_key_signed_for_another_issuer_is_not_active",
    ),
    _revocation(
        "the grant ends",
        "        self.grants.revoke(presented.grant.id)\n",
        "",
        f"{_REVOKE}test_either_token_ends_all_of_its_login_whatever_the_hint",
    ),
    _revocation(
        "the jti is used up",
        "            lambda: self.authentication.use_up(verified),\n",
        "            lambda: None,\n",
        f"{_REVOKE}test_an_assertion_revokes_once",
    ),
    _revocation(
        "what lives on is told",
        "        if presented.grant is None:\n",
        "        if presented.grant is None:\n            return\n        if False:\n",
        f"{_REVOKE}test_a_clients_own_token_cannot_be_revoked_and_it_is_said",
    ),
    _introspection(
        "the jti is used up",
        "            lambda: self.authentication.use_up(verified),\n",
        "            lambda: None,\n",
        f"{_ASK}test_an_assertion_asks_once",
    ),
    _introspection(
        "the grant lives",
        " or not self._is_alive(presented.grant)",
        "",
        f"{_ASK}test_a_revoked_login_has_no_active_token",
    ),
    _introspection(
        "the present refresh token alone",
        "if family is None or not _holds(family, token, now=self.clock.now()):",
        "if family is None:",
        f"{_ASK}test_to_ask_about_a_used_refresh_token_ends_nothing",
    ),
    Rule(
        "settings: a refresh token's idle time",
        "settings.py",
        "    if settings.refresh_idle > settings.refresh_lifetime:\n",
        "    if False:\n",
        (
            "unit/test_template.py::test_a_refresh_tokens_idle_time_is_no_longer_than_its_whole_life",
        ),
    ),
)
