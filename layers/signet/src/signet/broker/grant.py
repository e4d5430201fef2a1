"""A grant: what a finished login gave to one client, first as a code, then behind its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.record_key import record_key
from signet.errors import Rejected
from signet.oauth import pkce

MAX_CODE_LIFETIME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshFamily:
    """What is stored of a grant's refresh tokens, as hashes; times are unix seconds.

    `family` is what all of them share, `current` the one that is good; `expires_at` is the end of
    them all, `idle_until` that of the current one.
    """

    family: str
    current: str
    expires_at: int
    idle_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What is stored of a grant; times are unix seconds.

    `login` holds `auth_time`, `acr`, `amr` and `connection`; `profile` the mapped claims; `sid`
    names the session in which it was given. `id_token_claims` and `userinfo_claims` were asked for
    by name [OIDC Core 5.5]. `dpop_jkt` is the thumbprint of the key that the code is bound to, if
    it is to one [RFC 9449 10], and, once it is redeemed, of the key that was proved with it [5].
    """

    id: str
    client_id: str
    connection_id: str
    redirect_uri: str
    code_challenge: str
    nonce: str | None
    scope: tuple[str, ...]
    subject: str
    login: Mapping[str, object]
    profile: Mapping[str, object]
    issued_at: int
    code_expires_at: int
    id_token_claims: tuple[str, ...] = ()
    userinfo_claims: tuple[str, ...] = ()
    dpop_jkt: str | None = None
    redeemed_by: str | None = None
    revoked: bool = False
    refresh: RefreshFamily | None = None
    sid: str | None = None


def grant_id(code: str, *, issuer: str, client_id: str) -> str:
    """Return the id under which a client's code is stored; the code itself is stored nowhere."""
    return record_key("CODE", issuer, client_id, code)


def check_unused(grant: Grant) -> None:
    """Refuse a code that was redeemed before, or whose grant was ended [RFC 6749 4.1.2]."""
    if grant.redeemed_by is not None or grant.revoked:
        raise invalid_grant("the code was used before")


def check_expiry(grant: Grant, *, now: int) -> None:
    """Judge a code by its own expiry."""
    if now >= grant.code_expires_at:
        raise invalid_grant("the code expired")


def check_redirect_uri(grant: Grant, *, redirect_uri: str) -> None:
    """Demand the redirect URI of the authorization request [RFC 6749 4.1.3]."""
    if redirect_uri != grant.redirect_uri:
        raise invalid_grant("redirect_uri is another one")


def check_verifier(grant: Grant, *, code_verifier: str) -> None:
    """Demand the verifier of the challenge [RFC 7636 4.6]."""
    if not pkce.matches(verifier=code_verifier, challenge=grant.code_challenge):
        raise invalid_grant("code_verifier does not match")


def check_key(grant: Grant, *, jkt: str | None) -> None:
    """Demand a proof of the key that the code is bound to [RFC 9449 10; OP-048]."""
    if grant.dpop_jkt is not None and jkt != grant.dpop_jkt:
        raise invalid_grant("the DPoP proof is absent or of another key")


def invalid_grant(private: str) -> Rejected:
    """Make the one answer to every code that does not hold [RFC 6749 5.2]."""
    return Rejected("invalid_grant", "The code is not valid.", private=private)
