"""What the management API takes and shows, as pydantic models: its schemas come from them.

They bound types, members and forms, also of nested objects. What only the broker knows (that a
name is free, that an address may be called, what a provider verifies) is checked there, on the
whole document.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from signet.broker.client import ID
from signet.broker.connection import MAX_DOMAINS, NAME
from signet.broker.document import MAX_ITEMS, MAX_TEXT
from signet.broker.profiles.registry import strategies

ALGORITHM = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"
]  # fmt: skip
Printable = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=r"^[\x20-\x7e]+$")
]
Displayable = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
Url = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_TEXT, pattern=r"^https?://[\x21\x23-\x5b\x5d-\x7e]+$"),
]  # fmt: skip
Name = Annotated[str, StringConstraints(max_length=64, pattern=f"^{NAME.pattern}$")]
ClientId = Annotated[str, StringConstraints(max_length=128, pattern=f"^{ID.pattern}$")]
Texts = Annotated[list[Printable], Field(max_length=MAX_ITEMS)]
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
Time = Annotated[str, StringConstraints(pattern=TIME)]
EVENT_TYPE = "^[A-Z][A-Za-z]{0,63}$"
SEQ = "^[1-9][0-9]{0,11}$"
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class Closed(BaseModel):
    """An object without any other member; nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True)


def optional(description: str, *examples: object) -> Any:
    """Describe a member that may be left out; what it then is, the strategy or Signet decides."""
    return Field(default=None, description=description, examples=list(examples) or None)


class Assertion(Closed):
    """How the client assertions towards the provider look [RFC 7523]."""

    audience: Printable = optional("`issuer`, `token_endpoint`, or one URL.", "issuer")
    lifetime_seconds: Annotated[int, Field(ge=10, le=60)] = optional("exp - iat.", 60)
    typ: Literal["JWT", "client-authentication+jwt"] | None = optional(
        "The header's typ; null sends none.", "client-authentication+jwt"
    )
    key_headers: list[Literal["kid", "x5t", "x5t#S256", "x5c"]] = optional(
        "The header members that name the key.", ["kid"]
    )
    extra_claims: dict[str, Any] = optional("Claims that the provider asks for besides.", {})
    extra_headers: dict[str, Any] = optional("Header members that it asks for besides.", {})


class ConnectionMembers(Closed):
    """What administrators set on a connection."""

    name: Name = Field(
        description="The connection's own name, in addresses and ID tokens.", examples=["acme"]
    )
    strategy: str = Field(
        description="The kind of identity provider; it fills in the rest.", examples=["oidc"]
    )
    client_id: Printable = Field(
        description="Signet's client id at the provider.", examples=["signet-at-acme"]
    )
    issuer: Printable = optional("The provider's issuer.", "https://idp.example")
    display_name: Displayable = optional("What people read.", "Acme")
    enabled: bool = optional("Whether logins may use it.")
    scopes: Texts = optional("Scopes of the login; openid is one.", ["openid", "email"])
    domains: Annotated[list[Displayable], Field(max_length=MAX_DOMAINS)] = optional(
        "Email domains whose people belong here.", ["acme.example"]
    )
    token_endpoint_auth_method: Literal["private_key_jwt"] = optional("There is no other.")
    token_endpoint_auth_signing_alg: ALGORITHM = optional(
        "What the connection's key signs with.", "RS256"
    )
    assertion: Assertion = optional("How client assertions look.")
    key_registration: Literal["jwks_uri", "manual"] = optional(
        "How the provider learns of keys.", "jwks_uri"
    )
    id_token_signed_response_alg: ALGORITHM = optional("What ID tokens are signed with.", "RS256")
    claims_map: dict[str, Printable] = optional(
        "Our claims by the provider's names.", {"email": "mail"}
    )
    upstream_params: dict[str, Printable] = optional(
        "Parameters of every login.", {"acr_values": "urn:example:mfa"}
    )
    request_headers: dict[str, Printable] = optional("Headers of every request.", {})
    pushed_authorization: Literal["auto", "required", "never"] = optional(
        "Whether authorization requests are pushed [RFC 9126].", "auto"
    )
    response_mode: Literal["query", "form_post"] = optional("How the answer comes.", "query")
    upstream_logout: bool = optional(
        "Whether who signs out here is signed out at the provider too, where it can do that."
    )


