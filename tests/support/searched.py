"""Run a stack whose log is searched, at its end, for everything that travelled until then."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.stack import Stack
from tests.support.travelled import Travelled


@contextmanager
def searched(stack: Stack, travelled: Travelled) -> Iterator[Stack]:
    """Run a stack, and fail whoever ran it when its log holds what was for others alone."""
    with stack:
        yield stack
        stack.stop()
        found = travelled.found_in(stack.log_text())
    assert not found, f"in the log of {stack.issuer}: {found}"
