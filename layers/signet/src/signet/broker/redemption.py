"""Redeem a code at /token: one client, one code, one set of tokens [RFC 6749 4.1.3].

Waits: the `jti` is used up beside the read of the grant; the code is used up beside the access
token's signature; then the ID token is signed, because its at_hash needs the access token, while
both signatures are recorded (docs/adr/0008).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.attempt import attempt, required
from signet.broker.client import Client
from signet.broker.client_authentication import ClientAuthentication
from signet.broker.current_keys import CurrentKeys, Signed
from signet.broker.event import Event
from signet.broker.grant import (
    Grant,
    check_expiry,
    check_redirect_uri,
    check_unused,
    check_verifier,
    grant_id,
    invalid_grant,
)
from signet.broker.identity import released
from signet.broker.keyring import ISSUER, Keyring, missing
from signet.broker.ports import (
    Audit,
    Clock,
    Connections,
    Entropy,
    Grants,
    Keyrings,
    Together,
)
from signet.broker.recorded_write import STARTED
from signet.broker.signature_event import UNUSED, signature_made
from signet.errors import Rejected, SignetError
from signet.jose.jws import SignedToken, SigningKey, sign
from signet.oauth.access_token import LIFETIME_SECONDS, TYP, build_access_token_claims
from signet.oauth.token_request import CodeRedemption, grant_type
from signet.oidc.id_token import build_id_token_claims, half_hash

_KEEP_AFTER_EXPIRY = 120  # seconds for which an ended grant is still recognised as reused


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemCode:
    """The use case behind /token."""

    issuer: str
    authentication: ClientAuthentication
    connections: Connections
    keyrings: Keyrings
    grants: Grants
    keys: CurrentKeys
    audit: Audit
    clock: Clock
    entropy: Entropy
    together: Together

    def __call__(
        self, parameters: Mapping[str, str], *, authorization: str | None
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
        redemption = _read(parameters, client)
        if isinstance(redemption, SignetError):
            self.authentication.use_up(verified)
            raise redemption
        identifier = grant_id(redemption.code, issuer=self.issuer, client_id=client.client_id)
        _, grant = self.together(
            lambda: self.authentication.use_up(verified), lambda: self.grants.get(identifier)
        )
        if grant is None:
            raise invalid_grant("no such code of this client")
        self._check(grant, redemption)
        return self._tokens(grant, client)

    def _check(self, grant: Grant, redemption: CodeRedemption) -> None:
        """Hold the code against every rule; whatever fails, the code is spent."""
        try:
            check_unused(grant)
            check_expiry(grant, now=self.clock.now())
            check_redirect_uri(grant, redirect_uri=redemption.redirect_uri)
            check_verifier(grant, code_verifier=redemption.code_verifier)
            self._check_connection(grant)
        except Rejected:
            # A reused code ends the tokens of its first use too [RFC 9700 4.5; OP-036].
            self.grants.revoke(grant.id)
            raise

    def _check_connection(self, grant: Grant) -> None:
        connection = self.connections.get(grant.connection_id)
        if connection is None or not connection.enabled:
            raise invalid_grant("the connection is disabled")

    def _tokens(self, grant: Grant, client: Client) -> dict[str, object]:
        keyring = self.keyrings.get(ISSUER)
        if keyring is None:
            raise missing(ISSUER)
        now, redemption = self.clock.now(), self.entropy.token()
        access_claims = self._access_token_claims(grant, client, now)
        won, access = self.together(
            lambda: self.grants.redeem(
                grant.id,
                redemption=redemption,
                now=now,
                keep_until=now + LIFETIME_SECONDS + _KEEP_AFTER_EXPIRY,
            ),
            lambda: attempt(lambda: self._sign_access_token(keyring, access_claims)),
        )
        made = Made(grant=grant, client=client, jti=str(access_claims["jti"]), time=now)
        if not won:
            self.grants.revoke(grant.id)
            if isinstance(access, Signed):
                self.audit.record(made.access_token(access.value, outcome=UNUSED))
            raise invalid_grant("another request redeemed the code")
        try:
            signed = required(access)
            access_token = signed.value.compact
            id_claims = self._id_token_claims(grant, client, access_token, now)
            _, id_token = self.together(
                lambda: self.audit.record(
                    made.access_token(signed.value), made.id_token(signed.keyring.current.kid)
                ),
                lambda: self._sign_id_token(signed.keyring, id_claims, made),
            )
        except SignetError:
            # No token was given out: the client may come again with the same code (OP-074).
            self.grants.release(grant.id, redemption=redemption)
            raise
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "scope": " ".join(grant.scope),
            "id_token": id_token,
        }

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
            profile=released(grant.profile, grant.scope),
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


def _read(parameters: Mapping[str, str], client: Client) -> CodeRedemption | SignetError:
    """Read the grant's parameters, keeping an error until the assertion is used up."""
    return attempt(lambda: _checked(parameters, client))


def _checked(parameters: Mapping[str, str], client: Client) -> CodeRedemption:
    if grant_type(parameters) not in client.grant_types:
        raise Rejected("unauthorized_client", "This client may not use this grant type.")
    return CodeRedemption.parse(parameters)
