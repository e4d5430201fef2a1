"""Pinned endpoints and the test of a connection."""

from tests.mutants.rule import Rule

_PINNING = ("unit/broker/test_pinning.py",)
_TEST = ("unit/broker/test_connection_test.py",)


def _pinned(name: str, file: str, text: str, instead: str) -> Rule:
    return Rule(f"pinning: {name}", file, text, instead, _PINNING)


def _test(name: str, text: str, instead: str) -> Rule:
    return Rule(f"connection test: {name}", "broker/connection_test.py", text, instead, _TEST)


RULES = (
    _pinned(
        "another origin is held",
        "broker/provider.py",
        "if names := moved(pinned, metadata):",
        "if False:",
    ),
    _pinned(
        "worse metadata are held",
        "broker/provider.py",
        "except Misconfigured as problem:",
        "except ZeroDivisionError as problem:",
    ),
    _pinned(
        "operators are told",
        "broker/provider.py",
        'self._notices.warn("metadata_held"',
        '(lambda *_, **__: None)("metadata_held"',
    ),
    _pinned("the scheme counts", "broker/pinning.py", "return parts.scheme, (", 'return "", ('),
    _pinned("the host counts", "broker/pinning.py", '(parts.hostname or "").lower()', '""'),
    _pinned("the port counts", "broker/pinning.py", "parts.port or default", "default"),
    _pinned(
        "a promise of iss stays",
        "broker/pinning.py",
        "if pinned.iss_parameter_supported and not",
        "if False and not",
    ),
    _pinned(
        "bad metadata refuse a new connection",
        "broker/agreement.py",
        "raise refused(error.private) from error",
        "return connection",
    ),
    _pinned(
        "a late agreement is refused",
        "broker/managed_connections.py",
        "if not written(partial(self.connections.replace, changed, previous=stored)):",
        "if not written(partial(self.connections.replace, changed, previous=stored)) and False:",
    ),
    _test(
        "limited in rate",
        "if not self.limits.take(key, now=now, until=now + EVERY_SECONDS):",
        "if False:",
    ),
    _test("nothing leaves for bad metadata", "if metadata is None:", "if False:"),
    _test(
        "held endpoints are asked",
        "if connection.endpoints is not None and moved(connection.endpoints, metadata):",
        "if False:",
    ),
    _test(
        "one text for every reason",
        'problem.public if problem.code == "provider_metadata" else _NOT_REACHED',
        "problem.private",
    ),
    Rule(
        "connection test: a refused client is refused",
        "broker/client_verdict.py",
        "if code in _ABOUT_THE_CLIENT or answer.status == _UNAUTHORIZED:",
        "if False:",
        _TEST,
    ),
    _test("keys under an error are no keys", "if answer.status != _OK:", "if False:"),
    Rule(
        "connection test: an error after the client is needed",
        "broker/client_verdict.py",
        "if code in _AFTER_THE_CLIENT:",
        "if True:",
        _TEST,
    ),
    Rule(
        "request headers: discovery",
        "broker/provider.py",
        "            headers=connection.request_headers,\n        )\n        if",
        "        )\n        if",
        _TEST,
    ),
    Rule(
        "request headers: keys",
        "broker/provider.py",
        "metadata.jwks_uri, bulkhead=connection.id, headers=connection.request_headers",
        "metadata.jwks_uri, bulkhead=connection.id",
        _TEST,
    ),
)
