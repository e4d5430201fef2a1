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


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerForm:
    """How an administrator names the issuer: by `member`, put into `template`.

    For `oidc` that is the issuer itself. `pattern` is what the member has to look like.
    """

    member: str = "issuer"
    template: str = "{value}"
    pattern: str = r"https?://[\x21-\x7e]+"
    hint: str = "the provider's issuer, an https address"

    def issuer(self, document: Mapping[str, object]) -> str:
        """Return the issuer that a document names.

        Raises:
            Rejected: `invalid_connection`, naming the member.
        """
        value = document.get(self.member)
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise Rejected("invalid_connection", f"{self.member} has to be {self.hint}.")
        return self.template.format(value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Where a fact of a profile comes from: `source` was `read` or `tried`, on a date."""

    fact: str
    how: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One strategy.

    `defaults` are members of a connection's document, as the management API takes them, that are
    used where the administrator sent none; `assertion` and `upstream_params` are merged member by
    member. `algorithms` are those that the provider verifies. `required_params` are upstream
    parameters without which the provider refuses every login. `steps` may name {redirect_uri},
    {jwks_uri}, {client_id}, {alg} and {scopes}. `explanations` say in plain words what an error
    text of this provider means, by a piece of that text. `made_up_code` tells what the provider is
    known to answer to a made-up code under a good assertion: `invalid_grant`, or `unknown`.
    """

    strategy: str
    title: str
    steps: tuple[str, ...]
    issuer: IssuerForm = IssuerForm()
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)
    defaults: Mapping[str, object] = field(default_factory=dict)
    required_params: tuple[str, ...] = ()
    explanations: Mapping[str, str] = field(default_factory=dict)
    made_up_code: str = "unknown"
    checked: tuple[Checked, ...] = ()

    def complete(self, document: Mapping[str, object]) -> dict[str, object]:
        """Fill in a document that an administrator sent.

        Raises:
            Rejected: `invalid_connection`: no issuer, an algorithm that this provider does not
                verify, or an absent parameter that it demands.
        """
        given = {name: value for name, value in document.items() if name != self.issuer.member}
        completed = {**self.defaults, **given, "issuer": self.issuer.issuer(document)}
        for nested in ("assertion", "upstream_params", "request_headers"):
            completed[nested] = _merged(self.defaults.get(nested), document.get(nested))
        self._check(completed)
        return completed

    def _check(self, completed: Mapping[str, object]) -> None:
        alg = completed.get("token_endpoint_auth_signing_alg", self.algorithms[0])
        if alg not in self.algorithms:
            raise Rejected(
                "invalid_connection",
                f"token_endpoint_auth_signing_alg has to be one of {', '.join(self.algorithms)} "
                f"for {self.title}.",
            )
        parameters = completed.get("upstream_params")
        for name in self.required_params:
            if not isinstance(parameters, Mapping) or not parameters.get(name):
                raise Rejected(
                    "invalid_connection", f"upstream_params.{name} is required by {self.title}."
                )


def _merged(default: object, given: object) -> object:
    """Merge two objects member by member; what is no object is left to the connection's rules."""
    if given is None:
        return dict(default) if isinstance(default, Mapping) else {}
    if isinstance(default, Mapping) and isinstance(given, Mapping):
        return {**default, **given}
    return given
