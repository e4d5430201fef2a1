"""What a protected resource asks for when it lets nobody in [RFC 6750 3; RFC 9449 7.1, 7.2]."""

from collections.abc import Mapping

from signet.errors import SignetError
from signet.jose.algorithms import PROOF_ALGORITHMS
from signet.oauth.dpop_error import UseDpopNonce
from signet.web.request import Request

_ALGS = f'algs="{" ".join(PROOF_ALGORITHMS)}"'


def challenge(code: str, problem: SignetError, request: Request) -> dict[str, str]:
    """Name both schemes; what is wrong stands at the one that was used, and a nonce beside it.

    Without any token it is said what is asked for, and no more [RFC 6750 3.1].
    """
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    wrong = f'error="{code}", error_description="{problem.public}"'
    if not scheme:
        value = f"Bearer, DPoP {_ALGS}"
    elif scheme == "dpop":
        value = f"DPoP {wrong}, {_ALGS}"
    else:
        value = f"Bearer {wrong}, DPoP {_ALGS}"
    return {"www-authenticate": value, **nonce_header(problem)}


def nonce_header(problem: SignetError) -> Mapping[str, str]:
    """Give the nonce that a proof has to carry, which no cache may keep [RFC 9449 8.2]."""
    if not isinstance(problem, UseDpopNonce):
        return {}
    return {"dpop-nonce": problem.nonce}
