"""A provider that does not know a new key: what a probe finds, and what a login does."""

from tests.mutants.rule import Rule

_HEALING = "unit/broker/test_healing.py::"
_JWKS = "unit/web/test_published_jwks.py::"
_STALE = (
    "unit/broker/test_rotation.py::"
    "test_a_jwks_that_cannot_be_fetched_again_is_used_for_as_long_as_no_new_key_signs"
)
_CURRENT = "unit/broker/test_current_keys.py::"
_KEYS = "broker/current_keys.py"
_PROBE = "unit/broker/test_probe.py::"
_PROFILES = "unit/broker/profiles/test_profiles.py::"
_ANNOUNCING = "integration/test_announcing.py::"
_MODULE = "broker/healing.py"
_ROTATION = "broker/rotation.py"

RULES = (
    Rule(
        "healing: only where the client was refused",
        _MODULE,
        'previous is None or problem.code != "provider_refused_client"',
        "previous is None",
        (f"{_HEALING}test_an_error_of_our_own_is_not_tried_again",),
    ),
    Rule(
        "healing: with the previous key",
        _MODULE,
        ", key=previous)",
        ")",
        (f"{_HEALING}test_a_refused_key_is_followed_by_the_previous_one_and_told",),
    ),
    Rule(
        "healing: one second attempt",
        _MODULE,
        "send(again, 1)",
        "send(again, MAX_ATTEMPTS)",
        (f"{_HEALING}test_what_the_second_attempt_says_does_not_replace_the_first_error",),
    ),
    Rule(
        "healing: the first error stays",
        _MODULE,
        "raise problem from None",
        "raise",
        (f"{_HEALING}test_what_the_second_attempt_says_does_not_replace_the_first_error",),
    ),
    Rule(
        "healing: the rotator is told",
        _MODULE,
        "        self._tell(connection, keyring)\n        return answer",
        "        return answer",
        (f"{_HEALING}test_a_refused_key_is_followed_by_the_previous_one_and_told",),
    ),
    Rule(
        "healing: a later refusal tells of the key too",
        _MODULE,
        "if let_in(later):",
        "if False:",
        (f"{_HEALING}test_a_login_that_fails_behind_the_client_tells_of_the_key_too",),
    ),
    Rule(
        "healing: a refusal that may be the client's tells nothing of the key",
        "broker/client_verdict.py",
        "return problem.error in _AFTER_THE_CLIENT",
        "return True",
        (f"{_HEALING}test_a_login_that_fails_behind_the_client_tells_of_the_key_too",),
    ),
    Rule(
        "healing: tokens of no use show that the client was let in",
        "broker/client_verdict.py",
        'return problem.code == "provider_answer"',
        "return False",
        (f"{_HEALING}test_a_login_that_fails_behind_the_client_tells_of_the_key_too",),
    ),
    Rule(
        "healing: no answer shows nothing",
        "broker/client_verdict.py",
        'return problem.code == "provider_answer"',
        "return True",
        (f"{_HEALING}test_a_login_that_fails_behind_the_client_tells_of_the_key_too",),
    ),
    Rule(
        "upstream: a code that is unspent is sent once more",
        "broker/provider.py",
        "last=left == 0",
        "last=left <= 1",
        ("unit/broker/test_callback.py::test_a_503_is_tried_once_more_with_a_new_assertion",),
    ),
    Rule(
        "announcing: a login does not wait for a bus that is down",
        "wiring.py",
        ", patience=IN_PASSING)",
        ")",
        (
            f"{_ANNOUNCING}test_a_bus_that_is_down_is_told_once",
            f"{_ANNOUNCING}test_an_announcement_is_given_a_second",
        ),
    ),
    Rule(
        "announcing: one attempt",
        "adapters/aws.py",
        "IN_PASSING = Patience(connect=1, read=1, attempts=1)",
        "IN_PASSING = Patience(connect=1, read=1, attempts=3)",
        (f"{_ANNOUNCING}test_a_bus_that_is_down_is_told_once",),
    ),
    Rule(
        "announcing: a second and no more",
        "adapters/aws.py",
        "read_timeout=patience.read",
        "read_timeout=2",
        (f"{_ANNOUNCING}test_an_announcement_is_given_a_second",),
    ),
    Rule(
        "current key: the record is read past what is remembered",
        _KEYS,
        "self.keyrings.get_again(owner)",
        "self.keyrings.get(owner)",
        (f"{_CURRENT}test_a_login_goes_on_with_the_key_that_took_over",),
    ),
    Rule(
        "current key: what was read again is remembered",
        "adapters/recent.py",
        "return self._by_owner.get_again(owner, self._inner.get)",
        "return self._inner.get(owner)",
        (f"{_CURRENT}test_the_next_login_knows_the_key_that_took_over",),
    ),
    Rule(
        "current key: only when KMS refuses the key",
        _KEYS,
        "            if problem.code != REFUSED_BY_KMS:\n                raise\n",
        "",
        (f"{_CURRENT}test_a_removed_owners_key_signs_no_more",),
    ),
    Rule(
        "current key: the same key is not tried again",
        _KEYS,
        "if stored.current.key_id == keyring.current.key_id:",
        "if False:",
        (f"{_CURRENT}test_the_refused_key_is_asked_for_once",),
    ),
    Rule(
        "current key: no other key ever takes over",
        _KEYS,
        "            return self._sign(stored, make)\n",
        "            return self.sign_with(stored, stored.next or stored.current, make)\n",
        (f"{_CURRENT}test_a_login_goes_on_with_the_key_that_took_over",),
    ),
    Rule(
        "current key: the previous one never takes over",
        _KEYS,
        "                self.unusable.tell(stored, problem)\n                raise\n        try:",
        "                if stored.previous:\n"
        "                    return self.sign_with(stored, stored.previous, make)\n"
        "                raise\n        try:",
        (f"{_CURRENT}test_no_other_key_takes_over_and_operators_are_told",),
    ),
    Rule(
        "current key: operators are told of a key that took over too",
        _KEYS,
        "            if problem.code == REFUSED_BY_KMS:\n"
        "                self.unusable.tell(stored, problem)\n            raise\n\n",
        "            raise\n\n",
        (f"{_CURRENT}test_a_key_that_took_over_and_is_refused_too_is_the_one_that_is_told_of",),
    ),
    Rule(
        "current key: a missing record signs nothing",
        _KEYS,
        "            raise missing(owner)",
        "            return Keyring(owner=owner, version=0, current=None)",
        (f"{_CURRENT}test_without_a_record_nothing_signs",),
    ),
    Rule(
        "current key: told once a day",
        "broker/unusable_keys.py",
        "if self.limits.take(turn, now=now, until=now + _DAY):",
        "if True:",
        (f"{_CURRENT}test_operators_are_told_once_a_day",),
    ),
    Rule(
        "current key: told again the next day",
        "broker/unusable_keys.py",
        "until=now + _DAY",
        "until=now + 2 * _DAY",
        (f"{_CURRENT}test_operators_are_told_once_a_day",),
    ),
    Rule(
        "current key: telling hides no error",
        "broker/unusable_keys.py",
        "except Unavailable:",
        "except ZeroDivisionError:",
        (f"{_CURRENT}test_what_cannot_be_told_hides_no_error",),
    ),
    Rule(
        "current key: announced whatever becomes of the audit",
        "broker/unusable_keys.py",
        "self.announcements.publish(event)\n                self.audit.record(event)\n",
        "self.audit.record(event)\n                self.announcements.publish(event)\n",
        (f"{_CURRENT}test_it_is_announced_also_where_it_cannot_be_recorded",),
    ),
    Rule(
        "current key: recorded",
        "broker/unusable_keys.py",
        "                self.audit.record(event)\n",
        "",
        (f"{_CURRENT}test_no_other_key_takes_over_and_operators_are_told",),
    ),
    Rule(
        "current key: the second attempt is by what was read last",
        "broker/provider.py",
        "event=event, keyring=signed.keyring)",
        "event=event, keyring=keyring)",
        (f"{_CURRENT}test_what_the_provider_refuses_then_is_tried_with_the_key_before_it",),
    ),
    Rule(
        "current key: the attempt after a 503 too",
        "broker/user_authentication.py",
        "connection, first.keyring, metadata",
        "connection, answer.keyring, metadata",
        (f"{_CURRENT}test_a_second_attempt_is_signed_with_the_key_of_the_first",),
    ),
    Rule(
        "current key: the ID token's signature has its own key's name",
        "broker/redemption.py",
        "                self.audit.record(made.id_token(key.kid))\n",
        "                pass\n",
        (f"{_CURRENT}test_a_key_that_is_replaced_between_two_tokens_is_recorded_by_its_own_name",),
    ),
    Rule(
        "current key: the ID token is signed by what signed the access token",
        "broker/redemption.py",
        "self._id_token(grant, client, signed, made)",
        "self._id_token(grant, client, Signed(value=signed.value, keyring=keyring), made)",
        (f"{_CURRENT}test_both_tokens_are_signed_with_the_issuers_key_that_took_over",),
    ),
    Rule(
        "jwks: kept for less ahead of a planned change",
        "broker/published_jwks.py",
        "            max_age=max_age,",
        "            max_age=self.max_age,",
        (f"{_JWKS}test_ahead_of_a_planned_change_it_is_less_and_never_under_a_minute",),
    ),
    Rule(
        "jwks: a removed owner's are gone",
        "broker/published_jwks.py",
        "keyring is None or keyring.deleted_at is not None",
        "keyring is None",
        (f"{_JWKS}test_a_removed_connections_keys_are_gone_at_once",),
    ),
    Rule(
        "jwks: good for a while when ours fail",
        "web/published.py",
        "if stale_if_error is not None:",
        "if False:",
        (f"{_JWKS}test_where_nothing_is_planned_it_is_what_is_configured",),
    ),
    Rule("jwks: stale for an hour at most", _ROTATION, "min(_MOST_STALE, room", "(room", (_STALE,)),
    Rule(
        "jwks: stale and fresh within C",
        _ROTATION,
        "min(bounds.verifier_cache, bounds.propagation - ",
        "min(999_999, bounds.propagation - ",
        (_STALE,),
    ),
    Rule(
        "jwks: stale before C within P",
        _ROTATION,
        "bounds.verifier_cache, bounds.propagation - bounds.verifier_cache - bounds.skew",
        "bounds.verifier_cache, bounds.propagation - bounds.skew",
        (_STALE,),
    ),
    Rule(
        "jwks: stale with clocks apart",
        _ROTATION,
        "bounds.propagation - bounds.verifier_cache - bounds.skew",
        "bounds.propagation - bounds.verifier_cache",
        (_STALE,),
    ),
    Rule("jwks: stale beside max-age", _ROTATION, "room - max_age", "room", (_STALE,)),
    Rule(
        "events: every batch is tried",
        "adapters/eventbridge.py",
        "problem = problem or failure",
        "raise",
        ("unit/adapters/test_eventbridge.py::test_one_batch_that_fails_keeps_no_other_back",),
    ),
    Rule(
        "events: what failed is raised when all were tried",
        "adapters/eventbridge.py",
        "problem = problem or failure",
        "pass",
        ("unit/adapters/test_eventbridge.py::test_one_batch_that_fails_keeps_no_other_back",),
    ),
    Rule(
        "probe: metadata of no use are nobody to ask",
        "broker/probe.py",
        "(Unavailable, Rejected, Misconfigured) as problem",
        "(Unavailable, Rejected) as problem",
        (f"{_PROBE}test_metadata_that_cannot_be_used_are_nobody_to_ask",),
    ),
    Rule(
        "probe: operators are told why nobody was asked",
        "broker/probe.py",
        "reason=problem.private or problem.public",
        'reason=""',
        (f"{_PROBE}test_a_provider_that_cannot_be_reached_said_nothing",),
    ),
    Rule(
        "probe: the key in question signs",
        "broker/probe.py",
        ", key=key)",
        ")",
        (f"{_PROBE}test_the_key_in_question_signs",),
    ),
    Rule(
        "probe: a profile may opt out",
        "broker/probe.py",
        "probe=profile_of(connection.strategy).probe,",
        "probe=True,",
        (
            f"{_PROBE}test_a_provider_that_cannot_be_asked_is_not_and_a_word_is_enough",
            f"{_PROFILES}test_a_promotion_waits_for_what_a_provider_can_say",
        ),
    ),
    Rule(
        "probe: Login.gov is not asked",
        "broker/profiles/login_gov.py",
        "    probe=False,\n",
        "",
        (f"{_PROFILES}test_what_a_provider_says_of_a_key_is_known_or_said_to_be_unknown",),
    ),
    Rule(
        "probe: GOV.UK One Login looks at the assertion first",
        "broker/profiles/govuk_one_login.py",
        '    made_up_code="invalid_grant",\n',
        "",
        (f"{_PROFILES}test_what_a_provider_says_of_a_key_is_known_or_said_to_be_unknown",),
    ),
    Rule(
        "probe: Keycloak looks at the assertion first",
        "broker/profiles/keycloak.py",
        '    made_up_code="invalid_grant",\n',
        "",
        (f"{_PROFILES}test_what_a_provider_says_of_a_key_is_known_or_said_to_be_unknown",),
    ),
    Rule(
        "probe: a manual registration needs a word",
        "broker/probe.py",
        'connection.key_registration == "manual"',
        "False",
        (f"{_PROBE}test_what_a_promotion_waits_for",),
    ),
)
