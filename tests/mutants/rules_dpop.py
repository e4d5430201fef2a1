"""DPoP: what a proof has to hold, whose code and whose token it opens [RFC 9449]."""

from tests.mutants.rule import Rule

_PROOF = ("unit/oauth/test_dpop.py",)
_URI = ("unit/oauth/test_http_uri.py",)


def _proof(name: str, text: str, instead: str) -> Rule:
    return Rule(f"DPoP proof: {name}", "oauth/dpop.py", text, instead, _PROOF)


def _proof_check(name: str) -> Rule:
    return _proof(name, f"    {name},\n", "")


def _key(name: str, text: str, instead: str) -> Rule:
    return Rule(f"DPoP key: {name}", "jose/self_signed.py", text, instead, _PROOF)


def _uri(name: str, text: str, instead: str) -> Rule:
    return Rule(f"DPoP htu: {name}", "oauth/http_uri.py", text, instead, _URI)


RULES = (
    # --- the proof by itself ---
    _proof("one header", "(check_one_header, check_one_jwt)", "(check_one_jwt,)"),
    _proof("bound of its length", "(check_one_header, check_one_jwt)", "(check_one_header,)"),
    _proof_check("check_claims"),
    _proof_check("check_identifier"),
    _proof_check("check_method"),
    _proof_check("check_uri"),
    _proof_check("check_nonce"),
    _proof_check("check_issued_at"),
    _proof_check("check_expiry"),
    _proof_check("check_not_before"),
    _proof_check("check_access_token"),
    _proof("ath is required beside a token", '{"ath"} if policy', "set() if policy"),
    _proof("60 s back", "MAX_AGE = 60", "MAX_AGE = 61"),
    _proof("10 s ahead", "MAX_AHEAD = 10", "MAX_AHEAD = 11"),
    _proof("jti outlives the proof", "issued + MAX_AGE + _KEEP_BEYOND", "issued + MAX_AGE"),
    _proof("whole numbers", "if not isinstance(value, int) or", "if"),
    _key("kind", 'if unverified.header.get("typ") != typ:', "if False:"),
    _key("algorithm", "if not isinstance(alg, str) or alg not in algs:", "if False:"),
    _key("signature", "if not holds(unverified, pinned, jwk.key):", "if False:"),
    _key("no other rules in the header", "if _REFUSED & unverified.header.keys():", "if False:"),
    _key("key fits its alg", "if not jwk.fits(pinned):", "if False:"),
    # --- its address ---
    _uri("whole text", "_URI.fullmatch(uri)", "_URI.match(uri)"),
    _uri("broken escapes", " or _BROKEN_ESCAPE.search(uri)", ""),
    _uri("default port alone", 'not in {"", _DEFAULT_PORTS[scheme]}', "in set()"),
    _uri(
        "dot segments",
        '_without_dot_segments(_with_needed_escapes(found["path"], lower=False))',
        '_with_needed_escapes(found["path"], lower=False)',
    ),
    _uri(
        "case of the path",
        '_with_needed_escapes(found["path"], lower=False)',
        '_with_needed_escapes(found["path"], lower=True)',
    ),
    _uri("bound of the length", " if len(uri) <= MAX_LENGTH else None", ""),
)
