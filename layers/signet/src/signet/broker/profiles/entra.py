"""Microsoft Entra ID: a certificate is uploaded, and found again by its thumbprint alone."""

from signet.broker.profiles.profile import Checked, IssuerForm, IssuerMember, Profile

_TENANT = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

PROFILE = Profile(
    strategy="entra",
    title="Microsoft Entra ID",
    example={"tenant_id": "11111111-2222-4333-8444-555555555555"},
    issuer=IssuerForm(
        hint="https://login.microsoftonline.com/ and the tenant's id and /v2.0",
        members=(
            IssuerMember(
                name="tenant_id",
                template="https://login.microsoftonline.com/{value}/v2.0",
                pattern=_TENANT,
                hint="the Directory (tenant) ID, in lower case; a domain name, common and "
                "organizations name no one issuer",
            ),
        ),
    ),
    algorithms=("PS256", "RS256"),
    defaults={
        "assertion": {
            "audience": "token_endpoint",
            "typ": "JWT",
            # No kid beside it: one that Entra does not know makes it find no key at all.
            "key_headers": ["x5t#S256"],
        },
        "key_registration": "manual",
    },
    key_form="certificate",
    steps=(
        (
            "In the Microsoft Entra admin center, open App registrations and select New "
            "registration; choose Accounts in this organizational directory only."
        ),
        "Under Manage > Authentication, add the platform Web with the redirect URI {redirect_uri}.",
        (
            "Under Manage > Certificates & secrets, open Certificates, select Upload certificate, "
            "and upload the certificate of the key that is marked current on this page. If there "
            "is a next one, upload it too. Create no client secret."
        ),
        (
            "Under Manage > API permissions, let Microsoft Graph have the delegated permissions "
            "{scopes}."
        ),
        (
            "From Overview, tell the Application (client) ID and the Directory (tenant) ID to "
            "whoever sent you this page."
        ),
    ),
    explanations={
        "AADSTS5002723": (
            "The assertion names no certificate: assertion.key_headers has to hold x5t#S256."
        ),
        "AADSTS700027": (
            "Entra found no certificate for this assertion, or it has expired: upload the current "
            "key's certificate, and let assertion.key_headers hold x5t#S256 alone."
        ),
        "AADSTS700024": (
            "The assertion was not valid at Entra's time, or for its audience: look at the clock, "
            "and let assertion.audience be token_endpoint."
        ),
        "AADSTS700016": "Entra knows no such application here: check client_id and tenant_id.",
        "AADSTS90002": "Entra knows no such tenant: check tenant_id.",
        "AADSTS50027": (
            "Entra could not take the assertion as it is: let assertion.audience be token_endpoint."
        ),
        "AADSTS50011": (
            "The redirect URI of this connection is not among the app registration's, under the "
            "platform Web."
        ),
    },
    checked=(
        Checked(
            fact="PS256, typ JWT, x5t#S256, the v2.0 token endpoint as audience, nbf, no jwks_uri",
            how="documentation",
            source="Microsoft identity platform: certificate credentials",
        ),
        Checked(
            fact="RS256 is taken too",
            how="excerpt",
            source="older translations of the same page, with x5t of SHA-1",
        ),
        Checked(
            fact="an unrelated kid breaks the look-up; without a thumbprint AADSTS5002723",
            how="excerpt",
            source="keycloak #25439, quarkus #17952, MSAL.NET's tests",
        ),
        Checked(
            fact="PKCE S256 is done, though the metadata do not say so",
            how="excerpt",
            source="reports of its discovery document",
        ),
        Checked(
            fact="AADSTS700027, 700024, 700016, 90002, 50027, 50011",
            how="excerpt",
            source="reports that quote them; the numbers are Microsoft's to change",
        ),
    ),
)
