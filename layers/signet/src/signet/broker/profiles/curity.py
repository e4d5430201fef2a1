"""Curity Identity Server: everything is configured by client, and the defaults are strict."""

from signet.broker.profiles.profile import Checked, Profile

PROFILE = Profile(
    strategy="curity",
    title="Curity Identity Server",
    example={"issuer": "https://login.acme.example/oauth/v2/oauth-anonymous"},
    defaults={"assertion": {"audience": "issuer", "typ": "JWT"}},
    steps=(
        "In the Admin UI, open Profiles > Token Service > Clients and select New Client.",
        "As capability choose Code Flow, and enter the redirect URI {redirect_uri}.",
        (
            "As authentication method choose asymmetric-key or jwks-uri; with jwks-uri, enter "
            "{jwks_uri}. The signing algorithm is {alg}."
        ),
        "Allow the scopes {scopes}.",
        "Commit the changes.",
        "Tell the client id and the issuer to whoever sent you this page.",
    ),
    checked=(
        Checked(
            fact="asymmetric key or JWKS URI; clock skew 10 s; enforce-unique-jti-values is a "
            "switch; sub can be mapped to a client id",
            how="documentation",
            source="Curity configuration reference: client-authentication/using-jwt",
        ),
        Checked(
            fact="the audience it takes is not stated: the issuer is RFC 10070's",
            how="excerpt",
            source="Curity: Client Authentication",
        ),
    ),
)
