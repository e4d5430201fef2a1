"""Let something happen at one call of a port: a crash, a lost answer, or somebody else's work."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from signet.errors import Unavailable

T = TypeVar("T")
BEFORE = "before"
AFTER = "after"
MOMENTS = (BEFORE, AFTER)


class Crashed(Exception):  # noqa: N818  (what happened, and no error of Signet's)
    """The process is gone: nothing that it would have done afterwards is done."""


def crash() -> None:
    raise Crashed


def lose_the_answer() -> None:
    raise Unavailable("store_unavailable", "The service is not available now.")


class Interference:
    """Stands around ports, counts their calls, and acts once.

    `at` is the number of the call, or the name of its method; `moment` says on which side of it.
    What `act` raises, the caller of the port gets.
    """

    def __init__(self, at: int | str, moment: str, act: Callable[[], object]) -> None:
        self.happened = False
        self._at = at
        self._moment = moment
        self._act = act
        self._calls = 0

    def around(self, port: T) -> T:
        """Stand around a port, whose other attributes stay as they are."""
        return cast(T, _Port(port, self))

    def calling(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Stand around one function."""

        def call(*arguments: Any, **named: Any) -> Any:
            self._calls += 1
            its_turn = not self.happened and self._at in {self._calls, name}
            self.happened = self.happened or its_turn
            if its_turn and self._moment == BEFORE:
                self._act()
            result = function(*arguments, **named)
            if its_turn and self._moment == AFTER:
                self._act()
            return result

        return call


class _Port:
    def __init__(self, port: object, interference: Interference) -> None:
        self._port = port
        self._interference = interference

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._interference.calling(name, found) if callable(found) else found
