"""A login that is at a provider now: one record, bound to one browser, used once."""

import hashlib
import hmac
from dataclasses import dataclass

from signet.broker.record_key import digest
from signet.errors import Rejected
from signet.oauth.authorization_request import AuthorizationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRecord:
    """What a callback needs to go on with a login; times are unix seconds.

    `state` and `browser` are held as hashes: whoever reads the table can finish nobody's login.
    `pushed_request` is the id of the request that this login uses up when it completes.
    """

    state_hash: str
    browser_hash: str
    connection_id: str
    issuer: str
    nonce: str
    code_verifier: str
    request: AuthorizationRequest
    started_at: int
    expires_at: int
    pushed_request: str | None = None


def hashed(value: str) -> str:
    """Return the form in which a state or a browser's cookie value is stored."""
    return digest(value.encode("utf-8"))


def cookie_name(state: str) -> str:
    """Name the cookie of one login, so that several tabs can log in at once.

    16 hex characters of the state's hash: enough to tell the tabs of one browser apart.
    """
    return f"signet-login-{hashlib.sha256(state.encode('utf-8')).hexdigest()[:16]}"


def check_connection(record: LoginRecord, *, connection_id: str, issuer: str) -> None:
    """The answer came to the connection that was asked [RFC 9700 4.4.2.2].

    Raises:
        Rejected: `wrong_connection`.
    """
    if record.connection_id != connection_id or record.issuer != issuer:
        raise Rejected(
            "wrong_connection", "This sign-in came back to the wrong place. Please start again."
        )


def check_browser(record: LoginRecord, *, browser: str | None) -> None:
    """The browser that comes back is the one that began (no session fixation).

    Raises:
        Rejected: `wrong_browser`.
    """
    found = hashed(browser) if browser is not None else ""
    if not hmac.compare_digest(found.encode(), record.browser_hash.encode()):
        raise Rejected(
            "wrong_browser",
            "This sign-in was started in another browser, or its cookie is gone. "
            "Please start again from the application.",
        )


def check_expiry(record: LoginRecord, *, now: int) -> None:
    """The record's own expiry decides; DynamoDB deletes days late.

    Raises:
        Rejected: `login_expired`.
    """
    if now >= record.expires_at:
        raise Rejected(
            "login_expired", "This sign-in took too long. Please start again from the application."
        )
