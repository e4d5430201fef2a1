"""Certificates, the header members that name a key, home realm discovery, management access."""

from tests.mutants.rule import Rule

_CERTIFICATE = ("unit/jose/test_certificate.py",)
_HOME_REALM = ("unit/broker/test_home_realm_discovery.py",)
_ACCESS = ("unit/broker/test_client_credentials.py",)


def _certificate(name: str, text: str, instead: str) -> Rule:
    return Rule(f"certificate: {name}", "jose/certificate.py", text, instead, _CERTIFICATE)


def _reference(name: str, text: str, instead: str) -> Rule:
    return Rule(f"key reference: {name}", "jose/key_reference.py", text, instead, _CERTIFICATE)


def _domain(name: str, text: str, instead: str) -> Rule:
    return Rule(f"email domain: {name}", "broker/email_domain.py", text, instead, _HOME_REALM)


def _login(name: str, text: str, instead: str) -> Rule:
    return Rule(f"home realm: {name}", "broker/application_request.py", text, instead, _HOME_REALM)


def _access(name: str, text: str, instead: str) -> Rule:
    return Rule(f"management: {name}", "broker/management_access.py", text, instead, _ACCESS)


def _issue(name: str, text: str, instead: str) -> Rule:
    return Rule(f"client token: {name}", "broker/client_credentials.py", text, instead, _ACCESS)


RULES = (
    _certificate(
        "PSS where the key's algorithm is", "pss if wanted.is_pss else", "pss if False else"
    ),
    _certificate("no authority", "ca=False", "ca=True"),
    _certificate("signatures alone", "key_cert_sign=False", "key_cert_sign=True"),
    _reference("no certificate, no name of it", "elif certificate is None:", "elif False:"),
    _reference("SHA-256 is SHA-256", "hashlib.sha256(certificate)", "hashlib.sha512(certificate)"),
    Rule(
        "JWS: extra headers name no key",
        "jose/jws.py",
        '{"alg", "typ", "crit", "b64", *KEY_HEADERS}',
        '{"alg", "typ", "crit", "b64"}',
        ("unit/jose/test_certificate.py", "unit/jose/test_jws.py"),
    ),
    _domain("one case", "text.lower() if text.isascii()", "text if text.isascii()"),
    _domain("labels", "all(_LABEL.fullmatch(label) for label in labels)", "True"),
    _domain("two labels", "len(labels) < 2 or ", ""),
    _login(
        "the client's connections alone",
        " or not client.allows(connection.name):\n        return None",
        ":\n        return None",
    ),
    _login(
        "enabled ones alone",
        "if connection is None or not connection.enabled or not client",
        "if connection is None or not client",
    ),
    Rule(
        "management: enabled clients alone",
        "broker/protected_resource.py",
        "if client is None or not client.enabled:",
        "if client is None:",
        _ACCESS,
    ),
    _access("scopes that the client has now", "if scope not in client.scopes:", "if False:"),
    _access(
        "its own audience",
        "audience=management_audience(self.resource.issuer)",
        "audience=self.resource.issuer",
    ),
    _issue("the grant type", "if CLIENT_CREDENTIALS not in client.grant_types:", "if False:"),
    _issue(
        "no scope beyond the registered",
        "if not granted or not set(asked) <= set(granted):",
        "if not granted:",
    ),
    _issue("the one resource", 'if parameters.get("resource", audience) != audience:', "if False:"),
    _issue("an assertion once", "lambda: self.authentication.use_up(verified)", "lambda: None"),
)
