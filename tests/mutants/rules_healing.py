"""A provider that does not know a new key: what a probe finds, and what a login does."""

from tests.mutants.rule import Rule

_HEALING = "unit/broker/test_healing.py::"
_MODULE = "broker/healing.py"

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
        "        self.announcements.publish(self._refused(connection, keyring))\n",
        "",
        (f"{_HEALING}test_a_refused_key_is_followed_by_the_previous_one_and_told",),
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
