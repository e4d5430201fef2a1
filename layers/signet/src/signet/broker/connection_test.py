"""Test a connection before the first user does (contract, section 4).

Nothing that is reported says more than what the provider publishes, and its bare error code.
Whatever keeps Signet from reaching an address reads the same, so that nobody learns about our
network from it (MG-001, MG-021); and no assertion leaves for a provider whose metadata are not
the issuer's own.
"""

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from signet.broker.agreement import Agreement
from signet.broker.client_verdict import verdict
from signet.broker.connection import Connection
from signet.broker.connection_report import Finding, judge_keys, judge_metadata, report
from signet.broker.keyring import missing
from signet.broker.pinning import held, moved
from signet.broker.ports import Clock, Entropy, Fetcher, Keyrings, RateLimits
from signet.broker.profiles.registry import profile_of
from signet.broker.provider import Provider
from signet.broker.record_key import record_key
from signet.broker.rotation import ACCEPTED, REFUSED, UNKNOWN, UNREACHABLE
from signet.errors import Rejected, SignetError, Unavailable
from signet.jose import strict_json
from signet.jose.jwks import Jwks
from signet.oauth.http_message import HttpAnswer, HttpRequest
from signet.oauth.provider_token import build_token_request, error_code
from signet.oidc.discovery import ProviderMetadata

