"""Take an application's authorization request at /par [RFC 9126]."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from signet.broker.application_request import choose_connection, read_request
from signet.broker.attempt import attempt, required
from signet.broker.client import Client
from signet.broker.client_authentication import ClientAuthentication, VerifiedClient
from signet.broker.ports import Clock, Connections, Entropy, PushedRequests, Together
from signet.broker.proofs import Proofs
from signet.broker.pushed_request import PushedRequest, pushed_request_id
from signet.broker.request_objects import RequestObjects
from signet.errors import Rejected, SignetError
from signet.oauth.authorization_request import AuthorizationRequest
from signet.oauth.dpop import CheckedProof
from signet.oauth.request_uri import LIFETIME_SECONDS, request_uri_of

AUTHENTICATION = frozenset({"client_assertion", "client_assertion_type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """The use case behind /par; one wait: each `jti` is used up beside the record's write."""

    issuer: str
    authentication: ClientAuthentication
    proofs: Proofs
    connections: Connections
    pushed_requests: PushedRequests
    request_objects: RequestObjects
    clock: Clock
    entropy: Entropy
    together: Together

    def __call__(
        self,
        parameters: Mapping[str, str],
        *,
        authorization: str | None,
        dpop: str | None = None,
    ) -> dict[str, object]:
        """Authenticate the client, check the whole request, and return its request_uri [2.2].

        Raises:
            Denied: `invalid_client`. Rejected: what /authorize would answer [2.3],
                `invalid_dpop_proof`, `use_dpop_nonce`.
            Unavailable: nothing was given out.
        """
        verified = self.authentication.verify(
            parameters, authorization=authorization, endpoint=f"{self.issuer}/par"
        )
        request = attempt(lambda: self._request(parameters, verified.client))
        # Before anything is used up: a client that is given a nonce comes again.
        request, proof = self._bound(request, verified.client, dpop)
        reference = self.entropy.token()
        # A record whose `jti` turns out to be used is nobody's: its reference is never told.
        self.together(
            lambda: self._use_up(verified, proof),
            lambda: attempt(lambda: self._keep(reference, required(request))),
        )
        required(request)
        return {"request_uri": request_uri_of(reference), "expires_in": LIFETIME_SECONDS}

    def _request(self, parameters: Mapping[str, str], client: Client) -> AuthorizationRequest:
        _check_no_reference(parameters)
        asked = self.request_objects.read(parameters, client)
        _check_same(parameters, asked)
        redirect_uri = _redirect_uri(asked, client)
        request = read_request(asked, client=client, redirect_uri=redirect_uri)
        choose_connection(self.connections, request, client)
        return request

    def _bound(
        self, request: AuthorizationRequest | SignetError, client: Client, dpop: str | None
    ) -> tuple[AuthorizationRequest | SignetError, CheckedProof | None]:
        """Bind the code to the key that is proved here, as if by dpop_jkt [RFC 9449 10.1]."""
        if isinstance(request, SignetError):
            return request, self.proofs.check_dpop_at_par(dpop, client, dpop_jkt=None)
        proof = self.proofs.check_dpop_at_par(dpop, client, dpop_jkt=request.dpop_jkt)
        return (request if proof is None else replace(request, dpop_jkt=proof.jkt)), proof

    def _use_up(self, verified: VerifiedClient, proof: CheckedProof | None) -> None:
        self.together(
            lambda: self.authentication.use_up(verified), lambda: self.proofs.use_up(proof)
        )

    def _keep(self, reference: str, request: AuthorizationRequest) -> None:
        pushed = PushedRequest(
            id=pushed_request_id(reference, issuer=self.issuer, client_id=request.client_id),
            request=request,
            expires_at=self.clock.now() + LIFETIME_SECONDS,
        )
        self.pushed_requests.add(pushed)


def _check_no_reference(parameters: Mapping[str, str]) -> None:
    """A pushed request holds the request itself, not the address of another one [2.1]."""
    if "request_uri" in parameters:
        raise Rejected("invalid_request", "request_uri must not be in a pushed request.")


def _check_same(parameters: Mapping[str, str], asked: Mapping[str, str]) -> None:
    """What stands beside a request object says the same as it, or there are two requests [3]."""
    beside = parameters.keys() - AUTHENTICATION - {"request"}
    if any(parameters[name] != asked.get(name) for name in beside):
        raise Rejected("invalid_request", "A parameter is not the request object's.")


def _redirect_uri(parameters: Mapping[str, str], client: Client) -> str:
    """Demand a registered redirect URI, byte for byte; clients understand OAuth's code alone."""
    redirect_uri = parameters.get("redirect_uri")
    if redirect_uri is None or redirect_uri not in client.redirect_uris:
        raise Rejected("invalid_request", "redirect_uri is absent or not a registered one.")
    return redirect_uri
