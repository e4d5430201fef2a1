"""DPoP: what a proof has to hold, whose code and whose token it opens [RFC 9449]."""

from tests.mutants.rule import Rule

_PROOF = ("unit/oauth/test_dpop.py",)
_URI = ("unit/oauth/test_http_uri.py",)
_BOUND = "unit/broker/test_bound_logins.py::"
_GRANTS = "integration/test_store_contracts.py::"
_BROKER = "unit/broker/test_dpop.py::"


def _proof(name: str, text: str, instead: str) -> Rule:
    return Rule(f"DPoP proof: {name}", "oauth/dpop.py", text, instead, _PROOF)


def _proof_check(name: str) -> Rule:
    return _proof(name, f"    {name},\n", "")


def _key(name: str, text: str, instead: str) -> Rule:
    return Rule(f"DPoP key: {name}", "jose/self_signed.py", text, instead, _PROOF)


def _uri(name: str, text: str, instead: str) -> Rule:
    return Rule(f"DPoP htu: {name}", "oauth/http_uri.py", text, instead, _URI)


def _resource(name: str, text: str, instead: str, *tests: str) -> Rule:
    found = tuple(f"{_BROKER}{test}" for test in tests)
    return Rule(f"DPoP resource: {name}", "broker/protected_resource.py", text, instead, found)


def _proofs(name: str, text: str, instead: str, *tests: str) -> Rule:
    found = tuple(f"{_BROKER}{test}" for test in tests)
    return Rule(f"DPoP use: {name}", "broker/proofs.py", text, instead, found)


