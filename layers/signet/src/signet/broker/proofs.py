"""DPoP proofs where Signet is asked with them: check first, use the `jti` up after [RFC 9449]."""

from dataclasses import dataclass

from signet.broker.client import Client
from signet.broker.ports import Clock, ProofNonces, Replay
from signet.broker.record_key import record_key
from signet.errors import Rejected
from signet.oauth.dpop import CheckedProof, ProofPolicy, check_proof
from signet.oauth.dpop_error import invalid_proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """Checks proofs against our configured addresses, and uses each one up once.

    Nothing is used up until everything else was checked: a refused request costs nobody a `jti`.
    """

    issuer: str
    replay: Replay
    nonces: ProofNonces
    clock: Clock

    def check_dpop_at_token(self, header: str | None, client: Client) -> CheckedProof | None:
        """Check a token request's proof; None where there is none and none is needed [5].

        Raises:
            Rejected: `invalid_dpop_proof`, `use_dpop_nonce`; `invalid_request` for a client whose
                tokens are always bound [5.2].
        """
        if header is not None:
            return self._check(header, client, method="POST", path="/token")
        if client.dpop_bound_access_tokens:
            raise Rejected("invalid_request", "This client has to send a DPoP proof.")
        return None

    def check_dpop_at_par(
        self, header: str | None, client: Client, *, dpop_jkt: str | None
    ) -> CheckedProof | None:
        """Check a pushed request's proof, to whose key the code will be bound [10.1].

        Raises:
            Rejected: as at /token; `invalid_request`: `dpop_jkt` names another key.
        """
        if header is None:
            return None
        proof = self._check(header, client, method="POST", path="/par")
        if dpop_jkt is not None and dpop_jkt != proof.jkt:
            raise Rejected("invalid_request", "dpop_jkt is not the key of the DPoP proof.")
        return proof

    def check_dpop_at_resource(
        self, header: str | None, client: Client, *, method: str, path: str, access_token: str
    ) -> CheckedProof:
        """Check the proof beside an access token that is shown with the scheme DPoP [7].

        Raises:
            Rejected: `invalid_dpop_proof` or `use_dpop_nonce`.
        """
        if header is None:
            raise invalid_proof("there is no DPoP header")
        return self._check(header, client, method=method, path=path, access_token=access_token)

    def use_up(self, proof: CheckedProof | None) -> None:
        """Use a proof's `jti` up, where there is a proof [11.1].

        The key's thumbprint is part of what is stored: nobody can use up another one's `jti`.

        Raises:
            Rejected: `invalid_dpop_proof`: it was used before. Unavailable: refuse, do not guess.
        """
        if proof is None:
            return
        key = record_key("DPOP", self.issuer, proof.jkt, proof.jti)
        if not self.replay.use(key, expires_at=proof.replay_until):
            raise invalid_proof("the proof was used before")

    def _check(
        self,
        header: str,
        client: Client,
        *,
        method: str,
        path: str,
        access_token: str | None = None,
    ) -> CheckedProof:
        policy = ProofPolicy(
            method=method,
            # Never from Host or X-Forwarded-Host, which whoever relays a request chooses (OP-049).
            uri=f"{self.issuer}{path}",
            now=self.clock.now(),
            access_token=access_token,
            nonces=self.nonces.valid() if client.dpop_nonce_required else (),
        )
        return check_proof(header, policy)
