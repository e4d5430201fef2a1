"""A pushed authorization request: one client's, for a short time, until one login completes."""

from dataclasses import dataclass

from signet.broker.record_key import record_key
from signet.errors import Rejected
from signet.oauth.authorization_request import AuthorizationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """What is stored of a pushed request; `expires_at` in unix seconds.

    `used_by` names the completed login that used it up. The reference that the browser carries is
    in the id as a hash: whoever reads the table can start nothing.
    """

    id: str
    request: AuthorizationRequest
    expires_at: int
    used_by: str | None = None


def pushed_request_id(reference: str, *, issuer: str, client_id: str) -> str:
    """Return the id under which a client's request is stored.

    The client is part of it: with another client's id there is no such request [RFC 9126 2.2].
    """
    return record_key("PAR", issuer, client_id, reference)


def require_usable(pushed: PushedRequest | None, *, now: int) -> PushedRequest:
    """Demand a request that is there, that no login completed with, and that is not too old.

    It may be opened as often as somebody reloads the page: a login uses it up by completing, not
    by beginning [RFC 9126 7.3].

    Raises:
        Rejected: `invalid_request_uri`; shown on a page, never redirected.
    """
    if pushed is None:
        raise _unusable("there is no such pushed request of this client")
    check_unused(pushed)
    check_expiry(pushed, now=now)
    return pushed


def check_unused(pushed: PushedRequest) -> None:
    """No login was completed with it before."""
    if pushed.used_by is not None:
        raise _unusable("the pushed request was used before")


def check_expiry(pushed: PushedRequest, *, now: int) -> None:
    """Its own expiry decides; DynamoDB deletes days late."""
    if now >= pushed.expires_at:
        raise _unusable("the pushed request expired")


def used_meanwhile() -> Rejected:
    """Make the error of a login that another login with the same request overtook."""
    return Rejected(
        "invalid_request_uri", "Another sign-in was completed with this request.", redirectable=True
    )


def _unusable(private: str) -> Rejected:
    return Rejected(
        "invalid_request_uri",
        "This sign-in link is not valid any more. Please start again from the application.",
        private=private,
    )
