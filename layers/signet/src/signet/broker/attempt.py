"""Keep one of our errors as a value, where it has to wait for its turn.

Two calls run side by side, and the order in which their errors are looked at is a security rule.
"""

from collections.abc import Callable
from typing import TypeVar

from signet.errors import SignetError

T = TypeVar("T")


def attempt(call: Callable[[], T]) -> T | SignetError:
    """Return the call's result, or our error as a value; anything else is raised as ever."""
    try:
        return call()
    except SignetError as problem:
        return problem


def required(outcome: T | SignetError) -> T:
    """Return the result of an attempt, or raise its error now."""
    if isinstance(outcome, SignetError):
        raise outcome
    return outcome