class PublicKey(BaseModel):
    """A public key [RFC 7517 4]; a private or symmetric one is refused."""

    model_config = ConfigDict(extra="allow", strict=True)
    kty: Literal["RSA", "EC"]


class KeySet(BaseModel):
    """A JWK Set [RFC 7517 5]; two keys at once let an application rotate without a gap."""

    model_config = ConfigDict(extra="allow", strict=True)
    keys: Annotated[list[PublicKey], Field(min_length=1)]


class Finding(Closed):
    """One thing that was looked at."""

    check: str
    outcome: Literal["ok", "warning", "failed"]
    text: str


class Findings(Closed):
    """What the provider publishes, judged."""

    outcome: Literal["ok", "warning", "failed"]
    findings: list[Finding]


class Evidence(Closed):
    """What the provider said; nothing where it was not asked, or did not answer."""

    status: int = Field(default=0, examples=[400])
    error: str = Field(default="", examples=["invalid_grant"])


class ConnectionTest(Closed):
    """What a test of a connection found."""

    discovery: Findings
    client_authentication: Literal["accepted", "refused", "unknown"]
    evidence: Evidence
    advice: str


class PinnedEndpoints(Closed):
    """A provider's endpoints as an administrator last agreed to them."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    pushed_authorization_request_endpoint: str | None
    iss_parameter_supported: bool
    pinned_at: Time


class SheetAssertion(Closed):
    """How Signet's client assertions look; `token_endpoint` where the provider's metadata tell."""

    audience: str
    lifetime_seconds: int
    typ: str | None
    key_headers: list[str]


class SheetCertificate(Closed):
    """A key's X.509 certificate; thumbprints in upper-case hexadecimal."""

    pem: str
    thumbprint_sha1: str
    thumbprint_sha256: str


class SheetKey(Closed):
    """One key that may sign."""

    kid: str
    state: Literal["next", "current", "previous"]
    alg: ALGORITHM
    jwk: PublicKey
    public_key_pem: str
    certificate: SheetCertificate | None


class RegistrationSheet(Closed):
    """All that the provider's administrator has to enter."""

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
    token_endpoint_auth_method: Literal["private_key_jwt"]
    token_endpoint_auth_signing_alg: ALGORITHM
    id_token_signed_response_alg: ALGORITHM
    scopes: list[str]
    grant_types: list[str]
    response_types: list[str]
    response_mode: str
    code_challenge_method: Literal["S256"]
    pushed_authorization: str
    key_form: Literal["jwks_uri", "jwks", "public_key", "certificate"]
    keys_by_hand: bool
    assertion: SheetAssertion
    keys: list[SheetKey]
    steps: list[str]


class ClientMembers(Closed):
    """What administrators set on a client; `jwks` or `jwks_uri`, and not both."""

    name: Displayable = Field(description="What people read.", examples=["Payroll"])
    redirect_uris: Texts = optional("Compared as strings.", ["https://app.example/callback"])
    post_logout_redirect_uris: Texts = optional("Compared as strings.", [])
    grant_types: list[Literal["authorization_code", "client_credentials", "refresh_token"]] = (
        optional("What it may ask /token for.", ["authorization_code"])
    )
    scopes: Texts = optional("What it may be given.", ["openid", "email"])
    jwks: KeySet = optional("Its public keys.")
    jwks_uri: Url = optional("Where its public keys are.", "https://app.example/jwks.json")
    token_endpoint_auth_method: Literal["private_key_jwt"] = optional("There is no other.")
    token_endpoint_auth_signing_alg: ALGORITHM = optional("What it signs with.", "ES256")
    id_token_signed_response_alg: Literal["RS256"] = optional("What we sign with.", "RS256")
    connections: Literal["*"] | Texts = optional("Names of connections, or all.", ["acme"])
    dpop_bound_access_tokens: bool = optional(
        "Whether it has to send a DPoP proof, and gets bound tokens alone [RFC 9449 5.2]."
    )
    dpop_nonce_required: bool = optional("Whether its DPoP proofs need a nonce [RFC 9449 8].")
    require_pushed_authorization_requests: bool = optional(
        "Whether /authorize takes only what it pushed to /par."
    )
    request_object_signing_alg: ALGORITHM | None = optional(
        "What its request objects are signed with; without it, none are taken.", "ES256"
    )
    assertion_audience: Literal["issuer", "token_endpoint_compat"] = optional(
        "What its assertions may name as their audience.", "issuer"
    )
    backchannel_logout_uri: Url | None = optional(
        "Where it is told that a person is signed out.", "https://app.example/backchannel-logout"
    )
    backchannel_logout_session_required: bool = optional("Whether it needs `sid` there.")
    enabled: bool = optional("Whether it may do anything.")


