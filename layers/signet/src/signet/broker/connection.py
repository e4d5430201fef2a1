"""A connection: one identity provider, as an administrator registered it (contract, section 4)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from signet.broker.document import DISPLAYABLE, DocumentReader
from signet.broker.email_domain import normalized_domain
from signet.errors import Misconfigured, Rejected
from signet.jose.algorithms import ALGORITHMS
from signet.oauth.assertion_profile import MAX_LIFETIME_UPSTREAM, AssertionProfile

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
KEY_HEADERS = frozenset({"kid", "x5t", "x5t#S256", "x5c"})
RESPONSE_MODES = frozenset({"query", "form_post"})
PUSHED = frozenset({"auto", "required", "never"})
MAX_DOMAINS = 50
"""A connection and its domains are one transaction of at most 100 items."""
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_OWN_HEADERS = frozenset({
    "host", "authorization", "content-type", "content-length", "cookie", "accept-encoding",
    "connection", "transfer-encoding", "dpop",
})  # fmt: skip
_ORIGIN = re.compile(r"https?://[a-z0-9.:\[\]_-]+(?=/|$)")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")

RESERVED_PARAMETERS = frozenset({
    "client_id", "redirect_uri", "response_type", "state", "nonce", "code_challenge",
    "code_challenge_method", "response_mode", "request", "request_uri", "client_assertion",
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
    """How assertions look; `audience` is `issuer`, `token_endpoint` or a URL.

    `token_endpoint` is for providers that refuse the issuer [RFC 10070 warns of it]; it holds at
    the issuer's own host alone, and no other connection uses the key.
    """

    audience: str = "issuer"
    lifetime_seconds: int = MAX_LIFETIME_UPSTREAM
    typ: str | None = "client-authentication+jwt"
    key_headers: tuple[str, ...] = ("kid",)
    extra_claims: Mapping[str, object] = field(default_factory=dict)
    extra_headers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedEndpoints:
    """A provider's endpoints as an administrator last agreed to them; None where it has none.

    Metadata that name another origin are not followed until an administrator agrees again.
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    pushed_authorization_request_endpoint: str | None
    iss_parameter_supported: bool
    pinned_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What is stored of a connection; times are unix seconds.

    `pushed_authorization` is `auto` (where the provider has it), `required` or `never`;
    `response_mode` how the provider's answer comes; `request_headers` go with every request to
    the provider; `version` grows with every change, and is the ETag; `upstream_logout` sends who
    signs out here on to the provider's logout, where it has one.
    """

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
    request_headers: Mapping[str, str]
    pushed_authorization: str
    response_mode: str
    domains: tuple[str, ...]
    created_at: int
    updated_at: int
    version: int = 1
    endpoints: PinnedEndpoints | None = None
    upstream_logout: bool = False

    @classmethod
    def parse(cls, document: Mapping[str, object], *, connection_id: str, now: int) -> "Connection":
        """Read what an administrator sent, filling in the strategy's profile and our defaults.

        Raises:
            Rejected: `invalid_connection`, with the member's name and what it has to be.
        """
        # Imported here: profiles are read when a connection is written, and never at a login.
        from signet.broker.profiles.registry import profile_of  # noqa: PLC0415

        profile = profile_of(document.get("strategy"))
        reader = DocumentReader(profile.complete(document), kind="connection")
        name = reader.text("name", pattern=NAME)
        connection = cls(
            id=connection_id,
            name=name,
            display_name=reader.text("display_name", default=name, pattern=DISPLAYABLE),
            strategy=reader.text("strategy"),
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
            request_headers=_request_headers(reader.nested("request_headers")),
            pushed_authorization=reader.choice("pushed_authorization", PUSHED, default="auto"),
            response_mode=reader.choice("response_mode", RESPONSE_MODES, default="query"),
            domains=_domains(reader),
            created_at=now,
            updated_at=now,
            upstream_logout=reader.flag("upstream_logout", default=False),
        )
        reader.choice("token_endpoint_auth_method", {"private_key_jwt"}, default="private_key_jwt")
        reader.refuse_unknown()
        return connection

    def redirect_uri(self, issuer: str) -> str:
        """Return this connection's own callback address; `issuer` is Signet's."""
        return f"{issuer}/connections/{self.id}/callback"

    def backchannel_logout_uri(self, issuer: str) -> str:
        """Return where the provider may sign people out [Back-Channel Logout 1.0]."""
        return f"{issuer}/connections/{self.id}/backchannel-logout"

    @staticmethod
    def post_logout_redirect_uri(issuer: str) -> str:
        """Return where the provider's logout leads back to: one address for all connections."""
        return f"{issuer}/logout/callback"

    def jwks_uri(self, issuer: str) -> str:
        """Return where this connection's public keys are; `issuer` is Signet's."""
        return f"{issuer}/connections/{self.id}/jwks.json"

    def assertion_profile(self, *, token_endpoint: str) -> AssertionProfile:
        """Settle the one audience string of this connection's assertions.

        Raises:
            Misconfigured: `provider_metadata`: the audience would be an address elsewhere.
        """
        audience = self.assertion.audience
        if audience == "issuer":
            audience = self.issuer
        elif audience == "token_endpoint":
            # Metadata choose this audience, so it has to stay with the issuer: an assertion for
            # another server is what its owner waits for (CVE-2025-27370). A provider whose token
            # endpoint is elsewhere by design gets it as a written-out URL.
            if not same_origin(token_endpoint, self.issuer):
                raise _endpoint_elsewhere()
            audience = token_endpoint
        return AssertionProfile(
            client_id=self.client_id,
            audience=audience,
            lifetime_seconds=self.assertion.lifetime_seconds,
            typ=self.assertion.typ,
            key_headers=self.assertion.key_headers,
            extra_claims=self.assertion.extra_claims,
            extra_headers=self.assertion.extra_headers,
        )


def same_origin(url: str, other: str) -> bool:
    """Tell whether two addresses have one scheme, host and port, in the same spelling."""
    found = [_ORIGIN.match(address) for address in (url, other)]
    first, second = (match[0] if match is not None else None for match in found)
    return first is not None and first == second


def _endpoint_elsewhere() -> Misconfigured:
    return Misconfigured(
        "provider_metadata",
        "The identity provider's metadata cannot be used.",
        private="the token endpoint is to be the audience, and is not at the issuer's host",
        redirectable=True,
    )


def _scopes(reader: DocumentReader) -> tuple[str, ...]:
    scopes = reader.texts("scopes", default=("openid", "profile", "email"), pattern=_SCOPE)
    if "openid" not in scopes:
        raise reader.refused("scopes", "contain openid")
    return scopes


def _domains(reader: DocumentReader) -> tuple[str, ...]:
    given = reader.texts("domains", pattern=DISPLAYABLE)
    if len(given) > MAX_DOMAINS:
        raise reader.refused("domains", f"hold at most {MAX_DOMAINS} domains")
    try:
        domains = tuple(map(normalized_domain, given))
    except Rejected:
        raise reader.refused("domains", "hold domain names such as acme.example") from None
    if len(set(domains)) != len(domains):
        raise reader.refused("domains", "hold each domain once")
    return domains


def _request_headers(reader: DocumentReader) -> dict[str, str]:
    headers = reader.all_texts()
    for name in headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise reader.refused(name, "not be set: it is not a header of your choice")
    return {name.lower(): value for name, value in headers.items()}


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
