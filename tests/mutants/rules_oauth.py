"""OAuth messages: assertions, parameters, redirect URIs, PKCE, answers of providers."""

from tests.mutants.rule import Rule

_ASSERTION = ("unit/oauth/test_client_assertion.py",)
_ACCESS = ("unit/oauth/test_access_token.py",)
_ANSWER = ("unit/oauth/test_authorization_response.py",)
_CALLBACK = "unit/broker/test_callback.py::"
_LOGIN = ("unit/broker/test_login.py::test_a_request_that_does_not_hold_goes_back_with_an_error",)
_PARAMETERS = ("unit/oauth/test_parameters.py",)
_PKCE = ("unit/oauth/test_pkce.py",)
_REDIRECT_URI = ("unit/oauth/test_redirect_uri.py",)
_REDEMPTION = "unit/broker/test_redemption.py::"
_TOKENS = (
    f"{_CALLBACK}test_there_is_no_login_without_an_id_token",
    f"{_CALLBACK}test_a_token_answer_that_cannot_be_used_ends_the_login",
)


def _assertion(name: str, text: str, instead: str) -> Rule:
    return Rule(f"assertion: {name}", "oauth/client_assertion.py", text, instead, _ASSERTION)


def _assertion_check(name: str) -> Rule:
    return _assertion(name, f"    {name},\n", "")


def _access_check(name: str) -> Rule:
    return Rule(f"access token: {name}", "oauth/access_token.py", f"    {name},\n", "", _ACCESS)


def _request(name: str, text: str, instead: str) -> Rule:
    return Rule(f"request: {name}", "oauth/authorization_request.py", text, instead, _LOGIN)


def _answer(name: str, text: str, instead: str, tests: tuple[str, ...]) -> Rule:
    return Rule(f"answer: {name}", "oauth/authorization_response.py", text, instead, tests)


def _parameters(name: str, text: str, instead: str) -> Rule:
    return Rule(f"parameters: {name}", "oauth/parameters.py", text, instead, _PARAMETERS)


def _pkce(name: str, text: str, instead: str) -> Rule:
    return Rule(f"PKCE: {name}", "oauth/pkce.py", text, instead, _PKCE)


def _redirect_uri(name: str, text: str, instead: str) -> Rule:
    return Rule(f"redirect URI: {name}", "oauth/redirect_uri.py", text, instead, _REDIRECT_URI)


def _tokens(name: str, text: str, instead: str) -> Rule:
    return Rule(f"token answer: {name}", "oauth/provider_token.py", text, instead, _TOKENS)


