"""PingFederate: what it takes is configured by client, and little of it is documented."""

from signet.broker.profiles.profile import Checked, Profile

PROFILE = Profile(
    strategy="pingfederate",
    title="PingFederate",
    example={"issuer": "https://sso.acme.example"},
    defaults={"assertion": {"audience": "issuer", "typ": "JWT"}},
    steps=(
        "In the administrative console, open Applications > OAuth > Clients and select Add Client.",
        (
            "Set Client Authentication to Private Key JWT. Replay Prevention may be on; Require "
            "Signed Requests has to be off. As signing algorithm choose {alg}."
        ),
        "Under JWKS URL enter {jwks_uri}.",
        "Under Redirect URIs add {redirect_uri}.",
        (
            "Under Allowed Grant Types select Authorization Code, and Require Proof Key for Code "
            "Exchange (PKCE)."
        ),
        "If scopes are restricted, allow {scopes}.",
        "Tell the Client ID and the issuer to whoever sent you this page.",
    ),
    checked=(
        Checked(
            fact="RS, ES and PS 256 to 512, pinned by client; replay prevention is a switch of the "
            "client, off by default; JWKS or JWKS URL; Require Signed Requests",
            how="excerpt",
            source="PingFederate: Configuring OAuth clients; client configuration defaults",
        ),
        Checked(
            fact="the audience it takes is not stated: the issuer is RFC 10070's",
            how="excerpt",
            source="the same pages",
        ),
    ),
)
