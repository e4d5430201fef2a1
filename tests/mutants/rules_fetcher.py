"""The one way out to the network, and what is kept of what came back."""

from tests.mutants.rule import Rule

_DESTINATION = ("unit/adapters/fetcher/test_destination.py",)
_ADDRESSES = ("unit/adapters/fetcher/test_addresses.py",)
_BREAKER = ("unit/adapters/fetcher/test_breaker.py",)
_RESOLVER = ("unit/adapters/fetcher/test_resolver.py",)
_TLS = ("integration/fetcher/test_tls.py",)
_WAY = ("integration/fetcher/test_destinations.py",)
_ANSWERS = ("integration/fetcher/test_answers.py",)
_DOCUMENTS = ("unit/broker/test_remote_document.py",)
_KEYS = ("unit/broker/test_remote_keys.py",)


def _destination(name: str, text: str, instead: str) -> Rule:
    return Rule(
        f"destination: {name}", "adapters/fetcher/destination.py", text, instead, _DESTINATION
    )


def _address(name: str, text: str, instead: str) -> Rule:
    return Rule(f"address: {name}", "adapters/fetcher/addresses.py", text, instead, _ADDRESSES)


def _breaker(name: str, text: str, instead: str) -> Rule:
    return Rule(f"breaker: {name}", "adapters/fetcher/breaker.py", text, instead, _BREAKER)


def _resolver(name: str, text: str, instead: str) -> Rule:
    return Rule(f"resolver: {name}", "adapters/fetcher/resolver.py", text, instead, _RESOLVER)


def _connection(name: str, text: str, instead: str, tests: tuple[str, ...]) -> Rule:
    return Rule(f"connection: {name}", "adapters/fetcher/connection.py", text, instead, tests)


def _guard(name: str, text: str, instead: str, tests: tuple[str, ...]) -> Rule:
    return Rule(f"fetcher: {name}", "adapters/fetcher/guarded.py", text, instead, tests)


def _document(name: str, text: str, instead: str) -> Rule:
    return Rule(f"document: {name}", "broker/remote_document.py", text, instead, _DOCUMENTS)