EVERY_SECONDS = 10
_CLOCK_OFF_SECONDS = 30
_OK = 200
_NOT_REACHED = "The provider could not be reached, or did not answer in time. Try again later."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    authentication: str
    advice: str
    evidence: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTest:
    """The use case behind `POST /connections/{id}/test`; `issuer` is Signet's own."""

    issuer: str
    agreement: Agreement
    provider: Provider
    fetcher: Fetcher
    keyrings: Keyrings
    limits: RateLimits
    clock: Clock
    entropy: Entropy

    def __call__(self, connection: Connection) -> dict[str, object]:
        """Look at the metadata, the keys, and whether the provider knows our key.

        Raises:
            Rejected: `test_too_soon`. Unavailable, Misconfigured: KMS or a table is.
        """
        self._check_rate(connection)
        try:
            document = self.agreement.document(connection)
        except (Unavailable, Rejected) as problem:
            return _unreached(problem)
        metadata, findings = judge_metadata(connection, document)
        if metadata is None:
            advice = f"{findings[0].text} Mend the issuer, or ask the provider's administrator."
            return _result(findings, _Outcome(authentication=UNKNOWN, advice=advice))
        if connection.endpoints is not None and moved(connection.endpoints, metadata):
            metadata = held(connection.endpoints, issuer=connection.issuer)
        keys = judge_keys(connection, self._keys(connection, metadata))
        return _result((*findings, keys), self._authenticate(connection, metadata))

    def _check_rate(self, connection: Connection) -> None:
        now = self.clock.now()
        key = record_key("TEST", self.issuer, connection.id)
        if not self.limits.take(key, now=now, until=now + EVERY_SECONDS):
            raise Rejected(
                "test_too_soon", f"A connection is tested at most every {EVERY_SECONDS} seconds."
            )

    def _keys(self, connection: Connection, metadata: ProviderMetadata) -> Jwks | None:
        request = HttpRequest(
            method="GET", url=metadata.jwks_uri, headers=connection.request_headers
        )
        try:
            answer = self._fetch(connection, request)
            # A login takes keys from a 200 alone; what it would refuse is not called usable here.
            if answer.status != _OK:
                return None
            return Jwks.read(strict_json.loads_object(answer.body))
        except (Rejected, Unavailable):
            return None

    def _authenticate(self, connection: Connection, metadata: ProviderMetadata) -> _Outcome:
        """Ask for tokens with a code that nobody gave: what is refused first tells the rest."""
        keyring = self.keyrings.get(connection.id)
        if keyring is None:
            raise missing(connection.id)
        authentication = self.provider.authenticate(connection, keyring, metadata)
        # Before the attempt, whose failures are findings: that nothing is recorded is none.
        self.provider.record(authentication, used=True)
        request = build_token_request(
            metadata.token_endpoint,
            code=self.entropy.token(),
            redirect_uri=connection.redirect_uri(self.issuer),
            code_verifier=self.entropy.token(),
            authentication=authentication.parameters,
            headers=connection.request_headers,
        )
        try:
            answer = self._fetch(connection, request)
        except (Unavailable, Rejected):
            return _Outcome(authentication=UNKNOWN, advice=_NOT_REACHED)
        return self._judge(connection, answer)

    def _fetch(self, connection: Connection, request: HttpRequest) -> HttpAnswer:
        return self.fetcher.fetch(request, bulkhead=f"administrator/{connection.id}")

    def _judge(self, connection: Connection, answer: HttpAnswer) -> _Outcome:
        code = error_code(answer)
        evidence: dict[str, object] = {"status": answer.status, "error": code}
        found = verdict(answer)
        if found == ACCEPTED:
            advice = "The provider knows Signet's key. A user can log in."
            return _Outcome(authentication=ACCEPTED, advice=advice, evidence=evidence)
        if found == REFUSED:
            advice = self._explain_refusal(connection, answer, code)
            return _Outcome(authentication=REFUSED, advice=advice, evidence=evidence)
        if found == UNREACHABLE:
            return _Outcome(authentication=UNKNOWN, advice=_NOT_REACHED, evidence=evidence)
        advice = _explained(connection, answer) or (
            "This provider looked at the code before it looked at the client, or said something "
            "that is not an OAuth error: whether it knows the key shows at the first login."
        )
        return _Outcome(authentication=UNKNOWN, advice=advice, evidence=evidence)

    def _explain_refusal(self, connection: Connection, answer: HttpAnswer, code: str) -> str:
        """Say what to look at first: what can be told from here, then what is most common."""
        off = self._clock_difference(answer)
        if abs(off) > _CLOCK_OFF_SECONDS:
            return (
                f"The provider's clock differs from ours by {abs(off)} seconds, so that it takes "
                "our assertion for one of another time. One of the two has to be set."
            )
        if known := _explained(connection, answer):
            return known
        if code == "unauthorized_client":
            return (
                "The provider knows the client and does not let it do this: allow the "
                "authorization code grant for it there."
            )
        how = (
            "the certificate or key of the registration sheet is entered there"
            if connection.key_registration == "manual"
            else f"this JWKS address is entered there: {connection.jwks_uri(self.issuer)}"
        )
        return (
            f"The provider did not accept the client. Look at these, in this order: {how}; the "
            f"client id there is {connection.client_id}; its authentication method is "
            f"private_key_jwt with {connection.signing_alg}; the audience that it wants is "
            f"{connection.assertion.audience}. After a change there, a provider may keep our old "
            "keys for a while."
        )

    def _clock_difference(self, answer: HttpAnswer) -> int:
        """Return how far the provider's clock is from ours, in seconds, if it tells [RFC 9110]."""
        try:
            date = parsedate_to_datetime(answer.headers.get("date", ""))
            return int(date.timestamp()) - self.clock.now()
        except (ValueError, OverflowError):
            return 0


def _explained(connection: Connection, answer: HttpAnswer) -> str | None:
    """Find the profile's explanation of an error text; the text itself goes nowhere."""
    try:
        text = strict_json.loads_object(answer.body).get("error_description")
    except SignetError:
        return None
    return profile_of(connection.strategy).explain(text) if isinstance(text, str) else None


def _unreached(problem: SignetError) -> dict[str, object]:
    text = problem.public if problem.code == "provider_metadata" else _NOT_REACHED
    finding = Finding(check="metadata", outcome="failed", text=text)
    return _result((finding,), _Outcome(authentication=UNKNOWN, advice=text))


def _result(findings: tuple[Finding, ...], outcome: _Outcome) -> dict[str, object]:
    return {
        "discovery": report(findings),
        "client_authentication": outcome.authentication,
        "evidence": outcome.evidence,
        "advice": outcome.advice,
    }