class ClientCreate(ClientMembers):
    """A client to register."""

    client_id: ClientId = optional("Its id; left out, it is made.", "payroll")


class Probe(Closed):
    """Whether the provider took the key, when it was last tried."""

    result: Literal["accepted", "refused", "unknown", "unreachable"]
    at: Time


class Key(Closed):
    """One key of a connection."""

    kid: Printable
    state: Literal["next", "current", "previous", "retired", "revoked"]
    alg: ALGORITHM
    created_at: Time
    published_at: Time | None
    activated_at: Time | None
    retires_at: Time | None
    probe: Probe | None


class RotateKeys(Closed):
    """How to rotate."""

    immediate: bool = optional(
        "Promote at once, without waiting for the provider to know the key: logins may fail."
    )


class Rotation(Closed):
    """What a rotation does next; `held` is what it waits for beside time."""

    phase: Literal["steady", "announced", "held", "overlap"]
    next_step: Literal["create", "probe", "promote", "retire", "wait"]
    due_at: Time | None
    held: str | None


class BlastRadius(Closed):
    """What revoking a key breaks, and for how long; null: until somebody acts."""

    kid: Printable
    state: Literal["next", "current", "previous"]
    takes_over: Literal["next", "new"] | None
    logins_fail: bool
    seconds: int | None
    text: str


class Census(Closed):
    """Keys in KMS that carry this deployment's tag, by what they are to its records."""

    taken_at: Time
    complete: bool = Field(description="False: time was over before all keys were looked at.")
    tagged: int = Field(description="All keys of this deployment.")
    referenced: int = Field(description="Published now.")
    unusable: int = Field(description="Of those, the ones that KMS does not sign with.")
    revoked: int = Field(description="Taken out of service in an emergency.")
    within_grace: int = Field(description="No record has them, and they are too young to tell.")
    leaving: int = Field(description="Disabled; their deletion is scheduled after seven days.")
    pending_deletion: int = Field(description="KMS deletes them.")
    orphans: int = Field(description="No record has them, and the reaper did not meet them yet.")


class Event(Closed):
    """One event of the audit; `hash` is SHA-256(`prev_hash` || JSON of {seq, id, event})."""

    id: str = Field(examples=["evt_abcdefghijklmnopqrstuvwxyz"])
    seq: int = Field(ge=1, description="Its place in the chain: there is no gap.")
    time: Time
    actor: str = Field(description="A client's id, or `signet`.")
    type: str = Field(examples=["ConnectionChanged", "SignatureMade"])
    subject: str = Field(description="What it happened to.")
    connection: str | None
    outcome: str = Field(
        description="A write is `started` before it is made; then `success` or `failure`."
    )
    kid: str | None
    jti: str | None
    kms_request_id: str | None = Field(description="What CloudTrail has of the signature.")
    detail: dict[str, str]
    prev_hash: Sha256
    hash: Sha256


class ChainHead(Closed):
    """The end of the chain."""

    seq: int
    hash: Sha256


class AuditCheckpoint(Closed):
    """The last checkpoint; its members are null where its signature is not the audit key's."""

    jws: str
    seq: int | None
    hash: Sha256 | None
    time: Time | None
    jwk: PublicKey


class Verification(Closed):
    """Whether the audit holds; `next_seq` is where the next call begins, or null."""

    holds: bool
    events: int = Field(description="How many events were verified in this call.")
    from_seq: int
    next_seq: int | None
    head: ChainHead
    checkpoint: AuditCheckpoint | None
    broken_at: int | None = Field(description="The first event that does not hold.")
    reason: str | None