RULES = (
    # --- an application's assertion ---
    _assertion_check("check_issuer"),
    _assertion_check("check_subject"),
    _assertion_check("check_audience"),
    _assertion_check("check_expiry"),
    _assertion_check("check_issued_at"),
    _assertion_check("check_not_before"),
    _assertion_check("check_identifier"),
    _assertion(
        "aud is one text",
        "isinstance(audience, str) and audience in policy.audiences",
        "bool(policy.audiences & {*([audience] if isinstance(audience, str) else audience or ())})",
    ),
    _assertion("exp is demanded", 'raise invalid_client("exp is absent")', "return 1_800_000_060"),
    _assertion("exp is ahead", "policy.now < expiry", "expiry >= 0"),
    _assertion("exp is near", "expiry <= policy.now + MAX_LIFETIME", "expiry >= 0"),
    _assertion("iat is not ahead", "issued <= policy.now + CLOCK_SKEW", "issued >= 0"),
    _assertion("whole lifetime", "lifetime <= MAX_LIFETIME + CLOCK_SKEW", "lifetime < 10**12"),
    _assertion("jti is not empty", "1 <= len(jti)", "0 <= len(jti)"),
    _assertion("jti is short", " <= MAX_JTI", ""),
    _assertion("jti is a text", "isinstance(jti, str) and 1 <= len(jti)", "1 <= len(str(jti))"),
    _assertion("true is no number", " or isinstance(value, bool)", ""),
    _assertion("whole numbers", "not isinstance(value, int)", "not isinstance(value, int | float)"),
    _assertion("no time before 1970", " or value < 0", ""),
    _assertion("jti is remembered beyond the skew", " + 2 * CLOCK_SKEW", ""),
    Rule(
        "assertion: typ",
        "oauth/client_assertion.py",
        'TYPES = frozenset({None, "JWT"',
        'TYPES = frozenset({None, "JWT", "at+jwt"',
        (f"{_REDEMPTION}test_a_token_of_another_kind_is_no_assertion",),
    ),
    # --- ours ---
    _assertion(
        "ours lives a minute",
        "min(profile.lifetime_seconds, MAX_LIFETIME_UPSTREAM)",
        "profile.lifetime_seconds",
    ),
    _assertion(
        "reserved claims",
        '        "exp": now + lifetime,\n',
        '        "exp": now + lifetime,\n        **profile.extra_claims,\n',
    ),
    # --- access tokens ---
    _access_check("check_issuer"),
    _access_check("check_audience"),
    _access_check("check_expiry"),
    _access_check("check_scope"),
    # --- authorization requests ---
    _request("response_type", 'if response_type != "code":', "if False:"),
    _request(
        "response_mode", 'parameters.get("response_mode", "query") not in RESPONSE_MODES', "False"
    ),
    _request("request objects", 'if "request" in parameters:', "if False:"),
    _request("request_uri", 'if "request_uri" in parameters:', "if False:"),
    _request("openid", 'if "openid" not in scope:', "if False:"),
    _request("known prompts", "not set(values) <= PROMPTS or ", ""),
    _request("prompt=none alone", ' or ("none" in values and len(values) > 1)', ""),
    _request("max_age is a number", "if not (text.isascii() and", 'if not (text == "-1" or'),
    _request("bounds", "if value is not None and len(value) > limit:", "if False:"),
    # --- authorization answers: mix-up ---
    _answer("form of the state", "if not _STATE.fullmatch(state):", "if False:", _ANSWER),
    _answer(
        "iss is compared",
        "if found != issuer:",
        "if found is None:",
        (f"{_CALLBACK}test_another_issuers_answer_stops_before_any_token_request",),
    ),
    _answer(
        "iss is demanded",
        "if found is None and not required:",
        "if found is None:",
        (f"{_CALLBACK}test_another_issuers_answer_stops_before_any_token_request",),
    ),
    _answer(
        "iss is compared where it was not promised",
        "if found is None and not required:",
        "if not required:",
        (f"{_CALLBACK}test_iss_is_compared_also_where_it_was_not_promised",),
    ),
    _answer(
        "not success and error at once",
        "if (code is None) == (error is None):",
        "if code is None and error is None:",
        (f"{_CALLBACK}test_success_and_error_at_once_is_refused",),
    ),
    _answer(
        "an error is a bare code", "if _ERROR_CODE.fullmatch(error) else", "if error else", _ANSWER
    ),
    _answer(
        "length of a code",
        " or len(code) > MAX_CODE",
        "",
        (f"{_CALLBACK}test_a_code_that_no_provider_would_give_is_not_redeemed",),
    ),
    # --- parameters ---
    _parameters("duplicates", "if name in found:", "if False:"),
    _parameters("length", "if len(raw) > MAX_BYTES:", "if False:"),
    _parameters("number", "if len(pairs) > MAX_PARAMETERS:", "if False:"),
    _parameters("length of one", "if len(value) > MAX_VALUE:", "if False:"),
    _parameters("broken escapes", "if _BROKEN_ESCAPE.search(part):", "if False:"),
    _parameters("UTF-8", '.decode("utf-8")', '.decode("utf-8", "replace")'),
    _parameters("lone surrogates", "except UnicodeError as", "except UnicodeDecodeError as"),
    _parameters("control characters", "if _CONTROL.search(value):", "if False:"),
    # --- PKCE ---
    _pkce("a challenge is demanded", "if challenge is None:", "if method is None:"),
    _pkce("S256 alone", "if method != METHOD:", "if False:"),
    _pkce("form of the challenge", "if not _CHALLENGE.fullmatch(challenge):", "if False:"),
    _pkce("form of the verifier", "if not _VERIFIER.fullmatch(verifier):", "if False:"),
    _pkce("comparison", "return hmac.compare_digest(", "return True or hmac.compare_digest("),
    # --- redirect URIs that may be registered ---
    _redirect_uri("length", "len(uri) > MAX_LENGTH or ", ""),
    _redirect_uri("characters", " or not _URI_CHARACTERS.fullmatch(uri)", ""),
    _redirect_uri("port", "port = parts.port", "port = None"),
    _redirect_uri("user information", 'if "@" in parts.netloc:', "if False:"),
    _redirect_uri("https", 'if parts.scheme != "https":', "if False:"),
    _redirect_uri("DNS name", "if not _is_dns_name(host):", "if False:"),
    _redirect_uri("dot segments", "if _has_dot_segment(parts.path):", "if False:"),
    _redirect_uri("escaped dots", "flags=re.IGNORECASE", "count=0"),
    _redirect_uri("loopback by the local setting", "if allow_loopback and", "if"),
    _redirect_uri("loopback alone", " and host in _LOOPBACK", ""),
    # --- token requests ---
    Rule(
        "token request: no other method in a header",
        "oauth/token_request.py",
        "if authorization is not None or ",
        "if ",
        (f"{_REDEMPTION}test_an_authorization_header_is_another_method_and_refused",),
    ),
    Rule(
        "token request: no secret",
        "oauth/token_request.py",
        ' or "client_secret" in parameters',
        "",
        (f"{_REDEMPTION}test_nothing_but_one_signed_assertion_authenticates",),
    ),
    Rule(
        "token request: assertion type",
        "oauth/token_request.py",
        'if parameters.get("client_assertion_type") != ASSERTION_TYPE:',
        "if False:",
        (f"{_REDEMPTION}test_nothing_but_one_signed_assertion_authenticates",),
    ),
    Rule(
        "token request: grant type",
        "oauth/token_request.py",
        "if value != AUTHORIZATION_CODE:",
        "if False:",
        (f"{_REDEMPTION}test_other_grant_types_are_refused",),
    ),
    # --- a provider's token answer ---
    _tokens("no tokens beside an error", 'if "error" in document:', "if False:"),
    _tokens("an ID token is demanded", "not _is_token(id_token) or ", ""),
    _tokens("an access token is demanded", " or not _is_token(access_token)", ""),
    _tokens("Bearer", ' or token_type.lower() != "bearer"', ""),
    _tokens("status", "if answer.status != _OK:", "if answer.status >= _SERVER_ERROR:"),
)
