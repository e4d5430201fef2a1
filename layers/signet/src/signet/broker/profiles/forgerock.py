"""PingAM, once ForgeRock AM, and PingOne Advanced Identity Cloud: the token endpoint is named."""

from signet.broker.profiles.profile import Checked, Profile

PROFILE = Profile(
    strategy="forgerock",
    title="PingAM (ForgeRock)",
    example={"issuer": "https://am.acme.example/am/oauth2/realms/root/realms/alpha"},
    defaults={"assertion": {"audience": "token_endpoint", "typ": "JWT"}},
    steps=(
        (
            "In the AM admin UI, go to Realms > the realm > Applications > OAuth 2.0 > Clients "
            "and add a confidential client with the redirection URI {redirect_uri} and the scopes "
            "{scopes}."
        ),
        (
            "On the Advanced tab, set Token Endpoint Authentication Method to private_key_jwt, "
            "and save."
        ),
        (
            "On the Signing and Encryption tab, set Token Endpoint Authentication Signing "
            "Algorithm to {alg}."
        ),
        (
            "On the same tab, set Public key selector to JWKs_URI and Json Web Key URI to "
            "{jwks_uri}, and save."
        ),
        "Tell the client ID and the realm's issuer to whoever sent you this page.",
    ),
    checked=(
        Checked(
            fact="audience has to be the token endpoint, or one of Additional Audience Values",
            how="documentation",
            source="PingAM 7.2: Authenticate clients with JWT profiles",
        ),
        Checked(
            fact="the algorithm is pinned on the client; JWKs URI, JWKs or X.509; admin UI's words",
            how="excerpt",
            source="PingAM 8: JWT profile",
        ),
    ),
)