class Problem(BaseModel):
    """What went wrong [RFC 9457]; `code` is stable, and what programs go by."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    code: str
    correlation_id: str = Field(description="What the support finds the request by.")


@cache
def connection_create() -> type[BaseModel]:
    """Return the model of a new connection, with every strategy's way to name the issuer."""
    makers = [maker for profile in strategies().values() for maker in profile.issuer.members]
    fields: dict[str, Any] = {
        maker.name: (Printable, optional(f"Makes the issuer: {maker.hint}.")) for maker in makers
    }
    doc = "A connection to register."
    return create_model("ConnectionCreate", __base__=ConnectionMembers, __doc__=doc, **fields)


@cache
def connection_patch() -> type[BaseModel]:
    """Return the model of a merge patch of a connection [RFC 7396]."""
    return _patch(connection_create(), "ConnectionPatch")


@cache
def connection_view() -> type[BaseModel]:
    """Return the model of a connection as it is shown: everything is there."""
    shown: dict[str, Any] = {
        "id": (Annotated[str, StringConstraints(pattern="^con_[a-z2-7]{26}$")], ...),
        "redirect_uri": (Url, ...),
        "jwks_uri": (Url, ...),
        "endpoints": (PinnedEndpoints | None, Field(description="What the provider is held to.")),
        "created_at": (Time, ...),
        "updated_at": (Time, ...),
        "etag": (Printable, ...),
    }
    return _complete(ConnectionMembers, "Connection", shown)


@cache
def client_patch() -> type[BaseModel]:
    """Return the model of a merge patch of a client [RFC 7396]."""
    return _patch(ClientMembers, "ClientPatch")


@cache
def client_view() -> type[BaseModel]:
    """Return the model of a client as it is shown: everything but one of jwks and jwks_uri."""
    shown: dict[str, Any] = {
        "created_at": (Time, ...),
        "updated_at": (Time, ...),
        "etag": (Printable, ...),
    }
    return _complete(ClientCreate, "Client", shown, keep_optional=("jwks", "jwks_uri"))


@cache
def listing(item: type[BaseModel], *, order: str = "oldest first") -> type[BaseModel]:
    """Return the model of a part of a list."""
    return create_model(
        f"{item.__name__}List",
        __base__=Closed,
        __doc__=f"A part of a list, {order}.",
        items=(list[item], ...),  # type: ignore[valid-type]
        next_cursor=(Printable | None, Field(description="Where the next part begins.")),
    )


def _patch(model: type[BaseModel], name: str) -> type[BaseModel]:
    """Make every member optional and removable, also in nested objects."""
    fields: dict[str, Any] = {}
    for member, field in model.model_fields.items():
        annotation: Any = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Closed):
            annotation = _patch(annotation, f"{annotation.__name__}Patch")
        if _is_map_of_text(annotation):
            annotation = dict[str, Printable | None]
        annotated = Annotated[annotation, *field.metadata] if field.metadata else annotation
        described = Field(default=None, description=field.description, examples=field.examples)
        fields[member] = (annotated | None, described)
    doc = "A merge patch [RFC 7396]: null removes a member, so that it is the default again."
    return create_model(name, __base__=Closed, __doc__=doc, **fields)


def _complete(
    model: type[BaseModel],
    name: str,
    shown: Mapping[str, Any],
    *,
    keep_optional: tuple[str, ...] = (),
) -> type[BaseModel]:
    """Make every member required, also in nested objects."""
    fields: dict[str, Any] = {}
    for member, field in model.model_fields.items():
        annotation: Any = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Closed):
            annotation = _complete(annotation, f"{name}{annotation.__name__}", {})
        annotated = Annotated[annotation, *field.metadata] if field.metadata else annotation
        default: Any = None if member in keep_optional else ...
        described = Field(default, description=field.description, examples=field.examples)
        fields[member] = (annotated, described)
    return create_model(name, __base__=Closed, __doc__=model.__doc__, **{**fields, **shown})


def _is_map_of_text(annotation: Any) -> bool:
    return bool(annotation == dict[str, Printable])
