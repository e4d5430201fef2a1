"""Redeem a code at /token: one client, one code, one set of tokens [RFC 6749 4.1.3].

Waits: assertion and proof are used up beside the read of the grant; the code is used up beside the
access token's signature; then the ID token is signed, because its at_hash needs the access token,
while both signatures are recorded (docs/adr/0008).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from signet.broker.attempt import attempt, required
from signet.broker.client import Client
from signet.broker.client_authentication import ClientAuthentication, VerifiedClient
from signet.broker.consumption import Consumption, UseOfCode
from signet.broker.current_keys import CurrentKeys, Signed
from signet.broker.event import Event
from signet.broker.grant import (
    Grant,
    check_expiry,
    check_key,
    check_redirect_uri,
    check_unused,
    check_verifier,
    grant_id,
    invalid_grant,
)
from signet.broker.identity import released
from signet.broker.keyring import ISSUER, Keyring, missing
from signet.broker.login_ended import login_ended
from signet.broker.ports import (
    Audit,
    Clock,
    Connections,
    Entropy,
    Grants,
    Keyrings,
    Together,
)
from signet.broker.proofs import Proofs
from signet.broker.recorded_write import STARTED
from signet.broker.refresh_token import Lifetimes, RefreshToken
from signet.broker.signature_event import UNUSED, signature_made
from signet.errors import Rejected, SignetError
from signet.jose.jws import SignedToken, SigningKey, sign
from signet.oauth.access_token import (
    LIFETIME_SECONDS,
    TYP,
    build_access_token_claims,
    token_type,
)
from signet.oauth.dpop import CheckedProof
from signet.oauth.token_request import (
    OFFLINE_ACCESS,
    REFRESH_TOKEN,
    CodeRedemption,
    grant_type,
)
from signet.oidc.id_token import build_id_token_claims, half_hash

_KEEP_AFTER_EXPIRY = 120  # seconds for which an ended grant is still recognised as reused


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemCode:
    """The use case behind /token."""

    issuer: str
    authentication: ClientAuthentication
    proofs: Proofs
    connections: Connections
    keyrings: Keyrings
    grants: Grants
    keys: CurrentKeys
    lifetimes: Lifetimes
    audit: Audit
    clock: Clock
    entropy: Entropy
    together: Together

    def __call__(
        self,
        parameters: Mapping[str, str],
        *,
        authorization: str | None,
        dpop: str | None = None,
    ) -> dict[str, object]:
        """Authenticate the client, use the code up, and return the token response [5.1].

        Raises:
            Denied: `invalid_client`. Rejected: an error of RFC 6749 5.2.
            Unavailable: nothing was given out; the client may try again.
        """
        verified = self.authentication.verify(
            parameters, authorization=authorization, endpoint=f"{self.issuer}/token"
        )
        client = verified.client
        # Before anything is used up: a client that is given a nonce comes again with its code.
        proof = self.proofs.check_dpop_at_token(dpop, client)
        redemption = _read(parameters, client)
        if isinstance(redemption, SignetError):
            self.authentication.use_up(verified)
            raise redemption
        identifier = grant_id(redemption.code, issuer=self.issuer, client_id=client.client_id)
        _, grant = self.together(
            lambda: self._use_up(verified, proof), lambda: self.grants.get(identifier)
        )
        if grant is None:
            raise invalid_grant("no such code of this client")
        jkt = proof.jkt if proof is not None else None
        self._check(grant, redemption, jkt)
        # From here on the grant is bound to the key that was proved, and its tokens are.
        bound, now = replace(grant, dpop_jkt=jkt), self.clock.now()
        return self.issue(bound, client, self._use(bound, client, now), now=now)

    def _use_up(self, verified: VerifiedClient, proof: CheckedProof | None) -> None:
        self.together(
            lambda: self.authentication.use_up(verified), lambda: self.proofs.use_up(proof)
        )

    def _check(self, grant: Grant, redemption: CodeRedemption, jkt: str | None) -> None:
        """Hold the code against every rule; whatever fails, the code is spent."""
        try:
            check_unused(grant)
            check_expiry(grant, now=self.clock.now())
            check_redirect_uri(grant, redirect_uri=redemption.redirect_uri)
            check_verifier(grant, code_verifier=redemption.code_verifier)
            check_key(grant, jkt=jkt)
            self._check_connection(grant)
        except Rejected as problem:
            # A reused code ends the tokens of its first use too [RFC 9700 4.5; OP-036].
            self.grants.revoke(grant.id)
            if grant.redeemed_by is not None and not grant.revoked:
                now = self.clock.now()
                self.audit.record(login_ended(grant, time=now, reason=problem.private))
            raise

    def _check_connection(self, grant: Grant) -> None:
        connection = self.connections.get(grant.connection_id)
        if connection is None or not connection.enabled:
            raise invalid_grant("the connection is disabled")

    def _use(self, grant: Grant, client: Client, now: int) -> UseOfCode:
        """Prepare the use of the code, and a family of refresh tokens where one is due."""
        token = self._refresh_token(grant, client)
        family = self.lifetimes.begin(token, now=now) if token is not None else None
        return UseOfCode(
            grants=self.grants,
            grant_id=grant.id,
            redemption=self.entropy.token(),
            now=now,
            keep_until=(family.expires_at if family is not None else now)
            + LIFETIME_SECONDS
            + _KEEP_AFTER_EXPIRY,
            dpop_jkt=grant.dpop_jkt,
            family=family,
            refresh_token=token,
        )

    def _refresh_token(self, grant: Grant, client: Client) -> RefreshToken | None:
        """Make one only where the client may refresh and asked to [OIDC Core 11]."""
        if REFRESH_TOKEN not in client.grant_types or OFFLINE_ACCESS not in grant.scope:
            return None
        return RefreshToken(
            grant_id=grant.id, family=self.entropy.token(), secret=self.entropy.token()
        )

    def issue(
        self, grant: Grant, client: Client, use: Consumption, *, now: int
    ) -> dict[str, object]:
        """Use a code or a refresh token up, and make the tokens of its grant.

        Raises:
            Rejected: `invalid_grant`: another request used it up, so the grant was ended.
            Unavailable, Misconfigured: nothing was given out, and the use was given back.
        """
        keyring = self.keyrings.get(ISSUER)
        if keyring is None:
            raise missing(ISSUER)
        access_claims = self._access_token_claims(grant, client, now)
        won, access = self.together(
            use.use_up,
            lambda: attempt(lambda: self._sign_access_token(keyring, access_claims)),
        )
        made = Made(grant=grant, client=client, jti=str(access_claims["jti"]), time=now)
        if not won:
            self.grants.revoke(grant.id)
            if isinstance(access, Signed):
                self.audit.record(made.access_token(access.value, outcome=UNUSED))
            raise invalid_grant("another request used it up")
        try:
            signed = required(access)
            id_token = self._id_token(grant, client, signed, made)
        except SignetError:
            # No token was given out: the client may come again with the same one (OP-074).
            use.give_back()
            raise
        return {
            "access_token": signed.value.compact,
            "token_type": token_type(grant.dpop_jkt),
            "expires_in": LIFETIME_SECONDS,
            "scope": " ".join(grant.scope),
            **id_token,
            **_refresh_token_member(use),
        }

    def _id_token(
        self, grant: Grant, client: Client, signed: Signed[SignedToken], made: "Made"
    ) -> dict[str, str]:
        """Sign the ID token while both signatures are recorded; there is none without `openid`."""
        if "openid" not in grant.scope:
            self.audit.record(made.access_token(signed.value))
            return {}
        claims = self._id_token_claims(grant, client, signed.value.compact, made.time)
        _, id_token = self.together(
            lambda: self.audit.record(
                made.access_token(signed.value), made.id_token(signed.keyring.current.kid)
            ),
            lambda: self._sign_id_token(signed.keyring, claims, made),
        )
        return {"id_token": id_token}

    def _sign_access_token(
        self, keyring: Keyring, claims: dict[str, object]
    ) -> Signed[SignedToken]:
        return self.keys.sign(keyring, lambda key: sign(claims, key=key, typ=TYP))

    def _sign_id_token(self, keyring: Keyring, claims: dict[str, object], made: "Made") -> str:
        """Sign while the signature is recorded as the current key's."""

        def make(key: SigningKey) -> str:
            if key.kid != keyring.current.kid:
                # KMS refused that one since it signed the access token.
                self.audit.record(made.id_token(key.kid))
            return sign(claims, key=key, typ="JWT").compact

        return self.keys.sign(keyring, make).value

    def _access_token_claims(self, grant: Grant, client: Client, now: int) -> dict[str, object]:
        return build_access_token_claims(
            issuer=self.issuer,
            subject=grant.subject,
            audience=self.issuer,
            client_id=client.client_id,
            scope=grant.scope,
            grant_id=grant.id,
            jti=self.entropy.token(),
            now=now,
            login=grant.login,
            jkt=grant.dpop_jkt,
        )

    def _id_token_claims(
        self, grant: Grant, client: Client, access_token: str, now: int
    ) -> dict[str, object]:
        claims = build_id_token_claims(
            issuer=self.issuer,
            client_id=client.client_id,
            subject=grant.subject,
            nonce=grant.nonce,
            now=now,
            login=grant.login,
            profile=released(grant.profile, grant.scope, asked=grant.id_token_claims),
        )
        session = {"sid": grant.sid} if grant.sid is not None else {}
        return {**claims, **session, "at_hash": half_hash(access_token, alg=client.id_token_alg)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the signatures of one redemption were made for."""

    grant: Grant
    client: Client
    jti: str
    time: int

    def access_token(self, token: SignedToken, *, outcome: str = "success") -> Event:
        """Write the event of the access token's signature."""
        return signature_made(
            token,
            purpose="access_token",
            time=self.time,
            actor=self.client.client_id,
            subject=ISSUER,
            connection=self.grant.connection_id,
            jti=self.jti,
            outcome=outcome,
        )

    def id_token(self, kid: str) -> Event:
        """Write the event of the ID token's signature while it is made.

        So KMS's request is not known yet: to wait for it would be one more wait of every login.
        """
        return Event(
            type="SignatureMade",
            time=self.time,
            actor=self.client.client_id,
            subject=ISSUER,
            connection=self.grant.connection_id,
            outcome=STARTED,
            kid=kid,
            detail={"purpose": "id_token", "access_token_jti": self.jti},
        )


def _refresh_token_member(use: Consumption) -> dict[str, str]:
    token = use.refresh_token
    return {} if token is None else {"refresh_token": token.compact()}


def _read(parameters: Mapping[str, str], client: Client) -> CodeRedemption | SignetError:
    """Read the grant's parameters, keeping an error until the assertion is used up."""
    return attempt(lambda: _checked(parameters, client))


def _checked(parameters: Mapping[str, str], client: Client) -> CodeRedemption:
    if grant_type(parameters) not in client.grant_types:
        raise Rejected("unauthorized_client", "This client may not use this grant type.")
    return CodeRedemption.parse(parameters)
