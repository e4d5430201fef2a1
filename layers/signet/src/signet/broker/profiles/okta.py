"""Okta (Workforce): the audience is the endpoint that is called, so nothing is pushed."""

from signet.broker.profiles.profile import HOST, Checked, IssuerForm, IssuerMember, Profile

PROFILE = Profile(
    strategy="okta",
    title="Okta",
    example={"okta_domain": "acme.okta.com"},
    issuer=IssuerForm(
        hint="https://acme.okta.com, or https://acme.okta.com/oauth2/default",
        members=(
            IssuerMember(
                name="okta_domain",
                template="https://{value}",
                pattern=HOST,
                hint="the domain of the Okta organization, such as acme.okta.com",
            ),
            IssuerMember(
                name="authorization_server",
                template="/oauth2/{value}",
                pattern=r"[A-Za-z0-9_-]{1,64}",
                hint="the id of a custom authorization server, such as default",
                required=False,
            ),
        ),
    ),
    algorithms=("RS256", "RS384", "RS512", "ES256", "ES384", "ES512"),
    defaults={
        "assertion": {"audience": "token_endpoint", "typ": "JWT"},
        # Okta wants the endpoint that is called as the audience; ours is the same everywhere.
        "pushed_authorization": "never",
    },
    steps=(
        (
            "In the Admin Console, go to Applications > Applications and select Create App "
            "Integration; choose OIDC - OpenID Connect, then Web Application."
        ),
        "Under Sign-in redirect URIs enter {redirect_uri}, and save the app.",
        (
            "On the General tab, under Client Credentials, select Edit, and choose Public key / "
            "Private key as Client authentication."
        ),
        "Under Public keys choose Use a URL to fetch keys dynamically, enter {jwks_uri}, and save.",
        "On the Assignments tab assign the people or groups who may sign in.",
        (
            "If you use a custom authorization server, let an access policy of it allow this app "
            "the scopes {scopes}."
        ),
        "Tell the Client ID and your Okta domain to whoever sent you this page.",
    ),
    explanations={
        "must be the endpoint invoked": (
            "The assertion names another audience than the token endpoint: set assertion.audience "
            "to token_endpoint, and pushed_authorization to never."
        ),
    },
    checked=(
        Checked(
            fact="algorithms; exp at most an hour ahead; a jti is taken once",
            how="documentation",
            source="Okta developer guide: Build a JWT for client authentication",
        ),
        Checked(
            fact="audience is the full URL of the endpoint that is called; the issuer is refused",
            how="excerpt",
            source="the same guide; php-openid-client #25 quotes Okta's refusal",
        ),
        Checked(
            fact="console: Public key / Private key, Use a URL to fetch keys dynamically",
            how="excerpt",
            source="Okta help: Encrypt OIDC ID tokens; OAuth client credential management",
        ),
    ),
)
