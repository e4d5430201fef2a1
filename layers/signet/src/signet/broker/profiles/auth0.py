"""Auth0 as the identity provider: a key is uploaded, and Auth0 gives it a kid of its own."""

from signet.broker.profiles.profile import HOST, Checked, IssuerForm, Profile

PROFILE = Profile(
    strategy="auth0",
    title="Auth0",
    example={"issuer": "https://acme.eu.auth0.com/"},
    issuer=IssuerForm(
        pattern=rf"https://{HOST}/",
        hint="https://, the tenant's or custom domain and a slash: https://acme.eu.auth0.com/",
    ),
    algorithms=("RS256", "RS384", "PS256"),
    defaults={
        # The kid that Auth0 knows is its own; without one it tries the application's keys.
        "assertion": {"audience": "issuer", "typ": "JWT", "key_headers": []},
        "key_registration": "manual",
    },
    key_form="public_key",
    steps=(
        (
            "In the Auth0 Dashboard, open Applications > Applications and select Create "
            "Application; choose Regular Web Applications."
        ),
        "On the Settings tab, under Allowed Callback URLs, enter {redirect_uri}, and save.",
        "On the Credentials tab, under Authentication Methods, select Private Key JWT.",
        (
            "Give the credential a name, upload the PEM public key of the key that is marked "
            "current on this page, choose the algorithm {alg}, and select Add Credential. There "
            "is room for two: if there is a next key, add it too."
        ),
        "Tell the Client ID and the Domain to whoever sent you this page.",
    ),
    checked=(
        Checked(
            fact="issuer with its slash as audience; exp at most 5 min; jti needed, once; kid "
            "optional and made by Auth0",
            how="documentation",
            source="Auth0: Authenticate with Private Key JWT",
        ),
        Checked(
            fact="two credentials; RS256, RS384, PS256; PEM or X.509; Enterprise plan",
            how="documentation",
            source="Auth0: Configure Private Key JWT Authentication; Credential Settings",
        ),
    ),
)