def _token(name: str, file: str, text: str, instead: str, *tests: str) -> Rule:
    found = tuple(f"{_BROKER}{test}" for test in tests)
    return Rule(f"DPoP token: {name}", file, text, instead, found)


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
    # --- whose token and whose code ---
    _resource(
        "the scheme is the token's",
        "        check_scheme(verified.claims, scheme)\n",
        "",
        "test_a_bound_token_is_no_bearer_token",
    ),
    _resource(
        "the token's key",
        "        check_key(verified.claims, proof)\n",
        "",
        "test_a_stolen_token_is_nothing_with_the_thiefs_own_proof",
    ),
    _proofs(
        "our own address",
        'uri=f"{self.issuer}{path}"',
        'uri=f"{self.issuer}/userinfo"',
        "test_a_proof_for_the_token_endpoint_is_none_for_par",
        "test_a_token_request_with_a_proof_gets_a_token_bound_to_its_key",
    ),
    _proofs(
        "the token's hash",
        "            access_token=access_token,\n        ",
        "        ",
        "test_a_proof_for_another_token_of_the_same_key_is_refused",
    ),
    _proofs(
        "bound tokens alone",
        "if client.dpop_bound_access_tokens:",
        "if False:",
        "test_a_client_of_bound_tokens_has_to_send_a_proof",
    ),
    _proofs(
        "one key at PAR",
        "if dpop_jkt is not None and dpop_jkt != proof.jkt:",
        "if False:",
        "test_a_pushed_request_with_two_keys_is_refused",
    ),
    _proofs(
        "once",
        "if not self.replay.use(key, expires_at=proof.replay_until):",
        "if self.replay.use(key, expires_at=proof.replay_until) is None:",
        "test_a_proof_is_used_once_at_token",
    ),
    _proofs(
        "once for each key",
        "self.issuer, proof.jkt, proof.jti",
        "self.issuer, proof.jti",
        "test_nobody_uses_up_a_jti_of_another_key",
    ),
    _proofs(
        "nonces where they are asked for",
        "self.nonces.valid() if client.dpop_nonce_required else ()",
        "()",
        "test_a_client_of_nonces_is_given_one_at_every_endpoint",
    ),
    _token(
        "used up with the assertion",
        "broker/redemption.py",
        "lambda: self.proofs.use_up(proof)",
        "lambda: None",
        "test_a_proof_is_used_once_at_token",
    ),
    _token(
        "used up with a client's assertion",
        "broker/client_credentials.py",
        "lambda: self.proofs.use_up(proof)",
        "lambda: None",
        "test_a_proof_gets_one_management_token",
    ),
    _token(
        "used up at userinfo",
        "broker/userinfo.py",
        "lambda: self.resource.proofs.use_up(admitted.proof)",
        "lambda: None",
        "test_a_proof_is_used_once_at_userinfo",
    ),
    _token(
        "used up at the management API",
        "broker/management_access.py",
        "        self.resource.proofs.use_up(admitted.proof)\n",
        "",
        "test_a_management_client_gets_and_shows_a_bound_token",
    ),
    _token(
        "bound to the key",
        "oauth/access_token.py",
        'return {} if jkt is None else {"cnf": {"jkt": jkt}}',
        "return {}",
        "test_a_token_request_with_a_proof_gets_a_token_bound_to_its_key",
    ),
    _token(
        "the code's key",
        "broker/redemption.py",
        "            check_key(grant, jkt=jkt)\n",
        "",
        "test_a_bound_code_is_spent_by_a_proof_of_another_key",
    ),
    _token(
        "no way around the code's key",
        "broker/grant.py",
        "if grant.dpop_jkt is not None and jkt != grant.dpop_jkt:",
        "if None not in {jkt, grant.dpop_jkt} and jkt != grant.dpop_jkt:",
        "test_a_bound_code_is_no_code_without_a_proof",
    ),
    _token(
        "the code keeps its key",
        "broker/issued_code.py",
        "        dpop_jkt=request.dpop_jkt,\n",
        "",
        "test_a_bound_code_is_no_code_without_a_proof",
    ),
    _token(
        "dpop_jkt is a thumbprint",
        "oauth/authorization_request.py",
        "if jkt is not None and not is_thumbprint(jkt):",
        "if False:",
        "test_a_dpop_jkt_that_is_no_thumbprint_goes_back_with_an_error",
    ),
    _token(
        "nonces follow the time",
        "broker/proof_nonces.py",
        "step = self.clock.now() // STEP",
        "step = 1",
        "test_a_nonce_ends_and_none_is_known_before_its_time",
    ),
    _token(
        "nonces are the deployment's own",
        "broker/proof_nonces.py",
        'seed.encode("ascii")',
        'b"known"',
        "test_another_deployment_has_other_nonces",
    ),
    _token(
        "the grant keeps the proved key",
        "broker/consumption.py",
        "            dpop_jkt=self.dpop_jkt,\n",
        "",
        "test_a_grant_keeps_the_key_that_was_proved_when_its_code_was_redeemed",
    ),
    Rule(
        "DPoP store: the proved key goes with an undone redemption",
        "adapters/dynamodb/one_time.py",
        '"REMOVE redeemed_by, dpop_jkt, ',
        '"REMOVE redeemed_by, ',
        (f"{_GRANTS}test_a_redeemed_grant_is_bound_to_the_key_that_was_proved_until_it_is_undone",),
    ),
    Rule(
        "DPoP challenge: a proof that does not hold is a caller that is not known",
        "web/errors.py",
        '"insufficient_scope": 403, INVALID_PROOF: 401, USE_NONCE: 401',
        '"insufficient_scope": 403',
        ("unit/web/test_challenge.py",),
    ),
    Rule(
        "DPoP challenge: the nonce is given",
        "web/challenge.py",
        'return {"dpop-nonce": problem.nonce}',
        "return {}",
        ("unit/web/test_challenge.py",),
    ),
    Rule(
        "DPoP at /par: the code is bound to the proved key",
        "broker/request_pushing.py",
        "replace(request, dpop_jkt=proof.jkt)",
        "request",
        (f"{_BOUND}test_a_code_that_was_pushed_with_a_proof_needs_that_key",),
    ),
    Rule(
        "DPoP at /par: a proof is used up",
        "broker/request_pushing.py",
        "lambda: self.proofs.use_up(proof)",
        "lambda: None",
        (f"{_BOUND}test_a_proof_is_used_once_at_par",),
    ),
    Rule(
        "DPoP refresh: the key of the grant",
        "broker/refresh.py",
        "if grant.dpop_jkt is not None and jkt != grant.dpop_jkt:",
        "if False:",
        (
            f"{_BOUND}test_a_stolen_refresh_token_of_a_bound_grant_is_worth_nothing_and_ends_nothing",
        ),
    ),
    Rule(
        "DPoP refresh: a proof is used up",
        "broker/refresh.py",
        "lambda: self.proofs.use_up(proof)",
        "lambda: None",
        (f"{_BOUND}test_a_proof_is_used_once_for_a_refresh",),
    ),
)
