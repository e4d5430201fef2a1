"""Events of the bus: what they may ask for, and what becomes of those that fail."""

from tests.mutants.rule import Rule

_EVENT = "unit/web/test_bus_event.py::"
_MODULE = "web/bus_event.py"
_BUS = "adapters/eventbridge.py"
_EVENTBRIDGE = "unit/adapters/test_eventbridge.py::"

RULES = (
    Rule(
        "event: ours or a schedule's",
        _MODULE,
        "if source != SOURCE and (source, kind) != _TICK:",
        "if not source:",
        (f"{_EVENT}test_what_is_neither_a_tick_nor_ours_is_malformed",),
    ),
    Rule(
        "event: a tick is the schedule's",
        _MODULE,
        "return (self.source, self.kind) == _TICK",
        "return self.kind == _TICK[1]",
        (f"{_EVENT}test_a_schedules_event_is_a_tick_and_none_of_ours_is",),
    ),
    Rule(
        "event: a step for an owner and nothing more",
        _MODULE,
        'if set(self.detail) != {"owner"}:',
        'if "owner" not in self.detail:',
        (f"{_EVENT}test_a_step_is_asked_for_an_owner_and_for_nothing_more",),
    ),
    Rule(
        "event: an owner has an owner's form",
        _MODULE,
        "(value == ISSUER or is_connection_id(value))",
        "value",
        (f"{_EVENT}test_a_step_is_asked_for_an_owner_and_for_nothing_more",),
    ),
    Rule(
        "event: a kid is a thumbprint",
        _MODULE,
        "isinstance(kid, str) and _KID.fullmatch(kid)",
        "isinstance(kid, str)",
        (f"{_EVENT}test_a_refused_key_needs_its_owner_and_its_kid",),
    ),
    Rule(
        "event: a position is bounded",
        _MODULE,
        "if not 0 < len(position) <= MAX_POSITION:",
        "if not position:",
        (f"{_EVENT}test_a_position_is_all_that_a_reaping_can_be_asked_for",),
    ),
    Rule(
        "event: what may not be done is dropped",
        _MODULE,
        "                log_dropped_event(name, event_id, problem)\n",
        "                raise\n",
        (f"{_EVENT}test_what_may_not_be_done_is_dropped_with_a_line_and_not_tried_for_ever",),
    ),
    Rule(
        "event: what failed is tried again",
        _MODULE,
        "                log_failed_event(name, event_id, problem)\n                raise\n",
        "                log_failed_event(name, event_id, problem)\n",
        (f"{_EVENT}test_what_failed_is_raised_so_that_lambda_tries_it_again",),
    ),
    Rule(
        "event: a defect's message is kept nowhere",
        _MODULE,
        'raise RuntimeError(f"a defect: {type(error).__name__}") from None',
        "raise",
        (f"{_EVENT}test_a_defect_fails_too_but_nothing_that_it_holds_is_kept_anywhere",),
    ),
    Rule(
        "bus: each entry is judged by its own answer",
        _BUS,
        'if "EventId" not in outcome',
        "if False",
        (f"{_EVENTBRIDGE}test_what_failed_alone_is_sent_once_more",),
    ),
    Rule(
        "bus: an announcement fails nothing",
        _BUS,
        "        except Unavailable as problem:\n",
        "        except ZeroDivisionError as problem:\n",
        (f"{_EVENTBRIDGE}test_an_announcement_that_fails_is_a_warning_and_never_an_error",),
    ),
)
