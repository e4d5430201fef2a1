"""The registration sheet: all that a provider's administrator has to enter (contract, section 4).

Nothing of it is secret: public keys, addresses, and how our requests will look.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from signet.broker.certification import certificate_pem
from signet.broker.connection import Connection
from signet.broker.keyring import Keyring, PublishedKey
from signet.broker.profiles.registry import profile_of
from signet.jose.jwk import PublicJwk
from signet.oauth import pkce
from signet.oidc.discovery import AUTH_METHOD


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetCertificate:
    """An X.509 certificate of a key; thumbprints as consoles show them: upper-case hexadecimal."""

    pem: str
    thumbprint_sha1: str
    thumbprint_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetKey:
    """One key that may sign: `state` is next, current or previous."""

    kid: str
    state: str
    alg: str
    jwk: Mapping[str, str]
    public_key_pem: str
    certificate: SheetCertificate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetAssertion:
    """How our client assertions look; `audience` is `token_endpoint` where metadata tell it."""

    audience: str
    lifetime_seconds: int
    typ: str | None
    key_headers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationSheet:
    """What to enter at the provider, and how, in its own console's words.

    `key_form` is what it takes of our keys (`jwks_uri`, `jwks`, `public_key`, `certificate`);
    where that is no address, `keys_by_hand` says that each new key has to be entered before it
    signs.
    """

    provider: str
    strategy: str
    connection_id: str
    display_name: str
    issuer: str
    client_id: str
    redirect_uri: str
    post_logout_redirect_uri: str
    backchannel_logout_uri: str
    jwks_uri: str
    token_endpoint_auth_method: str
    token_endpoint_auth_signing_alg: str
    id_token_signed_response_alg: str
    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]
    response_types: tuple[str, ...]
    response_mode: str
    code_challenge_method: str
    pushed_authorization: str
    key_form: str
    keys_by_hand: bool
    assertion: SheetAssertion
    keys: tuple[SheetKey, ...]
    steps: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Write the sheet as a JSON document."""
        return {name: _listed(value) for name, value in asdict(self).items()}


def registration_sheet(
    connection: Connection,
    keyring: Keyring,
    *,
    issuer: str,
) -> RegistrationSheet:
    """Write the sheet of a connection.

    Args:
        connection: the one to register.
        keyring: its keys.
        issuer: Signet's own, that every address is built from.
    """
    profile = profile_of(connection.strategy)
    values = {
        "redirect_uri": connection.redirect_uri(issuer),
        "jwks_uri": connection.jwks_uri(issuer),
        "client_id": connection.client_id,
        "alg": connection.signing_alg,
        "scopes": ", ".join(connection.scopes),
        "issuer": connection.issuer,
    }
    by_hand = connection.key_registration == "manual"
    takes_address = profile.key_form == "jwks_uri"
    return RegistrationSheet(
        provider=profile.title,
        strategy=connection.strategy,
        connection_id=connection.id,
        display_name=connection.display_name,
        issuer=connection.issuer,
        client_id=connection.client_id,
        redirect_uri=values["redirect_uri"],
        post_logout_redirect_uri=connection.post_logout_redirect_uri(issuer),
        backchannel_logout_uri=connection.backchannel_logout_uri(issuer),
        jwks_uri=values["jwks_uri"],
        token_endpoint_auth_method=AUTH_METHOD,
        token_endpoint_auth_signing_alg=connection.signing_alg,
        id_token_signed_response_alg=connection.id_token_alg,
        scopes=connection.scopes,
        grant_types=("authorization_code",),
        response_types=("code",),
        response_mode=connection.response_mode,
        code_challenge_method=pkce.METHOD,
        pushed_authorization=connection.pushed_authorization,
        key_form="jwks" if by_hand and takes_address else profile.key_form,
        keys_by_hand=by_hand,
        assertion=SheetAssertion(
            audience=_audience(connection),
            lifetime_seconds=connection.assertion.lifetime_seconds,
            typ=connection.assertion.typ,
            key_headers=connection.assertion.key_headers,
        ),
        keys=_keys(keyring),
        steps=tuple(step.format(**values) for step in profile.steps),
    )


def _audience(connection: Connection) -> str:
    if connection.assertion.audience == "issuer":
        return connection.issuer
    if connection.assertion.audience != "token_endpoint":
        return connection.assertion.audience
    pinned = connection.endpoints
    return pinned.token_endpoint if pinned is not None else connection.assertion.audience


def _keys(keyring: Keyring) -> tuple[SheetKey, ...]:
    """Write the keys, the one that signs first."""
    states = {"current": keyring.current, "next": keyring.next, "previous": keyring.previous}
    return tuple(_key(key, state) for state, key in states.items() if key is not None)


def _key(key: PublishedKey, state: str) -> SheetKey:
    return SheetKey(
        kid=key.kid,
        state=state,
        alg=key.alg,
        jwk=dict(key.jwk),
        public_key_pem=PublicJwk.parse(key.jwk).as_pem(),
        certificate=_certificate(key.certificate) if key.certificate is not None else None,
    )


def _certificate(certificate: str) -> SheetCertificate:
    der = base64.b64decode(certificate)
    return SheetCertificate(
        pem=certificate_pem(certificate),
        # A name to find it by in a console, as X.509 thumbprints have been [RFC 7515 4.1.7].
        thumbprint_sha1=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        thumbprint_sha256=hashlib.sha256(der).hexdigest().upper(),
    )


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
