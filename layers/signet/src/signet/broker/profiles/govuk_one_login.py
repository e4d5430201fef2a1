"""GOV.UK One Login: it wants a User-Agent, a vector of trust, and signs ID tokens with ES256."""

from signet.broker.profiles.profile import Checked, IssuerForm, Profile

PROFILE = Profile(
    strategy="govuk_one_login",
    title="GOV.UK One Login",
    example={"issuer": "https://oidc.integration.account.gov.uk/"},
    issuer=IssuerForm(
        pattern=r"https://oidc\.(?:integration\.)?account\.gov\.uk/",
        hint="https://oidc.account.gov.uk/ or https://oidc.integration.account.gov.uk/",
    ),
    algorithms=("RS256",),
    defaults={
        "assertion": {"audience": "issuer", "typ": "JWT"},
        "id_token_signed_response_alg": "ES256",
        "request_headers": {"user-agent": "Signet"},
        "scopes": ["openid", "email"],
        "upstream_params": {"vtr": '["Cl.Cm"]'},
    },
    required_params=("vtr",),
    steps=(
        "Sign in to the GOV.UK One Login admin tool, choose the service, and open its client.",
        "As redirect URI enter {redirect_uri}.",
        "As public key choose JWKS URL, and enter {jwks_uri}.",
        (
            "As token authentication method choose private_key_jwt; as ID token signing algorithm "
            "keep ES256."
        ),
        "As scopes allow {scopes}.",
        "Tell the Client ID to whoever sent you this page.",
    ),
    made_up_code="invalid_grant",
    checked=(
        Checked(
            fact="a made-up code is invalid_grant: the assertion is looked at before it",
            how="code",
            source="govuk-one-login/authentication-api TokenHandler.java, an older version of it",
        ),
        Checked(
            fact="token endpoint or issuer (with its slash) as the one audience; jti once; kid "
            "needed with a JWKS; RSA keys; JWKS fetched within 5 s and kept for 24 h",
            how="documentation",
            source="GOV.UK One Login: authenticate your user; set up your public and private keys",
        ),
        Checked(
            fact="403 without a User-Agent",
            how="documentation",
            source="GOV.UK One Login: set a User-Agent header",
        ),
        Checked(
            fact="vtr of medium authentication; ID tokens with ES256 by default",
            how="documentation",
            source="GOV.UK One Login: authenticate your user",
        ),
    ),
)
