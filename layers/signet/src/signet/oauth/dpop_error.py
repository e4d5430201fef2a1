"""What is answered to a DPoP proof that does not hold [RFC 9449 5, 7.1, 8].

Apart from the checks, because every function shows errors and few need a JWT library.
"""

from signet.errors import Rejected

INVALID_PROOF = "invalid_dpop_proof"
USE_NONCE = "use_dpop_nonce"


class UseDpopNonce(Rejected):
    """The proof needs `nonce`, which the answer gives in the header DPoP-Nonce [RFC 9449 8]."""

    def __init__(self, nonce: str) -> None:
        super().__init__(USE_NONCE, "The DPoP proof has to carry the nonce that is given here.")
        self.nonce = nonce


def invalid_proof(private: str) -> Rejected:
    """Make the one answer to every proof that does not hold [RFC 9449 5]."""
    return Rejected(INVALID_PROOF, "The DPoP proof is not valid.", private=private)
