"""ID tokens, metadata and userinfo."""

from tests.mutants.rule import Rule

_ID_TOKEN = ("unit/oidc/test_id_token.py",)
_DISCOVERY = ("unit/oidc/test_discovery.py",)
_METADATA = (
    "unit/broker/test_login.py::test_no_login_starts_on_metadata_that_do_not_hold",
    "property/test_parsers.py::test_metadata_lead_a_browser_to_an_address_or_nowhere",
)
_USERINFO = ("unit/broker/test_callback.py::test_userinfo_of_anybody_else_ends_the_login",)


def _check(name: str) -> Rule:
    """Take a whole check out of the table of checks."""
    return Rule(f"ID token: {name}", "oidc/id_token.py", f"    {name},\n", "", _ID_TOKEN)


def _half(name: str, text: str, instead: str) -> Rule:
    return Rule(f"ID token: {name}", "oidc/id_token.py", text, instead, _ID_TOKEN)


def _metadata(name: str, text: str, instead: str, tests: tuple[str, ...] = _METADATA) -> Rule:
    return Rule(f"metadata: {name}", "oidc/discovery.py", text, instead, tests)


RULES = (
    _check("check_issuer"),
    _check("check_subject"),
    _check("check_audience"),
    _check("check_authorized_party"),
    _check("check_expiry"),
    _check("check_issued_at"),
    _check("check_not_before"),
    _check("check_nonce"),
    _check("check_access_token_hash"),
    _check("check_code_hash"),
    _check("check_authentication_time"),
    _check("check_context_class"),
    _half("sub is not empty", "0 < len(subject)", "0 <= len(subject)"),
    _half("sub is short", " <= MAX_SUBJECT", ""),
    _half(
        "sub is a text", "isinstance(subject, str) and 0 < len(subject)", "0 < len(str(subject))"
    ),
    _half(
        "aud alone",
        'claims.get("aud") in (policy.client_id, [policy.client_id])',
        'policy.client_id in (claims.get("aud") or ())',
    ),
    _half("azp null", '"azp" not in claims or', 'claims.get("azp") is None or'),
    _half("exp is ahead", '    _demand(policy.now < expiry + CLOCK_SKEW, "exp is past")\n', ""),
    _half("exp is near iat", "expiry - issued <= MAX_LIFETIME", "expiry >= issued"),
    _half("iat is not ahead", "issued <= policy.now + CLOCK_SKEW", "issued >= 0"),
    _half("iat is of this login", "issued >= policy.login_started - 5 * CLOCK_SKEW", "issued >= 0"),
    _half("nonce is demanded", "bool(policy.nonce) and same", "same"),
    _half("nonce is compared", "bool(policy.nonce) and same", 'bool(claims.get("nonce"))'),
    _half("at_hash null", 'if "at_hash" in claims:', 'if claims.get("at_hash"):'),
    _half("half of a hash", "digest[: len(digest) // 2]", "digest"),
    _half(
        "auth_time is not ahead",
        '_seconds(claims, "auth_time") <= policy.now + CLOCK_SKEW',
        '_seconds(claims, "auth_time") >= 0',
    ),
    _half(
        "max_age", '_seconds(claims, "auth_time") >= oldest', '_seconds(claims, "auth_time") >= 0'
    ),
    _half(
        "max_age demands auth_time",
        "if policy.max_age is not None:",
        'if policy.max_age is not None and "auth_time" in claims:',
    ),
    _half("true is no number", " or isinstance(value, bool)", ""),
    _half("whole numbers", "not isinstance(value, int)", "not isinstance(value, int | float)"),
    _half("no time before 1970", " or value < 0", ""),
    _half(
        "our claims are our own",
        '        **profile,\n        **login,\n        "iss": issuer,\n',
        '        "iss": issuer,\n        **profile,\n        **login,\n',
    ),
    _half(
        "the login's facts win",
        "        **profile,\n        **login,\n",
        "        **login,\n        **profile,\n",
    ),
    _metadata("issuer", 'if document.get("issuer") != issuer:', "if False:", _DISCOVERY),
    _metadata("PKCE", "pkce.METHOD in methods", "methods"),
    _metadata("private_key_jwt", "AUTH_METHOD in methods", "methods"),
    _metadata("form of addresses", " or not _URL.fullmatch(value)", ""),
    _metadata("length of addresses", "len(value) > _MAX_URL or ", ""),
    _metadata("addresses can be read", "        urlsplit(value)\n", "        pass\n"),
    Rule(
        "userinfo: sub",
        "oidc/userinfo.py",
        " or not hmac.compare_digest(found.encode(), subject.encode())",
        "",
        _USERINFO,
    ),
    Rule(
        "userinfo: status",
        "oidc/userinfo.py",
        "if answer.status != _OK:",
        "if answer.status >= 500:",
        ("unit/broker/test_callback.py::test_userinfo_that_is_refused_ends_the_login",),
    ),
)
