"""A profile: all that one kind of provider wants, as data that fills in a connection.

A connection is stored with everything filled in, so that a login never reads a profile, and a
corrected profile changes no connection that works. Everything that a profile sets can be set by
hand too, on a connection of the strategy `oidc`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from signet.errors import Rejected
from signet.jose.algorithms import ALGORITHMS

HOST = r"[a-z0-9-]+(?:\.[a-z0-9-]+)+"
"""A DNS name of two labels or more, in lower case: an issuer is compared byte for byte."""
ORIGIN = r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?"
"""No user-info, no capitals. Which hosts and ports may be called at all is the fetcher's rule."""
SEGMENT = r"(?!\.{1,2}(?:/|$))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!2[eEfF]|5[cC])[0-9A-Fa-f]{2})+"
"""One part of a path, which nobody between us and the provider can read as another path."""
ADDRESS = rf"{ORIGIN}(?:/{SEGMENT})*/?"

KEY_FORMS = frozenset({"jwks_uri", "jwks", "public_key", "certificate"})
STEP_VALUES = ("redirect_uri", "jwks_uri", "client_id", "alg", "scopes", "issuer")
"""What a step may name in braces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerMember:
    """A member of the document that makes a part of the issuer: `template` with {value} in it."""

    name: str
    template: str
    pattern: str
    hint: str
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerForm:
    """How an administrator names the issuer, and what it has to look like.

    Where there are `members`, they make the issuer, part by part; `pattern` is of the issuer where
    there are none. `issuer` itself is always taken too, in the same form: that is how a connection
    is shown, and what is shown can be sent back.
    """

    pattern: str = ADDRESS
    hint: str = "the provider's issuer as its metadata spell it, such as https://idp.example"
    members: tuple[IssuerMember, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the members that make the issuer; the first of them is required."""
        return tuple(member.name for member in self.members)

    def issuer(self, document: Mapping[str, object]) -> str:
        """Return the issuer that a document names.

        Raises:
            Rejected: `invalid_connection`, naming the member.
        """
        given = [name for name in self.names() if name in document]
        if not given and (not self.members or "issuer" in document):
            return self._stated(document.get("issuer"))
        made = "".join(_made(member, document) for member in self.members)
        if document.get("issuer", made) != made:
            raise _refused("issuer", f"be left out: {' and '.join(self.names())} make it")
        return made

    def members_of(self, issuer: str) -> dict[str, str]:
        """Return the members that make an issuer of this form."""
        found = re.fullmatch(self._pattern(), issuer)
        groups = found.groupdict() if found is not None else {}
        return {name: value for name, value in groups.items() if value is not None}

    def _stated(self, issuer: object) -> str:
        if not isinstance(issuer, str) or not re.fullmatch(self._pattern(), issuer):
            instead = f", or be left out for {self.members[0].name}" if self.members else ""
            raise _refused("issuer", f"be {self.hint}{instead}")
        return issuer

    def _pattern(self) -> str:
        return "".join(map(_part, self.members)) if self.members else self.pattern


def _made(member: IssuerMember, document: Mapping[str, object]) -> str:
    if member.name not in document and not member.required:
        return ""
    value = document.get(member.name)
    if not isinstance(value, str) or not re.fullmatch(member.pattern, value):
        raise _refused(member.name, f"be {member.hint}")
    return member.template.format(value=value)


def _part(member: IssuerMember) -> str:
    before, _, after = member.template.partition("{value}")
    group = f"{re.escape(before)}(?P<{member.name}>{member.pattern}){re.escape(after)}"
    return group if member.required else f"(?:{group})?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Where a fact of a profile comes from, and in which month somebody looked.

    `how` is `tried` (against the provider's own software), `code` (read in it), `documentation`
    (read in the provider's) or `excerpt` (a part of it, or somebody's report of what it does).
    """

    fact: str
    how: str
    source: str
    on: str = "2026-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One strategy.

    `algorithms` are those that the provider verifies; a connection gets the first unless its
    document names another. `defaults` are members of a connection's document, as the management
    API takes them, that are used where the administrator sent none; `assertion`, `upstream_params`
    and `request_headers` are merged member by member. `required_params` are upstream parameters
    without which the provider refuses every login. `example` is what an administrator sends beside
    name, strategy and client_id, at least. `key_form` is what its administrator enters of
    our key: one of KEY_FORMS. `steps` are in the words of the provider's console, and may name
    STEP_VALUES in braces. `explanations` say in plain words what an error text of this provider
    means, by a piece of that text. `made_up_code` tells what the provider is known to answer to a
    made-up code under a good assertion: `invalid_grant`, or `unknown`. `probe` tells whether a
    rotation asks it so; not where it looks at the code first, so that the answer tells nothing of
    the key, nor where it counts refusals as attacks. A fact of `checked` says how either is known.
    """

    strategy: str
    title: str
    steps: tuple[str, ...]
    example: Mapping[str, object]
    issuer: IssuerForm = IssuerForm()
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    defaults: Mapping[str, object] = field(default_factory=dict)
    required_params: tuple[str, ...] = ()
    key_form: str = "jwks_uri"
    explanations: Mapping[str, str] = field(default_factory=dict)
    made_up_code: str = "unknown"
    probe: bool = True
    checked: tuple[Checked, ...] = ()

    def complete(self, document: Mapping[str, object]) -> dict[str, object]:
        """Fill in a document that an administrator sent.

        Raises:
            Rejected: `invalid_connection`: no issuer, an algorithm that this provider does not
                verify, or an absent parameter that it demands.
        """
        makers = self.issuer.names()
        completed = {
            "token_endpoint_auth_signing_alg": self.algorithms[0],
            **self.defaults,
            **{name: value for name, value in document.items() if name not in makers},
            "issuer": self.issuer.issuer(document),
        }
        for nested in ("assertion", "upstream_params", "request_headers"):
            completed[nested] = _merged(self.defaults.get(nested), document.get(nested))
        self._check(completed)
        return completed

    def explain(self, text: str) -> str | None:
        """Say in plain words what an error text of this provider means, if that is known."""
        known = (plain for piece, plain in self.explanations.items() if piece in text)
        return next(known, None)

    def _check(self, completed: Mapping[str, object]) -> None:
        if completed["token_endpoint_auth_signing_alg"] not in self.algorithms:
            names = ", ".join(self.algorithms)
            raise _refused("token_endpoint_auth_signing_alg", f"be one of {names} for {self.title}")
        parameters = completed.get("upstream_params")
        for name in self.required_params:
            if not isinstance(parameters, Mapping) or not parameters.get(name):
                raise _refused(f"upstream_params.{name}", f"be given for {self.title}")


def _merged(default: object, given: object) -> object:
    """Merge two objects member by member; what is no object is left to the connection's rules."""
    if given is None:
        return dict(default) if isinstance(default, Mapping) else {}
    if isinstance(default, Mapping) and isinstance(given, Mapping):
        return {**default, **given}
    return given


def _refused(name: str, has_to: str) -> Rejected:
    return Rejected("invalid_connection", f"{name} has to {has_to}.")
