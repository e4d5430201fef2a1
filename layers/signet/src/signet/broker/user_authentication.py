"""Turn a provider's authorization answer into an authenticated user, or refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass

from signet.broker.connection import Connection
from signet.broker.healing import Healing
from signet.broker.identity import lacks_claims
from signet.broker.keyring import Keyring, missing
from signet.broker.login_record import LoginRecord
from signet.broker.ports import Clock, Keyrings, Together
from signet.broker.provider import Authentication, Provider, Redemption
from signet.errors import Misconfigured, Rejected, SignetError
from signet.oauth.authorization_response import ProviderError, read_authorization_response
from signet.oauth.provider_token import ProviderTokens
from signet.oidc.discovery import ProviderMetadata
from signet.oidc.id_token import IdTokenPolicy, VerifiedIdToken

_PASSED_ON = frozenset({
    "access_denied", "login_required", "consent_required", "interaction_required",
    "account_selection_required", "temporarily_unavailable",
})  # fmt: skip
"""Provider errors that mean the same to the application [OIDC Core 3.1.2.6]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """A code that came from the provider that was asked; its login is not checked yet."""

    connection: Connection
    metadata: ProviderMetadata
    keyring: Keyring
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedUser:
    """A user whom the provider authenticated, every check done; `claims` is userinfo's too."""

    id_token: VerifiedIdToken
    claims: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAuthentication:
    """The provider's half of a callback; `issuer` is Signet's own."""

    issuer: str
    keyrings: Keyrings
    provider: Provider
    healing: Healing
    clock: Clock
    together: Together

    def read_answer(self, connection: Connection, parameters: Mapping[str, str]) -> ProviderAnswer:
        """Check who answered, and take the code [RFC 9207]; waits for nothing when warm.

        Raises:
            SignetError: another issuer answered, or the provider refused.
        """
        metadata = self.provider.metadata(connection)
        answer = read_authorization_response(
            parameters, issuer=connection.issuer, iss_required=metadata.iss_parameter_supported
        )
        if isinstance(answer, ProviderError):
            raise _explain(answer.error)
        keyring = self.keyrings.get(connection.id)
        if keyring is None:
            raise missing(connection.id)
        return ProviderAnswer(
            connection=connection, metadata=metadata, keyring=keyring, code=answer
        )

    def authentication(self, answer: ProviderAnswer) -> Authentication:
        """Sign an assertion for one HTTP attempt; this is the wait for KMS."""
        return self.provider.authenticate(answer.connection, answer.keyring, answer.metadata)

    def leave_unused(self, authentication: Authentication) -> None:
        """Record the signature of an assertion that is not sent, because no login follows."""
        self.provider.record(authentication, used=False)

    def authenticate(
        self, record: LoginRecord, answer: ProviderAnswer, authentication: Authentication
    ) -> AuthenticatedUser:
        """Redeem the code, and verify all that the provider gave for it."""
        tokens = self._redeem(record, answer, authentication)
        id_token = self.provider.verify_id_token(
            answer.connection,
            answer.metadata,
            tokens.unverified_id_token,
            self._policy(record, answer, tokens),
        )
        return AuthenticatedUser(id_token=id_token, claims=self._claims(answer, tokens, id_token))

    def _redeem(
        self, record: LoginRecord, answer: ProviderAnswer, authentication: Authentication
    ) -> ProviderTokens:
        connection, metadata = answer.connection, answer.metadata
        redemption = Redemption(
            code=answer.code,
            redirect_uri=connection.redirect_uri(self.issuer),
            code_verifier=record.code_verifier,
        )
        tokens, _ = self.together(
            lambda: self.healing(
                connection,
                metadata,
                first=authentication,
                send=lambda first, attempts: self.provider.redeem(
                    connection,
                    metadata,
                    redemption,
                    first=first,
                    again=lambda: self.provider.authenticate(connection, first.keyring, metadata),
                    attempts=attempts,
                ),
            ),
            # When the provider's keys are not in memory, their wait hides behind the tokens'.
            lambda: self.provider.load_keys(connection, metadata),
        )
        return tokens

    def _policy(
        self, record: LoginRecord, answer: ProviderAnswer, tokens: ProviderTokens
    ) -> IdTokenPolicy:
        connection = answer.connection
        return IdTokenPolicy(
            issuer=connection.issuer,
            client_id=connection.client_id,
            nonce=record.nonce,
            alg=connection.id_token_alg,
            access_token=tokens.access_token,
            code=answer.code,
            login_started=record.started_at,
            now=self.clock.now(),
            # What the administrator demands is enforced here, and what the application asked after
            # it: an answer that is refused there is an honest one.
            max_age=_demanded_age(connection),
            acr_values=tuple(connection.upstream_params.get("acr_values", "").split()),
        )

    def _claims(
        self, answer: ProviderAnswer, tokens: ProviderTokens, id_token: VerifiedIdToken
    ) -> Mapping[str, object]:
        """Add userinfo's claims where the ID token lacks what was asked; the ID token's win."""
        endpoint = answer.metadata.userinfo_endpoint
        if endpoint is None or not lacks_claims(answer.connection, id_token.claims):
            return id_token.claims
        userinfo = self.provider.userinfo(
            answer.connection,
            endpoint,
            access_token=tokens.access_token,
            subject=id_token.subject,
        )
        return {**userinfo, **id_token.claims}


def _demanded_age(connection: Connection) -> int | None:
    text = connection.upstream_params.get("max_age", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _explain(error: str) -> SignetError:
    if error in _PASSED_ON:
        return Rejected(
            error, "The identity provider did not complete the sign-in.", redirectable=True
        )
    return Misconfigured(
        "provider_error",
        "The identity provider could not complete the sign-in.",
        private=f"authorization error {error}",
        redirectable=True,
    )
