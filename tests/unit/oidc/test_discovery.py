"""Metadata: a provider's are its issuer's own, ours say what works [OIDC Discovery 3, 4.3]."""

import pytest

from signet.errors import Misconfigured
from signet.oidc.discovery import ProviderMetadata, discovery_url, issuer_metadata
from signet.settings import Settings

ISSUER = "https://login.example"


def test_our_metadata_offer_no_secrets_and_no_weak_methods() -> None:
    ours = issuer_metadata(ISSUER, id_token_algs=("RS256",), assertion_algs=("ES256", "PS256"))
    assert ours["issuer"] == ISSUER
    assert ours["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert ours["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "PS256"]
    assert ours["id_token_signing_alg_values_supported"] == ["RS256"]
    assert ours["code_challenge_methods_supported"] == ["S256"]
    assert ours["response_types_supported"] == ["code"]
    assert ours["authorization_response_iss_parameter_supported"] is True
    assert ours["request_uri_parameter_supported"] is False  # its default would be true


def test_every_endpoint_is_under_the_issuer() -> None:
    ours = issuer_metadata(ISSUER, id_token_algs=(), assertion_algs=())
    addresses = [value for name, value in ours.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) == 8
    assert all(str(address).startswith(f"{ISSUER}/") for address in addresses)


def test_discovery_is_at_the_well_known_address() -> None:
    well_known = "/.well-known/openid-configuration"
    assert discovery_url("https://idp.example") == f"https://idp.example{well_known}"
    assert discovery_url("https://idp.example/t/") == f"https://idp.example/t{well_known}"


@pytest.mark.parametrize("issuer", ["https://idp.example/", "https://evil.example", None])
def test_metadata_of_another_issuer_are_refused(issuer: object) -> None:
    document = {
        "issuer": issuer,
        "authorization_endpoint": "https://idp.example/auth",
        "token_endpoint": "https://idp.example/token",
        "jwks_uri": "https://idp.example/jwks",
    }
    with pytest.raises(Misconfigured):
        ProviderMetadata.read(document, issuer="https://idp.example")


@pytest.mark.parametrize("sessions", [True, False])
def test_who_keeps_no_sessions_promises_to_tell_nobody_of_their_end(*, sessions: bool) -> None:
    ours = issuer_metadata(ISSUER, id_token_algs=(), assertion_algs=(), sessions=sessions)
    assert ours["backchannel_logout_supported"] is sessions
    assert ours["backchannel_logout_session_supported"] is sessions
    assert ours["end_session_endpoint"] == f"{ISSUER}/logout"


@pytest.mark.parametrize(
    ("seconds", "idle", "keeps"), [("1", "1", True), ("0", "1", False), ("1", "0", False)]
)
def test_a_bound_of_0_keeps_no_sessions(seconds: str, idle: str, *, keeps: bool) -> None:
    given = {"SIGNET_SESSION_SECONDS": seconds, "SIGNET_SESSION_IDLE_SECONDS": idle}
    assert Settings.read({"SIGNET_ISSUER": ISSUER, **given}).keeps_sessions is keeps
