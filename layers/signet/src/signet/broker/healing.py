"""Carry a login on when a provider does not know the new key: once, with the key before.

A provider that refused the client did not look at the code, so that the code is not spent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from signet.broker.client_verdict import let_in
from signet.broker.connection import Connection
from signet.broker.event import SYSTEM, Event
from signet.broker.keyring import Keyring
from signet.broker.ports import Announcements, Clock
from signet.broker.provider import MAX_ATTEMPTS, Authentication, Provider
from signet.errors import Misconfigured, SignetError
from signet.oidc.discovery import ProviderMetadata

T = TypeVar("T")
Send = Callable[[Authentication, int], T]
"""Makes a request with an assertion, in so many HTTP attempts at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """Step 7 of the rotation protocol, as a login sees it."""

    provider: Provider
    announcements: Announcements
    clock: Clock

    def __call__(
        self,
        connection: Connection,
        metadata: ProviderMetadata,
        *,
        first: Authentication,
        send: Send[T],
    ) -> T:
        """Send with the current key; where the provider refuses it, once more with the previous.

        Raises:
            SignetError: the first attempt's, whatever the second one said.
        """
        try:
            return send(first, MAX_ATTEMPTS)
        except Misconfigured as problem:
            keyring = first.keyring
            previous = keyring.previous
            if previous is None or problem.code != "provider_refused_client":
                raise
            try:
                again = self.provider.authenticate(connection, keyring, metadata, key=previous)
                answer = send(again, 1)
            except SignetError as later:
                if let_in(later):
                    # The client is known by its previous key: it is the current one that is not.
                    self._tell(connection, keyring)
                raise problem from None
        self._tell(connection, keyring)
        return answer

    def _tell(self, connection: Connection, keyring: Keyring) -> None:
        refused = Event(
            type="KeyRefused",
            time=self.clock.now(),
            actor=SYSTEM,
            subject=connection.id,
            connection=connection.id,
            outcome="failure",
            kid=keyring.current.kid,
        )
        self.announcements.publish(refused)
