"""Authenticate an application by its client assertion [RFC 7523; OIDC Core 9]."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.ports import Clients, Clock, Replay
from signet.broker.record_key import record_key
from signet.broker.remote_keys import RemoteKeys
from signet.errors import Denied, Rejected
from signet.jose.jwks import Jwks
from signet.jose.jws import SignedClaims, read_unverified, verify
from signet.oauth.client_assertion import (
    TYPES,
    AssertionPolicy,
    CheckedAssertion,
    check_assertion,
    invalid_client,
)
from signet.oauth.token_request import ClientCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedClient:
    """A client whose assertion holds, and whose `jti` still has to be used up."""

    client: Client
    assertion: CheckedAssertion


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuthentication:
    """Verify first, use the `jti` up after: a forged assertion can burn nobody's `jti`."""

    issuer: str
    clients: Clients
    keys: RemoteKeys
    replay: Replay
    clock: Clock

    def verify(
        self, parameters: Mapping[str, str], *, authorization: str | None, endpoint: str
    ) -> VerifiedClient:
        """Check signature, audience and times, in that order.

        Every failure reads the same to the caller, an unknown client's too (OP-034).

        Args:
            parameters: the form body.
            authorization: the header of that name, which must not be there.
            endpoint: the address that was called.

        Raises:
            Denied: `invalid_client`. Unavailable: a store or the client's JWKS is.
        """
        credentials = ClientCredentials.parse(parameters, authorization=authorization)
        client = self._named_client(credentials)
        verified = self._verified(credentials.unverified_assertion, client)
        policy = AssertionPolicy(
            client_id=client.client_id,
            audiences=self._audiences(client, endpoint),
            now=self.clock.now(),
        )
        return VerifiedClient(client=client, assertion=check_assertion(verified, policy))

    def use_up(self, verified: VerifiedClient) -> None:
        """Use the assertion's `jti` up, so that it authenticates once [RFC 7523 3 (7)].

        Raises:
            Denied: `invalid_client`: it was used before. Unavailable: refuse, do not guess.
        """
        key = record_key("JTI", self.issuer, verified.client.client_id, verified.assertion.jti)
        if not self.replay.use(key, expires_at=verified.assertion.replay_until):
            raise invalid_client("the assertion was used before")

    def _named_client(self, credentials: ClientCredentials) -> Client:
        try:
            unverified = read_unverified(credentials.unverified_assertion)
        except (Denied, Rejected) as error:
            raise invalid_client("the assertion cannot be read") from error
        client_id = unverified.claims.get("iss")
        if not isinstance(client_id, str) or credentials.client_id not in {None, client_id}:
            raise invalid_client("client_id is not the assertion's issuer")
        client = self.clients.get(client_id)
        if client is None or not client.enabled:
            raise invalid_client("the client is unknown or disabled")
        return client

    def _verified(self, assertion: str, client: Client) -> SignedClaims:
        try:
            if client.jwks_uri is not None:
                return self.keys.verify(
                    assertion,
                    url=client.jwks_uri,
                    alg=client.assertion_alg,
                    types=TYPES,
                    bulkhead=f"client/{client.client_id}",
                )
            keys = Jwks.parse_registered(client.jwks or {})
            return verify(assertion, keys=keys, alg=client.assertion_alg, types=TYPES)
        except (Denied, Rejected) as error:
            raise invalid_client(f"the assertion's signature: {error.code}") from error

    def _audiences(self, client: Client, endpoint: str) -> frozenset[str]:
        if client.assertion_audience == "token_endpoint_compat":
            return frozenset({self.issuer, f"{self.issuer}/token", endpoint})
        return frozenset({self.issuer})
