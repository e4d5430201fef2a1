"""A connection: one identity provider, as an administrator registered it (contract, section 4)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from signet.broker.document import DISPLAYABLE, DocumentReader
from signet.jose.algorithms import ALGORITHMS
from signet.oauth.assertion_profile import MAX_LIFETIME_UPSTREAM, AssertionProfile

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
STRATEGIES = frozenset({"oidc"})
"""Provider profiles (okta, entra, …) add theirs here."""
KEY_HEADERS = frozenset({"kid"})
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")

RESERVED_PARAMETERS = frozenset({
    "client_id", "redirect_uri", "response_type", "state", "nonce", "code_challenge",
    "code_challenge_method", "request", "request_uri", "client_assertion",
    "client_assertion_type", "client_secret", "scope", "code", "grant_type", "code_verifier",
})  # fmt: skip
RESERVED_CLAIMS = frozenset({
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "azp", "at_hash", "c_hash", "s_hash",
    "auth_time", "acr", "amr", "cnf", "sid", "client_id", "scope", "connection", "connection_id",
    "org_id", "events", "typ", "grant_id",
})  # fmt: skip
"""Claims that no mapping may write (CVE-2024-29892)."""

DEFAULT_CLAIMS = (
    "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username",
    "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    "email", "email_verified", "phone_number", "phone_number_verified", "address",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionSettings:
    """How assertions look; `audience` is `issuer`, `token_endpoint` or a URL."""

    audience: str = "issuer"
    lifetime_seconds: int = MAX_LIFETIME_UPSTREAM
    typ: str | None = "client-authentication+jwt"
    key_headers: tuple[str, ...] = ("kid",)
    extra_claims: Mapping[str, object] = field(default_factory=dict)
    extra_headers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What is stored of a connection; times are unix seconds."""

    id: str
    name: str
    display_name: str
    strategy: str
    issuer: str
    client_id: str
    enabled: bool
    scopes: tuple[str, ...]
    signing_alg: str
    id_token_alg: str
    assertion: AssertionSettings
    key_registration: str
    claims_map: Mapping[str, str]
    upstream_params: Mapping[str, str]
    domains: tuple[str, ...]
    created_at: int
    updated_at: int

    @classmethod
    def parse(cls, document: Mapping[str, object], *, connection_id: str, now: int) -> "Connection":
        """Read what an administrator sent, filling in defaults.

        Raises:
            Rejected: `invalid_connection`, with the member's name and what it has to be.
        """
        reader = DocumentReader(document, kind="connection")
        name = reader.text("name", pattern=NAME)
        connection = cls(
            id=connection_id,
            name=name,
            display_name=reader.text("display_name", default=name, pattern=DISPLAYABLE),
            strategy=reader.choice("strategy", STRATEGIES),
            issuer=reader.text("issuer"),
            client_id=reader.text("client_id"),
            enabled=reader.flag("enabled", default=True),
            scopes=_scopes(reader),
            signing_alg=reader.choice(
                "token_endpoint_auth_signing_alg", ALGORITHMS.keys(), default="RS256"
            ),
            id_token_alg=reader.choice(
                "id_token_signed_response_alg", ALGORITHMS.keys(), default="RS256"
            ),
            assertion=_assertion(reader.nested("assertion")),
            key_registration=reader.choice(
                "key_registration", {"jwks_uri", "manual"}, default="jwks_uri"
            ),
            claims_map=_claims_map(reader.nested("claims_map")),
            upstream_params=_upstream_params(reader.nested("upstream_params")),
            domains=reader.texts("domains"),
            created_at=now,
            updated_at=now,
        )
        reader.choice("token_endpoint_auth_method", {"private_key_jwt"}, default="private_key_jwt")
        reader.refuse_unknown()
        return connection

    def redirect_uri(self, issuer: str) -> str:
        """Return this connection's own callback address; `issuer` is Signet's."""
        return f"{issuer}/connections/{self.id}/callback"

    def jwks_uri(self, issuer: str) -> str:
        """Return where this connection's public keys are; `issuer` is Signet's."""
        return f"{issuer}/connections/{self.id}/jwks.json"

    def assertion_profile(self, *, token_endpoint: str) -> AssertionProfile:
        """Settle the one audience string of this connection's assertions."""
        audience = {"issuer": self.issuer, "token_endpoint": token_endpoint}.get(
            self.assertion.audience, self.assertion.audience
        )
        return AssertionProfile(
            client_id=self.client_id,
            audience=audience,
            lifetime_seconds=self.assertion.lifetime_seconds,
            typ=self.assertion.typ,
            extra_claims=self.assertion.extra_claims,
            extra_headers=self.assertion.extra_headers,
        )


def _scopes(reader: DocumentReader) -> tuple[str, ...]:
    scopes = reader.texts("scopes", default=("openid", "profile", "email"), pattern=_SCOPE)
    if "openid" not in scopes:
        raise reader.refused("scopes", "contain openid")
    return scopes


def _assertion(reader: DocumentReader) -> AssertionSettings:
    audience = reader.text("audience", default="issuer")
    if audience not in {"issuer", "token_endpoint"} and not audience.startswith("https://"):
        raise reader.refused("audience", "be issuer, token_endpoint or a URL")
    settings = AssertionSettings(
        audience=audience,
        lifetime_seconds=reader.number(
            "lifetime_seconds", default=60, low=10, high=MAX_LIFETIME_UPSTREAM
        ),
        typ=reader.optional(
            "typ", {"JWT", "client-authentication+jwt"}, default="client-authentication+jwt"
        ),
        key_headers=reader.texts("key_headers", default=("kid",), allowed=KEY_HEADERS),
        extra_claims=reader.members("extra_claims"),
        extra_headers=reader.members("extra_headers"),
    )
    reader.refuse_unknown()
    return settings


def _claims_map(reader: DocumentReader) -> dict[str, str]:
    mapped = reader.all_texts()
    for claim in mapped:
        if claim in RESERVED_CLAIMS:
            raise reader.refused(claim, "not be mapped: it is the protocol's own claim")
    return mapped


def _upstream_params(reader: DocumentReader) -> dict[str, str]:
    parameters = reader.all_texts()
    for name in parameters:
        if name in RESERVED_PARAMETERS:
            raise reader.refused(name, "not be set: it is the protocol's own parameter")
    return parameters
