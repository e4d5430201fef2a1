"""Verify with keys that somebody else publishes, refetching once when a key is not known."""

from collections.abc import Mapping

from signet.broker.ports import Clock, Fetcher
from signet.broker.remote_document import NO_HEADERS, RemoteDocuments
from signet.errors import Rejected, Unavailable
from signet.jose import strict_json
from signet.jose.jwks import Jwks
from signet.jose.jws import SignedClaims, UnknownKey, verify
from signet.oauth.http_message import HttpAnswer


class RemoteKeys:
    """JWK Sets by address: providers' for ID tokens, clients' for their assertions."""

    def __init__(self, *, fetcher: Fetcher, clock: Clock) -> None:
        self._sets = RemoteDocuments(fetcher=fetcher, clock=clock, read=_read)

    def load(self, url: str, *, bulkhead: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """Have the set in memory, so that a later verification need not wait for it."""
        self._sets.get(url, bulkhead=bulkhead, headers=headers)

    def verify(
        self,
        token: str,
        *,
        url: str,
        alg: str,
        types: frozenset[str | None],
        bulkhead: str,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> SignedClaims:
        """Verify a token under the set at `url`, which is asked for with `headers`.

        Raises:
            Denied: `invalid_token`, or `unknown_key` also after a refetch.
            Unavailable: the set cannot be had.
        """
        keys = self._sets.get(url, bulkhead=bulkhead, headers=headers)
        try:
            return verify(token, keys=keys, alg=alg, types=types)
        except UnknownKey:
            refetched = self._sets.refetch(url, bulkhead=bulkhead, headers=headers)
            if refetched is None:
                raise
            return verify(token, keys=refetched, alg=alg, types=types)


def _read(answer: HttpAnswer, url: str) -> Jwks:
    del url
    try:
        return Jwks.read(strict_json.loads_object(answer.body))
    except Rejected as error:
        raise Unavailable(
            "destination_unavailable",
            "The identity provider is not available now.",
            private="a JWK Set has no usable key",
        ) from error
