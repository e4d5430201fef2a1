"""Any OpenID Provider that takes private_key_jwt: nothing is filled in but Signet's defaults."""

from signet.broker.profiles.profile import Checked, Profile

PROFILE = Profile(
    strategy="oidc",
    title="OpenID Connect",
    example={"issuer": "https://idp.example"},
    steps=(
        "Register a confidential client (a web application) with the redirect URI {redirect_uri}.",
        "Choose private_key_jwt as its client authentication method, with {alg}.",
        "Give {jwks_uri} as the client's JWKS address.",
        "If the provider takes no address, enter the public key or the certificate of this page.",
        "Allow the scopes {scopes}.",
        "Tell the client id to whoever sent you this page.",
    ),
    made_up_code="unknown",
    checked=(
        Checked(
            fact="issuer as audience, typ client-authentication+jwt, kid",
            how="tried",
            source="npm oidc-provider 9.13",
        ),
    ),
)
