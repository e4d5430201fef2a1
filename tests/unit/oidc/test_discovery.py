"""Our own metadata: what works, and nothing else [OIDC Discovery 3]."""

from signet.oidc.discovery import discovery_url, issuer_metadata

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
    assert len(addresses) == 4
    assert all(str(address).startswith(f"{ISSUER}/") for address in addresses)


def test_discovery_is_at_the_well_known_address() -> None:
    well_known = "/.well-known/openid-configuration"
    assert discovery_url("https://idp.example") == f"https://idp.example{well_known}"
    assert discovery_url("https://idp.example/t/") == f"https://idp.example/t{well_known}"
