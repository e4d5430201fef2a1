"""Judge what a provider publishes, as findings that an administrator can act on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from signet.broker.connection import Connection
from signet.broker.pinning import moved
from signet.errors import Misconfigured
from signet.jose.algorithms import algorithm
from signet.jose.jwks import Jwks
from signet.oidc.discovery import ProviderMetadata

OK, WARNING, FAILED = "ok", "warning", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: `outcome` is ok, warning or failed."""

    check: str
    outcome: str
    text: str


def worst(findings: tuple[Finding, ...]) -> str:
    """Return the outcome of all of them together."""
    outcomes = {finding.outcome for finding in findings}
    return next((outcome for outcome in (FAILED, WARNING) if outcome in outcomes), OK)


def report(findings: tuple[Finding, ...]) -> dict[str, object]:
    """Write findings for the management API."""
    return {"outcome": worst(findings), "findings": [asdict(finding) for finding in findings]}


def judge_metadata(
    connection: Connection, document: Mapping[str, object]
) -> tuple[ProviderMetadata | None, tuple[Finding, ...]]:
    """Judge a discovery document; the metadata are None when no login could use them."""
    try:
        metadata = ProviderMetadata.read(document, issuer=connection.issuer)
    except Misconfigured as error:
        text = f"No login can use this document: {error.private}."
        return None, (Finding(check="metadata", outcome=FAILED, text=text),)
    findings = (
        Finding(
            check="metadata",
            outcome=OK,
            text="The document is the issuer's own and has every endpoint that a login needs.",
        ),
        _endpoints(connection, metadata),
        _listed(
            document,
            "token_endpoint_auth_signing_alg_values_supported",
            connection.signing_alg,
            "the algorithm of our assertions",
        ),
        _listed(
            document,
            "id_token_signing_alg_values_supported",
            connection.id_token_alg,
            "the algorithm of its ID tokens",
        ),
        _listed(document, "code_challenge_methods_supported", "S256", "PKCE"),
        _listed(document, "response_types_supported", "code", "the code flow"),
        _listed(
            document,
            "response_modes_supported",
            connection.response_mode,
            "how its answers come back",
        ),
        _pushed(connection, metadata),
        _issuer_parameter(metadata),
    )
    return metadata, findings


def judge_keys(connection: Connection, keys: Jwks | None) -> Finding:
    """Judge the provider's keys; None means that there is no usable set at all."""
    if keys is None:
        return Finding(
            check="keys", outcome=FAILED, text="There is no key of the provider that can be used."
        )
    wanted = algorithm(connection.id_token_alg)
    count = len(keys.candidates(kid=None, algorithm=wanted))
    if count == 0:
        return Finding(
            check="keys",
            outcome=FAILED,
            text=f"None of the provider's keys fits {wanted.name}, which its ID tokens have to be "
            "signed with: change id_token_signed_response_alg, here or there.",
        )
    return Finding(
        check="keys", outcome=OK, text=f"{count} of the provider's keys can sign {wanted.name}."
    )


def _endpoints(connection: Connection, metadata: ProviderMetadata) -> Finding:
    if connection.endpoints is None:
        return Finding(
            check="endpoints",
            outcome=WARNING,
            text="Nobody agreed to the provider's endpoints yet: POST …/metadata pins them.",
        )
    names = moved(connection.endpoints, metadata)
    if names:
        return Finding(
            check="endpoints",
            outcome=WARNING,
            text=f"Changed since they were agreed to: {', '.join(names)}. The old ones are used "
            "until an administrator agrees: POST …/metadata.",
        )
    return Finding(check="endpoints", outcome=OK, text="The endpoints are where they were.")


def _listed(document: Mapping[str, object], name: str, value: str, what: str) -> Finding:
    listed = document.get(name)
    if listed is None:
        return Finding(check=name, outcome=WARNING, text=f"The provider does not say ({what}).")
    if isinstance(listed, list) and value in listed:
        return Finding(check=name, outcome=OK, text=f"{value} is among them ({what}).")
    return Finding(
        check=name, outcome=FAILED, text=f"{value} is not among them ({what}): choose another."
    )


def _pushed(connection: Connection, metadata: ProviderMetadata) -> Finding:
    has_endpoint = metadata.pushed_authorization_request_endpoint is not None
    if connection.pushed_authorization == "required" and not has_endpoint:
        text = "The connection requires pushed requests, and the provider does not take any."
        return Finding(check="pushed_authorization", outcome=FAILED, text=text)
    used = has_endpoint and connection.pushed_authorization != "never"
    text = "Requests are pushed." if used else "Requests go through the browser."
    return Finding(check="pushed_authorization", outcome=OK, text=text)


def _issuer_parameter(metadata: ProviderMetadata) -> Finding:
    if metadata.iss_parameter_supported:
        return Finding(check="iss", outcome=OK, text="Its answers name their issuer, and have to.")
    return Finding(
        check="iss",
        outcome=WARNING,
        text="Its answers do not name their issuer; each connection has its own redirect URI.",
    )
