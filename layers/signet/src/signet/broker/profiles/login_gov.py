"""Login.gov: RS256, the token endpoint as audience, a certificate in the partner portal."""

from signet.broker.profiles.profile import Checked, IssuerForm, Profile

PROFILE = Profile(
    strategy="login_gov",
    title="Login.gov",
    example={
        "issuer": "https://idp.int.identitysandbox.gov/",
        "upstream_params": {"acr_values": "urn:acr.login.gov:auth-only"},
    },
    issuer=IssuerForm(
        pattern=r"https://(?:secure\.login\.gov|idp\.int\.identitysandbox\.gov)/",
        hint="https://secure.login.gov/ or https://idp.int.identitysandbox.gov/",
    ),
    algorithms=("RS256",),
    defaults={
        # Its code refuses the issuer as audience, and tries every certificate without a kid.
        "assertion": {"audience": "token_endpoint", "typ": "JWT", "key_headers": []},
        "key_registration": "manual",
        "scopes": ["openid", "email"],
    },
    required_params=("acr_values",),
    key_form="certificate",
    steps=(
        (
            "In the Login.gov Partner Portal, create an app with OpenID Connect as its protocol "
            "and private_key_jwt as its authentication; PKCE may stay on beside it."
        ),
        (
            "As Issuer (that is the client id) enter {client_id}, or tell the one that the portal "
            "has to whoever sent you this page."
        ),
        (
            "Under Public certificates upload the certificate of the key that is marked current "
            "on this page, and the next one's too if there is one."
        ),
        "Under Redirect URIs add {redirect_uri}.",
        (
            "For production, request deployment: a change there takes up to two weeks, so upload "
            "a next certificate that long before it is used."
        ),
    ),
    explanations={
        "Invalid audience claim": (
            "Login.gov wants its token endpoint as the audience: let assertion.audience be "
            "token_endpoint."
        ),
        "No acceptable acr_values": "upstream_params.acr_values holds nothing that Login.gov has.",
        "acr_values are not authorized": (
            "The app in the Partner Portal does not have the level of upstream_params.acr_values."
        ),
        "redirect_uri does not match": (
            "The redirect URI of this connection is not among the app's in the Partner Portal."
        ),
        "Bad client_id": "The app's Issuer in the Partner Portal is not this client_id.",
    },
    probe=False,
    checked=(
        Checked(
            fact="a made-up code ends the request before the assertion is looked at, with a text "
            "that is no error code: a probe would tell nothing of the key",
            how="code",
            source="18F/identity-idp openid_connect_token_form.rb, an older version of it",
        ),
        Checked(
            fact="RS256 alone; token endpoint as audience, the issuer refused; PKCE and "
            "private_key_jwt are both checked where both are sent; the texts of its refusals",
            how="code",
            source="18F/identity-idp openid_connect_token_form.rb, openid_connect locale",
        ),
        Checked(
            fact="certificates in the portal, several; two weeks to production; no JWKS address",
            how="documentation",
            source="developers.login.gov: OIDC token, Production deployment",
        ),
        Checked(
            fact="acr_values are required; state and nonce of 22 characters or more (ours are 43)",
            how="code",
            source="18F/identity-idp openid_connect_authorize_form.rb",
        ),
    ),
)
