"""A provider that does not know a new key: what a probe finds, and what a login does."""

from tests.mutants.rule import Rule

_HEALING = "unit/broker/test_healing.py::"
_JWKS = "unit/web/test_published_jwks.py::"
_STALE = (
    "unit/broker/test_rotation.py::"
    "test_a_jwks_that_cannot_be_fetched_again_is_used_for_as_long_as_no_new_key_signs"
)
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
        ("unit/broker/test_probe.py::test_metadata_that_cannot_be_used_are_nobody_to_ask",),
    ),
    Rule(
        "probe: operators are told why nobody was asked",
        "broker/probe.py",
        "reason=problem.private or problem.public",
        'reason=""',
        ("unit/broker/test_probe.py::test_a_provider_that_cannot_be_reached_said_nothing",),
    ),
    Rule(
        "probe: the key in question signs",
        "broker/probe.py",
        ", key=key)",
        ")",
        ("unit/broker/test_probe.py::test_the_key_in_question_signs",),
    ),
    Rule(
        "probe: a manual registration needs a word",
        "broker/probe.py",
        'connection.key_registration == "manual"',
        "False",
        ("unit/broker/test_probe.py::test_what_a_promotion_waits_for",),
    ),
)
