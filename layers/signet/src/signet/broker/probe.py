"""Ask a provider whether it knows a key that does not sign yet (step 5 of the rotation)."""

from dataclasses import dataclass

from signet.broker.client_verdict import verdict
from signet.broker.connection import Connection
from signet.broker.keyring import Keyring, PublishedKey
from signet.broker.ports import Entropy, Fetcher, Notices
from signet.broker.profiles.registry import profile_of
from signet.broker.provider import Provider
from signet.broker.rotation import TIME_ALONE, UNREACHABLE, Evidence
from signet.errors import Misconfigured, Rejected, SignetError, Unavailable
from signet.oauth.provider_token import build_token_request


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderProbe:
    """A token request with a made-up code, signed by the key in question; `issuer` is Signet's."""

    issuer: str
    provider: Provider
    fetcher: Fetcher
    entropy: Entropy
    notices: Notices

    def __call__(self, connection: Connection, keyring: Keyring, key: PublishedKey) -> str:
        """Return what the provider said of the key: one of the results in `rotation`.

        Raises:
            Misconfigured: the owner was removed, or KMS's key cannot be used.
            Unavailable: KMS is, or the audit.
        """
        try:
            metadata = self.provider.metadata(connection)
        except (Unavailable, Rejected, Misconfigured) as problem:
            # Whether they are not there or of no use: nobody could be asked.
            return self._unreachable(connection, problem)
        authentication = self.provider.authenticate(connection, keyring, metadata, key=key)
        self.provider.record(authentication, used=True)
        request = build_token_request(
            metadata.token_endpoint,
            code=self.entropy.token(),
            redirect_uri=connection.redirect_uri(self.issuer),
            code_verifier=self.entropy.token(),
            authentication=authentication.parameters,
            headers=connection.request_headers,
        )
        try:
            return verdict(self.fetcher.fetch(request, bulkhead=f"rotation/{connection.id}"))
        except (Unavailable, Rejected) as problem:
            return self._unreachable(connection, problem)

    def _unreachable(self, connection: Connection, problem: SignetError) -> str:
        """Tell operators why; the result alone is kept, and shown to whoever may read keys."""
        self.notices.warn(
            "probe_unreachable",
            connection_id=connection.id,
            reason=problem.private or problem.public,
        )
        return UNREACHABLE


def evidence_for(connection: Connection | None) -> Evidence:
    """Return what a promotion needs beside time; None stands for the issuer's own keys."""
    if connection is None:
        return TIME_ALONE
    return Evidence(
        probe=profile_of(connection.strategy).probe,
        word=connection.key_registration == "manual",
    )
