"""Agree to a provider's endpoints: fetch its metadata now, judge them, and pin them."""

from dataclasses import dataclass, replace

from signet.broker.connection import Connection
from signet.broker.pinning import pin
from signet.broker.ports import Clock, Fetcher
from signet.errors import Misconfigured, Rejected, Unavailable
from signet.jose import strict_json
from signet.oauth.http_message import HttpRequest
from signet.oidc.discovery import ProviderMetadata, discovery_url

_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Reads metadata for administrators, past every memory, in a bulkhead of its own."""

    fetcher: Fetcher
    clock: Clock

    def document(self, connection: Connection) -> dict[str, strict_json.JsonValue]:
        """Fetch a provider's metadata as they are now.

        Raises:
            Unavailable: no answer; one text for every reason.
            Rejected: `provider_metadata`: the answer is no JSON object without duplicates.
        """
        request = HttpRequest(
            method="GET",
            url=discovery_url(connection.issuer),
            headers=connection.request_headers,
        )
        answer = self.fetcher.fetch(request, bulkhead=f"administrator/{connection.id}")
        if answer.status != _OK:
            raise Unavailable(
                "destination_unavailable",
                "The identity provider is not available now.",
                private=f"discovery answered {answer.status}",
            )
        try:
            return strict_json.loads_object(answer.body)
        except Rejected as error:
            raise refused("the document is no JSON object without duplicates") from error

    def pinned(self, connection: Connection) -> Connection:
        """Return the connection with its provider's endpoints of now.

        Raises:
            Unavailable: no answer.
            Rejected: `provider_metadata`, saying what is wrong with the document.
        """
        document = self.document(connection)
        try:
            metadata = ProviderMetadata.read(document, issuer=connection.issuer)
        except Misconfigured as error:
            raise refused(error.private) from error
        return replace(connection, endpoints=pin(metadata, now=self.clock.now()))

    def pinned_if_reachable(self, connection: Connection) -> Connection:
        """Pin where the provider answers; one that does not may come up later.

        Raises:
            Rejected: `provider_metadata`: it answers, and cannot be used.
        """
        try:
            return self.pinned(connection)
        except Unavailable:
            return connection


def refused(reason: str) -> Rejected:
    """Refuse a document; what it says is public, so the reason may be."""
    return Rejected("provider_metadata", f"The provider's metadata cannot be used: {reason}.")
