"""Email domains: which connection a person's work address belongs to (home realm discovery).

A domain has one stored form: lower case, A-labels [RFC 5890 2.3.2.1]. So neither case nor a look
alike in Unicode makes a second one, and a domain belongs to one connection at most.
"""

import re

from signet.errors import Rejected

MAX_DOMAIN = 253
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def normalized_domain(text: str) -> str:
    """Return the stored form of a domain.

    Raises:
        Rejected: `invalid_domain`: not a DNS name of at least two labels.
    """
    lowered = text.lower() if text.isascii() else _to_ascii(text)
    labels = lowered.split(".")
    is_name = len(lowered) <= MAX_DOMAIN and all(_LABEL.fullmatch(label) for label in labels)
    if not is_name or len(labels) < 2 or labels[-1].isdigit():  # noqa: PLR2004
        raise _invalid()
    return lowered


def domain_of(email: str) -> str | None:
    """Return the domain of an email address in its stored form, or None if it is not one.

    Exactly one `@`: with two of them, two readers see two domains, and no domain holds one.
    """
    local, _, domain = email.strip().partition("@")
    if not local:
        return None
    try:
        return normalized_domain(domain)
    except Rejected:
        return None


def _to_ascii(text: str) -> str:
    # Imported here: nearly every domain is ASCII already.
    import idna  # noqa: PLC0415

    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise _invalid() from error


def _invalid() -> Rejected:
    return Rejected("invalid_domain", "This is not a domain name.")
