"""ID-porten (Norway): keys are handed in as a set of at most five, and live a year at most."""

from signet.broker.profiles.profile import Checked, IssuerForm, Profile

PROFILE = Profile(
    strategy="idporten",
    title="ID-porten",
    example={"issuer": "https://test.idporten.no"},
    issuer=IssuerForm(
        pattern=r"https://(?:test\.)?idporten\.no",
        hint="https://idporten.no or https://test.idporten.no, without a slash at its end",
    ),
    algorithms=("RS256",),
    defaults={
        "assertion": {"audience": "issuer", "typ": "JWT"},
        "key_registration": "manual",
        "scopes": ["openid", "profile"],
    },
    key_form="jwks",
    steps=(
        "In Samarbeidsportalen, open the integrations and create one for ID-porten.",
        "As client authentication method (token_endpoint_auth_method) choose private_key_jwt.",
        "As redirect URI (redirect_uris) enter {redirect_uri}, and as scopes {scopes}.",
        (
            "Under Keys, add every JWK of this page. The set that you save replaces the one "
            "before, holds at most five keys, and a key lives a year at most."
        ),
        "Tell the client id to whoever sent you this page.",
    ),
    checked=(
        Checked(
            fact="issuer without a slash, or token endpoint, as audience; RS256; kid or x5c; "
            "client_id also as a parameter; PKCE S256, state and nonce required",
            how="documentation",
            source="docs.digdir.no: /token endpoint; changes in the new ID-porten (2024)",
        ),
        Checked(
            fact="at most five keys, the whole set replaced, a year at most; no JWKS address",
            how="documentation",
            source="docs.digdir.no: client registration (2024)",
        ),
    ),
)
