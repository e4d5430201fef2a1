"""What Signet asks a connection's provider: metadata, PAR, tokens, userinfo.

Every authenticated request is one HTTP attempt with an assertion of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from signet.broker.connection import Connection
from signet.broker.current_keys import CurrentKeys
from signet.broker.event import Event
from signet.broker.keyring import Keyring, PublishedKey
from signet.broker.pinning import held, moved
from signet.broker.ports import Audit, Clock, Entropy, Fetcher, Notices, Together
from signet.broker.remote_document import RemoteDocuments
from signet.broker.remote_keys import RemoteKeys
from signet.broker.signature_event import UNUSED, signature_made
from signet.errors import Misconfigured, Rejected, Unavailable
from signet.jose import strict_json
from signet.jose.jws import SignedClaims, SignedToken, SigningKey
from signet.oauth.client_assertion import authentication_parameters, sign_assertion
from signet.oauth.http_message import HttpAnswer, Unreachable
from signet.oauth.provider_token import (
    ProviderTokens,
    build_token_request,
    error_code,
    read_token_response,
)
from signet.oauth.pushed_authorization import build_push, read_push_response
from signet.oidc.discovery import ProviderMetadata, discovery_url
from signet.oidc.id_token import TYPES, IdTokenPolicy, VerifiedIdToken, check_id_token
from signet.oidc.logout_token import TYPES as LOGOUT_TYPES
from signet.oidc.userinfo import build_userinfo_request, read_userinfo_response

T = TypeVar("T")

MAX_ATTEMPTS = 2
NOTICE_SECONDS = 300
_MAX_NOTICED = 1_000
_SERVICE_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """Form parameters with an assertion for one HTTP attempt, and the event of its signature.

    `keyring` is the one whose key signed: newer than the remembered one, when KMS refused that.
    """

    parameters: Mapping[str, str] = field(repr=False)
    event: Event
    keyring: Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """What the token request of one login needs."""

    code: str
    redirect_uri: str
    code_verifier: str


class Provider:
    """The way to all providers; holds caches only, nothing of any one login."""

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        keys: CurrentKeys,
        audit: Audit,
        clock: Clock,
        entropy: Entropy,
        together: Together,
        notices: Notices | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._notices = notices
        self._noticed: dict[str, int] = {}
        self._signing = keys
        self._audit = audit
        self._together = together
        self._clock = clock
        self._entropy = entropy
        self._documents = RemoteDocuments(fetcher=fetcher, clock=clock, read=_read_metadata)
        self._keys = RemoteKeys(fetcher=fetcher, clock=clock)

    def metadata(self, connection: Connection) -> ProviderMetadata:
        """Return the provider's metadata, from memory when warm.

        Where endpoints are pinned, metadata that left their origins or cannot be used any more
        are not followed: the pinned ones serve on, and operators are told.

        Raises:
            Misconfigured: `provider_metadata`. Unavailable: it cannot be had.
        """
        pinned = connection.endpoints
        if pinned is None:
            return self._published(connection)
        try:
            metadata = self._published(connection)
        except Unavailable:
            return held(pinned, issuer=connection.issuer)
        except Misconfigured as problem:
            self._warn(connection, problem.private)
            return held(pinned, issuer=connection.issuer)
        if names := moved(pinned, metadata):
            self._warn(connection, f"changed: {', '.join(names)}")
            return held(pinned, issuer=connection.issuer)
        return metadata

    def _warn(self, connection: Connection, reason: str) -> None:
        """Tell of metadata that are held back, now and then and not at every login."""
        now = self._clock.now()
        last = self._noticed.get(connection.id)
        if self._notices is None or (last is not None and 0 <= now - last < NOTICE_SECONDS):
            return
        if len(self._noticed) >= _MAX_NOTICED:
            self._noticed.clear()
        self._noticed[connection.id] = now
        self._notices.warn("metadata_held", connection_id=connection.id, reason=reason)

    def _published(self, connection: Connection) -> ProviderMetadata:
        metadata = self._documents.get(
            discovery_url(connection.issuer),
            bulkhead=connection.id,
            headers=connection.request_headers,
        )
        if metadata.issuer != connection.issuer:
            raise Misconfigured(
                "provider_metadata",
                "The identity provider's metadata cannot be used.",
                private="the document's issuer is not the connection's issuer",
                redirectable=True,
            )
        return metadata

    def load_keys(self, connection: Connection, metadata: ProviderMetadata) -> None:
        """Have the provider's keys in memory."""
        self._keys.load(
            metadata.jwks_uri, bulkhead=connection.id, headers=connection.request_headers
        )

    def authenticate(
        self,
        connection: Connection,
        keyring: Keyring,
        metadata: ProviderMetadata,
        *,
        key: PublishedKey | None = None,
    ) -> Authentication:
        """Sign an assertion for one HTTP attempt [RFC 7523 2.2]; this is the wait for KMS.

        The current key signs, but for a rotation's probes and second attempts. `redeem` and `push`
        record the signature; whoever sends it otherwise, or not at all, does so by `record`.
        """
        jti, now = self._entropy.token(), self._clock.now()
        profile = connection.assertion_profile(token_endpoint=metadata.token_endpoint)

        def make(signing: SigningKey) -> SignedToken:
            return sign_assertion(profile, key=signing, jti=jti, now=now)

        signed = (
            self._signing.sign(keyring, make)
            if key is None
            else self._signing.sign_with(keyring, key, make)
        )
        token = signed.value
        event = signature_made(
            token,
            purpose="client_assertion",
            time=now,
            subject=connection.id,
            connection=connection.id,
            jti=jti,
        )
        parameters = authentication_parameters(profile, token.compact)
        return Authentication(parameters=parameters, event=event, keyring=signed.keyring)

    def record(self, authentication: Authentication, *, used: bool) -> None:
        """Record an assertion's signature.

        Raises:
            Unavailable: it must not be sent.
        """
        event = authentication.event
        self._audit.record(event if used else replace(event, outcome=UNUSED))

    def _recorded(self, authentication: Authentication, send: Callable[[], T]) -> T:
        """Send an assertion while its signature is recorded: nobody waits for the audit alone.

        What the provider answered is of no use when that failed.
        """
        _, answer = self._together(lambda: self.record(authentication, used=True), send)
        return answer

    def push(
        self,
        connection: Connection,
        endpoint: str,
        *,
        parameters: Mapping[str, str],
        authentication: Authentication,
    ) -> str:
        """Push an authorization request and return its request_uri [RFC 9126 2.3 for refusals]."""
        request = build_push(
            endpoint,
            parameters=parameters,
            authentication=authentication.parameters,
            headers=connection.request_headers,
        )
        answer = self._recorded(
            authentication, lambda: self._fetcher.fetch(request, bulkhead=connection.id)
        )
        _explain_client_refusal(answer)
        return read_push_response(answer)

    def redeem(
        self,
        connection: Connection,
        metadata: ProviderMetadata,
        redemption: Redemption,
        *,
        first: Authentication,
        again: Callable[[], Authentication],
        attempts: int = MAX_ATTEMPTS,
    ) -> ProviderTokens:
        """Redeem a code, with a second attempt only where the first cannot have used it up.

        That is: nothing was sent, or the provider said 503. After an answer that was lost the
        code may be spent, and sending it twice can end the provider's session [RFC 6749 4.1.2].
        """
        authentication, left = first, attempts - 1
        while True:
            answer = self._ask_for_tokens(
                connection, metadata, redemption, authentication, last=left == 0
            )
            if answer is not None:
                _explain_client_refusal(answer)
                return read_token_response(answer)
            authentication, left = again(), left - 1

    def _ask_for_tokens(
        self,
        connection: Connection,
        metadata: ProviderMetadata,
        redemption: Redemption,
        authentication: Authentication,
        *,
        last: bool,
    ) -> HttpAnswer | None:
        """Make one HTTP attempt; None when the code is certainly unspent and it is not the last."""
        request = build_token_request(
            metadata.token_endpoint,
            code=redemption.code,
            redirect_uri=redemption.redirect_uri,
            code_verifier=redemption.code_verifier,
            authentication=authentication.parameters,
            headers=connection.request_headers,
        )
        try:
            answer = self._recorded(
                authentication, lambda: self._fetcher.fetch(request, bulkhead=connection.id)
            )
        except Unreachable as error:
            if error.sent or last:
                raise
            return None
        return None if answer.status == _SERVICE_UNAVAILABLE and not last else answer

    def verify_id_token(
        self, connection: Connection, metadata: ProviderMetadata, token: str, policy: IdTokenPolicy
    ) -> VerifiedIdToken:
        """Verify the signature, then every rule [OIDC Core 3.1.3.7]."""
        verified = self._keys.verify(
            token,
            url=metadata.jwks_uri,
            alg=connection.id_token_alg,
            types=TYPES,
            bulkhead=connection.id,
            headers=connection.request_headers,
        )
        return check_id_token(verified, policy)

    def verify_logout_token(self, connection: Connection, token: str) -> SignedClaims:
        """Verify the signature of a logout token: it is signed as ID tokens are [2.6 (3)]."""
        return self._keys.verify(
            token,
            url=self.metadata(connection).jwks_uri,
            alg=connection.id_token_alg,
            types=LOGOUT_TYPES,
            bulkhead=connection.id,
            headers=connection.request_headers,
        )

    def userinfo(
        self, connection: Connection, endpoint: str, *, access_token: str, subject: str
    ) -> dict[str, object]:
        """Ask for the claims of the ID token's subject [OIDC Core 5.3]."""
        request = build_userinfo_request(
            endpoint, access_token=access_token, headers=connection.request_headers
        )
        answer = self._fetcher.fetch(request, bulkhead=connection.id)
        return read_userinfo_response(answer, subject=subject)


def _explain_client_refusal(answer: HttpAnswer) -> None:
    if answer.status in {400, 401} and error_code(answer) == "invalid_client":
        raise Misconfigured(
            "provider_refused_client",
            "The identity provider did not accept this service.",
            private="invalid_client: the provider does not know the key, the client id or the "
            "audience of this connection",
            redirectable=True,
        )


def _read_metadata(answer: HttpAnswer, url: str) -> ProviderMetadata:
    try:
        document = strict_json.loads_object(answer.body)
    except Rejected as error:
        raise Misconfigured(
            "provider_metadata",
            "The identity provider's metadata cannot be used.",
            private="discovery gave no JSON object",
            redirectable=True,
        ) from error
    # The address was made from the connection's issuer; `metadata` compares with it exactly.
    issuer = document.get("issuer")
    if not isinstance(issuer, str) or discovery_url(issuer) != url:
        issuer = ""
    return ProviderMetadata.read(document, issuer=issuer)
