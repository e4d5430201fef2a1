"""JWS in compact form [RFC 7515; RFC 8725]: sign through a key that is elsewhere, verify strictly.

PyJWT's algorithms sign and verify; what a token may look like is decided here, because by itself
PyJWT accepts duplicate members, padding, unknown `typ` and more (docs/threat-model.md).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jwt.algorithms import Algorithm, get_default_algorithms

from signet.errors import Denied, Rejected
from signet.jose import base64url, strict_json
from signet.jose.algorithms import ALGORITHMS, SigningAlgorithm, algorithm
from signet.jose.jwk import MAX_KID
from signet.jose.jwks import Jwks
from signet.jose.key_reference import NAMES as KEY_HEADERS
from signet.jose.key_reference import key_reference

MAX_TOKEN = 65_536
MAX_CANDIDATES = 8
_COORDINATE_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66}
REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"})
_OWN_HEADERS = frozenset({"alg", "typ", "crit", "b64", *KEY_HEADERS})
_VERIFIERS = {name: found for name, found in get_default_algorithms().items() if name in ALGORITHMS}


class InvalidToken(Denied):
    """A token that must not be believed; the private text says why."""

    def __init__(self, private: str) -> None:
        super().__init__("invalid_token", "The token is not valid.", private=private)


class UnknownKey(Denied):
    """No key of the set is the token's, as far as it names one: the set may be old."""

    def __init__(self) -> None:
        super().__init__("unknown_key", "The token is not valid.", private="no key fits the token")


# --- signing ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSignature:
    """A signature as KMS gives it (DER for ECDSA), and the id of the request that made it."""

    value: bytes
    request_id: str


class DigestSigner(Protocol):
    """Signs digests with keys that it does not give away."""

    def sign_digest(
        self, *, key_id: str, algorithm: SigningAlgorithm, digest: bytes
    ) -> DigestSignature:
        """Sign a digest of the algorithm's hash.

        Raises:
            Unavailable: no signature now. Misconfigured: the key cannot sign.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key to sign with: `kid` and `alg` as they are published, `key_id` the signer's own.

    `certificate` is the key's, in DER, for headers that name it.
    """

    kid: str
    alg: str
    key_id: str
    signer: DigestSigner
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """A token that was just signed, with the key and the request that signed it, for the audit."""

    compact: str
    kid: str
    request_id: str


class RemoteAlgorithm(Algorithm):
    """A PyJWT algorithm whose private key is behind a `DigestSigner`.

    It hashes here and asks for a signature of the digest, so that no message is too long for KMS,
    and turns ECDSA's DER into JOSE's r || s [RFC 7518 3.4].
    """

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._algorithm = algorithm(key.alg)
        self.request_id = ""

    def prepare_key(self, key: object) -> object:
        """Return the key as it is; there is nothing of it here."""
        return key

    def sign(self, msg: bytes, key: object) -> bytes:
        """Sign a JWS signing input."""
        del key
        digest = hashlib.new(self._algorithm.hash_name, msg).digest()
        signature = self._key.signer.sign_digest(
            key_id=self._key.key_id, algorithm=self._algorithm, digest=digest
        )
        self.request_id = signature.request_id
        if self._algorithm.crv is None:
            return signature.value
        return raw_signature(signature.value, crv=self._algorithm.crv)

    def verify(self, msg: bytes, key: object, sig: bytes) -> NoReturn:
        """Refuse: tokens are verified with published keys, by `verify`."""
        raise NotImplementedError

    @staticmethod
    def to_jwk(key_obj: object, as_dict: bool = False) -> NoReturn:  # noqa: FBT001, FBT002
        """Refuse: the public half is `PublicJwk`'s."""
        raise NotImplementedError

    @staticmethod
    def from_jwk(jwk: object) -> NoReturn:
        """Refuse: the private half is not here."""
        raise NotImplementedError


