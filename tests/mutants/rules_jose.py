"""Bytes and signatures."""

from tests.mutants.rule import Rule

_JSON = ("unit/jose/test_strict_json.py",)
_BASE64 = ("unit/jose/test_base64url.py",)
_JWK = ("unit/jose/test_jwk.py",)
_JWKS = ("unit/jose/test_jwks.py",)
_JWS = ("unit/jose/test_jws.py",)
_JWS_FORM = ("unit/jose/test_jws.py::test_a_token_of_another_form_is_refused",)


def _json(name: str, text: str, instead: str) -> Rule:
    return Rule(f"JSON: {name}", "jose/strict_json.py", text, instead, _JSON)


def _jwk(name: str, text: str, instead: str) -> Rule:
    return Rule(f"JWK: {name}", "jose/jwk.py", text, instead, _JWK)


def _jws(name: str, text: str, instead: str, tests: tuple[str, ...] = _JWS) -> Rule:
    return Rule(f"JWS: {name}", "jose/jws.py", text, instead, tests)


RULES = (
    # --- strict JSON ---
    _json("length", "if len(data) > max_bytes:", "if False:"),
    _json("UTF-8", 'data.decode("utf-8")', 'data.decode("utf-8", "replace")'),
    _json("depth", "if depth > max_depth:", "if False:"),
    _json("brackets in texts", "        if in_text:\n", "        if False:\n"),
    _json("escapes in texts", "            if escaped:\n", "            if False:\n"),
    _json("duplicate names", "if len(members) != len(pairs):", "if False:"),
    _json("surrogates in names", "        _check_surrogates(name)\n", ""),
    _json(
        "surrogates in values",
        "        _check_surrogates(name)\n        _check_surrogates(value)\n",
        "        _check_surrogates(name)\n",
    ),
    _json("surrogates in lists", "        for item in value:\n", "        for item in ():\n"),
    _json("surrogates outside objects", "    _check_surrogates(value)  #", "    #"),
    _json("long integers", "if len(text) > _MAX_DIGITS:", "if False:"),
    _json("infinite fractions", ' or value in (float("inf"), float("-inf"))', ""),
    _json("long fractions", "len(text) > 2 * _MAX_DIGITS or ", ""),
    _json("NaN and Infinity", "            parse_constant=_no_constant,\n", ""),
    _json("objects", "if not isinstance(value, dict):", "if False:"),
    # --- base64url ---
    Rule(
        "base64url: alphabet",
        "jose/base64url.py",
        "if not _ALPHABET.fullmatch(text):",
        "if False:",
        _BASE64,
    ),
    Rule(
        "base64url: one canonical form",
        "jose/base64url.py",
        "if encode(data) != text:",
        "if False:",
        (*_BASE64, *_JWS_FORM),
    ),
    # --- keys ---
    _jwk("no private or symmetric key", "if _PRIVATE & member.keys():", "if False:"),
    _jwk("use", 'if member.get("use", "sig") != "sig":', "if False:"),
    _jwk("key_ops", 'if not isinstance(operations, list) or "verify" not in operations:', "if 0:"),
    _jwk("alg fits the type", "        _check_algorithm(found)\n", ""),
    _jwk("RSA of 2048 bits and more", "if modulus.bit_length() < MIN_RSA_BITS:", "if False:"),
    _jwk("RSA of 8192 bits and less", "if number.bit_length() > max_bits:", "if False:"),
    _jwk("no padded numbers", " or len(data) * 8 > max_bits + 8", ""),
    _jwk("odd modulus", "if modulus % 2 == 0:", "if False:"),
    _jwk("exponent", "exponent < MIN_EXPONENT or ", ""),
    _jwk("odd exponent", " or exponent % 2 == 0", ""),
    _jwk("coordinates of full length", "if len(data) != size:", "if False:"),
    _jwk(
        "known curves",
        "if isinstance(crv, str) else None\n",
        "if isinstance(crv, str) else ec.SECP256R1()\n",
    ),
    _jwk(
        "point on its curve",
        'except ValueError as error:\n        raise _refused("its point',
        'except TypeError as error:\n        raise _refused("its point',
    ),
    _jwk("kid is short", "not 0 < len(value) <= MAX_KID", "not value"),
    _jwk("curve of the algorithm", " and self.crv == wanted.crv", ""),
    _jwk("type of the algorithm", "self.kty == wanted.kty and self.crv == wanted.crv", "True"),
    _jwk("algorithm of the key", "same_type and self.alg in {None, wanted.name}", "same_type"),
    _jwk(
        "padded coordinates",
        'point.x.to_bytes(size, "big")',
        'point.x.to_bytes((point.x.bit_length() + 7) // 8, "big")',
    ),
    Rule("JWKS: usable keys only", "jose/jwks.py", "if not usable:", "if False:", _JWKS),
    Rule("JWKS: bound of a set", "jose/jwks.py", "[:MAX_KEYS_READ]", "", _JWKS),
    Rule(
        "JWKS: size of a registered set",
        "jose/jwks.py",
        "if not 0 < len(members) <= MAX_KEYS_REGISTERED:",
        "if not members:",
        _JWKS,
    ),
    Rule(
        "JWKS: different kids",
        "jose/jwks.py",
        " or len(set(kids)) != len(kids)",
        "",
        _JWKS,
    ),
    Rule("JWKS: a kid each", "jose/jwks.py", "None in kids or ", "", _JWKS),
    Rule("JWKS: keys that fit", "jose/jwks.py", " if key.fits(algorithm)", "", _JWKS),
    Rule("JWKS: kid is looked up", "jose/jwks.py", " if kid is None or key.kid == kid", "", _JWKS),
    # --- tokens ---
    _jws("alg is pinned", 'if unverified.header.get("alg") != pinned.name:', "if False:"),
    _jws("typ", "    _check_type(unverified.header, types)\n", ""),
    _jws("typ is a text", 'if "typ" in header and not isinstance(typ, str):', "if False:"),
    _jws("kid is a short text", 'if "kid" in unverified.header and not (', "if not (not kid or "),
    _jws("bound of candidates", "[:MAX_CANDIDATES]", ""),
    _jws("signature", "if not any(holds(", "if not any(True or holds("),
    _jws(
        "no keys or rules in the header",
        "if REFUSED_HEADERS & unverified.header.keys():",
        "if False:",
    ),
    _jws("crit", '"crit", "b64", "jwk"', '"b64", "jwk"'),
    _jws("jwk, jku, x5u, x5c", '"jwk", "jku", "x5u", "x5c", ', ""),
    _jws("length of a token", "len(token) > MAX_TOKEN or ", "", _JWS_FORM),
    _jws("length of a header", ", max_bytes=8_192", "", _JWS_FORM),
    _jws("own headers", " if name not in _OWN_HEADERS", ""),
    _jws(
        "r and s in full length",
        'return r.to_bytes(size, "big") +',
        'return r.to_bytes((r.bit_length() + 7) // 8, "big") +',
        ("unit/jose/test_interoperability.py",),
    ),
)
