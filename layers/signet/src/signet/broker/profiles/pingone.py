"""PingOne: the issuer ends with /as, and is a good audience."""

from signet.broker.profiles.profile import HOST, Checked, IssuerForm, Profile

_ENVIRONMENT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

PROFILE = Profile(
    strategy="pingone",
    title="PingOne",
    example={"issuer": "https://auth.pingone.eu/11111111-2222-4333-8444-555555555555/as"},
    issuer=IssuerForm(
        pattern=rf"https://{HOST}(?:/{_ENVIRONMENT})?/as",
        hint="https://auth.pingone.eu/ENVIRONMENT-ID/as, or https://CUSTOM-DOMAIN/as",
    ),
    algorithms=("RS256", "RS384", "RS512"),
    defaults={"assertion": {"audience": "issuer", "typ": "JWT"}},
    steps=(
        (
            "In the PingOne admin console, open Applications > Applications, select +, and choose "
            "OIDC Web App."
        ),
        (
            "On the Configuration tab, keep Response Type Code and Grant Type Authorization Code, "
            "set PKCE Enforcement to S256_REQUIRED, and enter the redirect URI {redirect_uri}."
        ),
        (
            "Set Token Endpoint Authentication Method to Private Key JWT, choose JWKS URL, and "
            "enter {jwks_uri}."
        ),
        "On the Resources tab, allow the scopes {scopes}.",
        "Switch the application on.",
        "Tell the Client ID and the Issuer ID to whoever sent you this page.",
    ),
    checked=(
        Checked(
            fact="issuer, token endpoint or called endpoint as audience; exp at most an hour; jti "
            "and iat not validated; nbf is",
            how="documentation",
            source="PingOne Platform APIs: Create a private key JWT",
        ),
        Checked(
            fact="RS256, RS384, RS512; another page adds ES, which we leave out",
            how="documentation",
            source="PingOne: Token endpoint authentication methods; PRIVATE_KEY_JWT Setup",
        ),
        Checked(
            fact="jwksUrl over https, or jwks as one line",
            how="documentation",
            source="PingOne Platform APIs: Create a private_key_jwt JWKS string",
        ),
    ),
)