RULES = (
    # --- the text of an address ---
    _destination("length", "len(url) > policy.longest or ", ""),
    _destination(
        "characters",
        " or not _URI_CHARACTERS.fullmatch(url)",
        "",
    ),
    _destination("ends of lines", "_URI_CHARACTERS.fullmatch(url)", "_URI_CHARACTERS.match(url)"),
    _destination("broken escapes", "if _BROKEN_ESCAPE.search(url):", "if False:"),
    _destination(
        "form of the scheme", '    if not url.startswith(("https://", "http://")):', "    if False:"
    ),
    _destination("host and port alone", "if not _AUTHORITY.fullmatch(parts.netloc):", "if False:"),
    _destination("user information", "[A-Za-z0-9.-]+)(?::", "[A-Za-z0-9.@:-]+)(?::"),
    _destination("brackets", r"(?:\[::1\]|[A-Za-z0-9.-]+)", r"(?:\[[^\]]*\]|[A-Za-z0-9.-]+)"),
    _destination("loopback", "policy.allow_loopback and ", ""),
    _destination("octets of loopback", " and all(int(part) < 256", " and all(int(part) < 999"),
    _destination("https", 'if parts.scheme != "https":', "if False:"),
    _destination("port 443", "if port not in {None, 443}:", "if False:"),
    _destination("length of a name", "len(host) > 253 or ", ""),
    _destination("a dot in a name", "len(labels) < 2 or ", ""),
    _destination("labels", " or not all(map(_LABEL.fullmatch, labels))", ""),
    _destination(
        "numbers", 'if not re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", labels[-1]):', "if False:"
    ),
    _destination("internal names", "if _within(host, INTERNAL_SUFFIXES):", "if False:"),
    _destination("the platform's names", "if _within(host, policy.refused_suffixes):", "if False:"),
    _destination("our own host", "if host in policy.own_hosts:", "if False:"),
    _destination("the suffix itself", "host == suffix or ", ""),
    _destination(
        "whole labels of a suffix", 'host.endswith(f".{suffix}")', "host.endswith(suffix)"
    ),
    Rule(
        "destination: the deployment's own host",
        "adapters/fetcher/guarded.py",
        "own_hosts=frozenset({own}), ",
        "",
        _DESTINATION,
    ),
    # --- addresses ---
    *(
        _address(f"{network} is not public", f'"{network}", ', "")
        for network in (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "2001:db8::/32",
            "2002::/16",
            "2620:4f:8000::/48",
        )
    ),
    *(
        _address(f"{network} is not public", f'"{network}",', "")
        for network in (
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.52.193.0/24",
            "198.18.0.0/15",
            "240.0.0.0/4",
            "168.63.129.16/32",
            "2001::/23",
            "3fff::/20",
        )
    ),
    _address("only 2000::/3 is public", "address in _GLOBAL_V6 and ", ""),
    _address("ISATAP", " or _is_isatap(address)", ""),
    _address("zones", "address.scope_id is not None or ", ""),
    # --- breaker and bulkhead ---
    _breaker("places", "if compartment.running >= MAX_CONCURRENT:", "if False:"),
    _breaker("a place is given back", "compartment.running -= 1", "pass"),
    _breaker("it opens", "if self._failures >= FAILURES_TO_OPEN:", "if False:"),
    _breaker("a success closes it", "self._failures, self._opened_at = 0, None", "pass"),
    _breaker(
        "it stays open for a while", "if 0 <= now - self._opened_at < OPEN_SECONDS:", "if False:"
    ),
    _breaker("the clock was set back", "if 0 <= now - self._opened_at", "if now - self._opened_at"),
    _breaker("one probe", "its result.\n        self._opened_at = now\n", "its result.\n"),
    _breaker(
        "errors of ours", "outcome = compartment.interrupted", "outcome = compartment.succeeded"
    ),
    _breaker("running calls are kept", " if not kept.running)", ")"),
    _breaker("keys are bounded", "            self._forget_the_oldest()\n", ""),
    # --- names ---
    _resolver("deadline", "timeout=deadline.left()", "timeout=5"),
    _resolver("absolute names", '        return f"{host}."\n', "        return host\n"),
    _resolver("one lookup a name", "if running is not None:", "if False:"),
    _resolver("bounded lookups", "if len(self._running) >= MAX_LOOKUPS:", "if False:"),
    _resolver("nobody waits at the end", "daemon=True", "daemon=False"),
    # --- connections ---
    _connection(
        "the checked address",
        "if ip_address(sock.getpeername()[0]) != ip_address(address):",
        "if False:",
        _WAY,
    ),
    _connection("a few addresses", "addresses[: limits.addresses]", "addresses", _WAY),
    _connection(
        "a deadline for all addresses",
        "deadline.left(limits.connect_seconds)",
        "0.1",
        _WAY,
    ),
    _connection(
        "the body of close",
        'before it reads the body of `close`."""\n',
        'before."""\n        self._sock.close()\n',
        _ANSWERS,
    ),
    _connection(
        "one deadline for all reads",
        "self._sock.settimeout(self._deadline.left())\n        count",
        "self._sock.settimeout(1)\n        count",
        _ANSWERS,
    ),
    _connection(
        "a deadline for writes",
        "            self._sock.settimeout(self._deadline.left())\n            view",
        "            self._sock.settimeout(16)\n            view",
        _ANSWERS,
    ),
    _connection("bytes of headers", "_Budget(limits.header_bytes)", "_Budget(327_680)", _ANSWERS),
    _connection("bytes in all", "        if self._left < 0:", "        if False:", _ANSWERS),
    _connection("bytes of a body", "self._budget.allow(self._limits.body_bytes)", "pass", _ANSWERS),
    _connection(
        "a deadline for the handshake",
        "            sock.settimeout(deadline.left())\n",
        "            sock.settimeout(16)\n",
        _ANSWERS,
    ),
    # --- the exchange ---
    _guard("every answer is checked", "if not all(map(", "if not any(map(", _WAY),
    _guard(
        "one face for every failure",
        'raise Unreachable("the name leads to an address that is not public", sent=False)',
        'raise DestinationRefused("the name leads to an address that is not public")',
        _WAY,
    ),
    _guard(
        "loopback is loopback",
        "return is_loopback if destination.loopback else self._allowed",
        "return self._allowed",
        _WAY,
    ),
    _guard(
        "families take turns",
        "alternate(self._addresses(destination, deadline))",
        "self._addresses(destination, deadline)",
        _WAY,
    ),
    _guard(
        "bulkhead",
        "with self._bulkheads.entered(bulkhead):",
        "if True:",
        _WAY,
    ),
    _guard(
        "bulkheads of their own",
        "self._bulkheads.entered(bulkhead)",
        'self._bulkheads.entered("")',
        _WAY,
    ),
    _guard(
        "certificates",
        "ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
        "ssl._create_unverified_context()",
        _TLS,
    ),
    _guard(
        "the host in the certificate",
        "            context.load_default_certs()\n",
        "            context.load_default_certs()\n            context.check_hostname = False\n",
        _TLS,
    ),
    _guard(
        "no common names",
        "context.hostname_checks_common_name = False",
        "context.hostname_checks_common_name = True",
        _TLS,
    ),
    _guard(
        "session keys",
        "context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)",
        "context = ssl.create_default_context()",
        _TLS,
    ),
    _guard("redirects", "if _REDIRECT <= answer.status < _ERROR:", "if False:", _WAY),
    _guard("interim answers", "if answer.status < _FINAL:", "if False:", _ANSWERS),
    _guard(
        "encodings",
        'if answer.headers.get("content-encoding", "identity").lower() != "identity":',
        "if False:",
        _ANSWERS,
    ),
    _guard(
        "fields of one name", 'value if known is None else f"{known}, {value}"', "value", _ANSWERS
    ),
    _guard(
        "JSON alone",
        "    if answer.status >= _ERROR or not answer.body:\n",
        "    if True:\n",
        _ANSWERS,
    ),
    _guard(
        "no other body with an error",
        '        return replace(answer, body=b"")\n',
        "        return answer\n",
        _ANSWERS,
    ),
    _guard("length of a body", "if len(body) > self._limits.body_bytes:", "if False:", _ANSWERS),
    _guard(
        "a body that is cut off", "        if response.length:\n", "        if False:\n", _ANSWERS
    ),
    _guard(
        "sent",
        'exchange: {type(error).__name__}", sent=True',
        'exchange: {type(error).__name__}", sent=False',
        _ANSWERS,
    ),
    _guard("names of headers", "not _HEADER_NAME.fullmatch(name) or ", "", _ANSWERS),
    _guard("values of headers", " or not _HEADER_VALUE.fullmatch(value)", "", _ANSWERS),
    _guard(
        "headers of its own",
        '        **request.headers,\n        "host": destination.authority,\n',
        '        "host": destination.authority,\n        **request.headers,\n',
        _ANSWERS,
    ),
    _guard("no encoding is asked for", '        "accept-encoding": "identity",\n', "", _TLS),
    # --- documents ---
    _document("freshness", "age < FRESH_SECONDS", "age < 10 * FRESH_SECONDS"),
    _document("hard limit", "age < STALE_LIMIT_SECONDS", "True"),
    _document("stale if error", "entry.content is not None and entry.is_usable(now):", "False:"),
    _document("content of the future", " and age >= 0 else None", " else None"),
    _document("the clock was set back", " or now < self.attempted_at", ""),
    _document("attempts are rare", "if not entry.may_attempt(now):", "if False:"),
    _document("two attempts in two pauses", ", min(self.attempted_at, now) + 2 * pause)", ")"),
    _document("a pause between attempts", "max(now + pause, ", "max(0, "),
    _document("failures are remembered", "            self._note_failure(key, now)\n", ""),
    _document(
        "a late failure displaces nothing",
        "            if key not in self._entries:\n",
        "            if True:\n",
    ),
    _document("connections are apart", "key, now = (bulkhead, url)", 'key, now = ("", url)'),
    _document("status", "if answer.status != _OK:", "if answer.status >= 500:"),
    _document("it is bounded", "while len(self._entries) > MAX_DOCUMENTS:", "while False:"),
    _document(
        "what is used is kept",
        "                self._entries.move_to_end(key)\n",
        "                pass\n",
    ),
    _document("an attempt is noted", "            self._entries[key] = entry.attempt(now)\n", ""),
    # --- keys ---
    Rule(
        "keys: no refetch for a bad signature",
        "broker/remote_keys.py",
        "except UnknownKey:",
        "except Exception:",
        _KEYS,
    ),
    Rule(
        "keys: a refetch for an unknown key",
        "broker/remote_keys.py",
        "if refetched is None:",
        "if True:",
        _KEYS,
    ),
    Rule(
        "keys: a useless set is no set",
        "broker/remote_keys.py",
        "        raise Unavailable(",
        "        return Jwks(keys=())\n        raise Unavailable(",
        _KEYS,
    ),
)