def raw_signature(der: bytes, *, crv: str) -> bytes:
    """Turn an ECDSA signature in DER into r || s, each padded to the curve's length."""
    r, s = decode_dss_signature(der)
    size = _COORDINATE_BYTES[crv]
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def sign(
    claims: Mapping[str, object],
    *,
    key: SigningKey,
    typ: str | None,
    headers: Mapping[str, object] | None = None,
    key_headers: Sequence[str] = ("kid",),
) -> SignedToken:
    """Sign claims as a JWT; extra `headers` never displace `alg`, `typ`, the key's or the rules.

    Args:
        claims: of the token.
        key: that signs.
        typ: kind of the token, or None for none.
        headers: further header parameters.
        key_headers: which of `kid`, `x5t`, `x5t#S256` and `x5c` tell the key.

    Raises:
        Unavailable, Misconfigured: of the signer.
    """
    remote = RemoteAlgorithm(key)
    jws = jwt.PyJWS(algorithms=[])
    jws.register_algorithm(key.alg, remote)
    # PyJWT lets a header choose the algorithm, and detach the payload (`b64`).
    extra = {name: value for name, value in (headers or {}).items() if name not in _OWN_HEADERS}
    reference = key_reference(key_headers, kid=key.kid, certificate=key.certificate)
    header = {**extra, **reference, "typ": typ}
    payload = strict_json.dumps(dict(claims))
    compact = jws.encode(payload, cast("Any", _Elsewhere()), algorithm=key.alg, headers=header)
    return SignedToken(compact=compact, kid=key.kid, request_id=remote.request_id)


class _Elsewhere:
    """Stands where PyJWT wants a key: the key is in KMS."""


# --- verifying -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedJws:
    """A token taken apart and well formed; nothing in it is to be believed yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedClaims:
    """Header and claims whose signature was verified; outside tests only verifiers make them."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def read_unverified(token: str) -> UnverifiedJws:
    """Take a token apart, refusing every form that has two readings.

    Raises:
        InvalidToken: too long, not three canonical segments, no strict JSON objects, or a header
            that would bring its own key or rules (`crit`, `b64`, `jwk`, `jku`, `x5u`, `x5c`).
    """
    unverified = take_apart(token)
    if REFUSED_HEADERS & unverified.header.keys():
        raise InvalidToken("its header brings keys or rules of its own")
    return unverified


def take_apart(token: str) -> UnverifiedJws:
    """Take a token apart, whatever parameters its header has; `read_unverified` is for tokens.

    Raises:
        InvalidToken: too long, not three canonical segments, or no strict JSON objects.
    """
    segments = token.split(".")
    if len(token) > MAX_TOKEN or len(segments) != 3 or not token.isascii():  # noqa: PLR2004
        raise InvalidToken("it is not a compact JWS of a sensible length")
    try:
        header = strict_json.loads_object(base64url.decode(segments[0]), max_bytes=8_192)
        claims = strict_json.loads_object(base64url.decode(segments[1]))
        signature = base64url.decode(segments[2])
    except Rejected as error:
        raise InvalidToken(f"a segment: {error.code}") from error
    return UnverifiedJws(
        header=header,
        claims=claims,
        signing_input=f"{segments[0]}.{segments[1]}".encode("ascii"),
        signature=signature,
    )


def verify(token: str, *, keys: Jwks, alg: str, types: frozenset[str | None]) -> SignedClaims:
    """Verify a token: the pinned algorithm, a key of the set that fits it, an allowed kind.

    Args:
        token: in compact form.
        keys: the set of whoever has to have signed it.
        alg: the one algorithm that was registered; the header only has to agree.
        types: allowed values of `typ`; None in it allows its absence [RFC 8725 3.11].

    Raises:
        InvalidToken: it must not be believed.
        UnknownKey: no key of the set fits; another set might.
    """
    unverified = read_unverified(token)
    pinned = algorithm(alg)
    if unverified.header.get("alg") != pinned.name:
        raise InvalidToken("its alg is not the registered one")
    _check_type(unverified.header, types)
    kid = unverified.header.get("kid")
    if "kid" in unverified.header and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID):
        raise InvalidToken("its kid is not a short text")
    candidates = keys.candidates(kid=kid, algorithm=pinned)[:MAX_CANDIDATES]
    if not candidates:
        raise UnknownKey
    if not any(holds(unverified, pinned, candidate.key) for candidate in candidates):
        if kid is None:
            # Whoever names no key may have signed with one that the set does not have yet.
            raise UnknownKey
        raise InvalidToken("its signature does not hold")
    return SignedClaims(header=unverified.header, claims=unverified.claims)


def _check_type(header: Mapping[str, Any], types: frozenset[str | None]) -> None:
    typ = header.get("typ")
    if "typ" in header and not isinstance(typ, str):
        raise InvalidToken("its typ is not a text")
    kind = typ.lower().removeprefix("application/") if isinstance(typ, str) else None
    if kind not in {allowed.lower() if allowed else None for allowed in types}:
        raise InvalidToken("it is a token of another kind")


def holds(token: UnverifiedJws, pinned: SigningAlgorithm, key: object) -> bool:
    """Tell whether a token's signature is that of a key, which has to fit the algorithm."""
    return _VERIFIERS[pinned.name].verify(token.signing_input, key, token.signature)
