"""Keycloak 26: the realm's address is issuer and audience, and an assertion lives a minute."""

from signet.broker.profiles.profile import ORIGIN, SEGMENT, Checked, IssuerForm, Profile

PROFILE = Profile(
    strategy="keycloak",
    title="Keycloak",
    example={"issuer": "https://sso.acme.example/realms/staff"},
    issuer=IssuerForm(
        pattern=rf"{ORIGIN}(?:/{SEGMENT})*/realms/{SEGMENT}",
        hint="the realm's address without a slash at its end: https://sso.acme.example/realms/staff",
    ),
    defaults={"assertion": {"audience": "issuer"}},
    steps=(
        (
            "In the Admin Console, choose the realm, open Clients and select Create client; the "
            "client type is OpenID Connect."
        ),
        "Under Capability config, switch Client authentication on and leave Standard flow alone.",
        "Under Login settings, enter the Valid redirect URI {redirect_uri}, and save.",
        (
            "On the Credentials tab, set Client Authenticator to Signed Jwt and Signature "
            "algorithm to {alg}, and save."
        ),
        "On the Keys tab, switch Use JWKS URL on, enter {jwks_uri}, and save.",
        "On the Client scopes tab, let the client have {scopes}.",
        "Tell the Client ID and the realm's address to whoever sent you this page.",
    ),
    explanations={
        "Invalid token audience": (
            "The realm's issuer is not the assertion's audience: check issuer, letter by letter, "
            "and let assertion.audience be issuer."
        ),
        "Invalid signature algorithm": (
            "The client's Signature algorithm in Keycloak is not this connection's algorithm."
        ),
        "Token was issued in the future": "A clock is off by more than 15 seconds.",
        "Token is not active": "A clock is off, or the request took too long.",
        "Token reuse detected": "An assertion came twice: something between us repeats requests.",
        "Signature on JWT token failed validation": (
            "Keycloak has another key than the one that signed: check the client's JWKS URL, on "
            "its Keys tab."
        ),
        "Unable to load public key": (
            "The client has no key: on its Keys tab, switch Use JWKS URL on and enter the address."
        ),
        "Error when loading public keys": (
            "Keycloak cannot read the JWKS URL of the client's Keys tab: check the address, and "
            "whether Keycloak's network lets it out."
        ),
        "Invalid client or Invalid client credentials": (
            "The realm has no such client, it is disabled, or its Client Authenticator is not "
            "Signed Jwt: check client_id and the Credentials tab."
        ),
    },
    made_up_code="invalid_grant",
    checked=(
        Checked(
            fact="logins with every algorithm, pushed requests or none, ID tokens of RS256, PS256 "
            "and ES256, form_post",
            how="tried",
            source="Keycloak 26.7.3",
        ),
        Checked(
            fact="a made-up code is invalid_grant under a good assertion, and invalid_client under "
            "a bad one; one audience, the issuer or the token endpoint; exp and jti needed; a jti "
            "once; the texts of its refusals",
            how="tried",
            source="Keycloak 26.7.3",
        ),
        Checked(
            fact="iat not more than 15 s ahead; 60 s by default; typ is not looked at",
            how="code",
            source="keycloak AbstractBaseJWTValidator.java, AbstractJWTClientValidator.java",
        ),
        Checked(
            fact="an unknown kid makes it fetch the JWKS again; a reused kid would be stale",
            how="documentation",
            source="Red Hat build of Keycloak 26.2: Client authentication with signed JWT",
        ),
    ),
)
