"""A small browser: a cookie jar, redirects one at a time, and the forms of pages."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

from tests.support.travelled import Client, Response, Wire

MAX_STEPS = 20
PASSWORD = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of a page with the values that it has by itself."""

    action: str
    method: str
    fields: dict[str, str]


@dataclass(slots=True)
class Browser:
    """One person's browser; what belongs to the application's host is never really asked for."""

    wire: Wire
    app: str = "http://127.0.0.1:9/"
    client: Client = field(init=False)
    submitted: list[Form] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.wire.client()

    def open(self, address: str, parameters: dict[str, str] | None = None) -> Response:
        """Ask for an address, following nothing."""
        return self.client.get(address, params=parameters)

    def sign_in(self, response: Response, *, login: str = "ada") -> dict[str, str]:
        """Follow redirects and fill in forms until the application is reached.

        Returns:
            The parameters that the application receives.
        """
        for _ in range(MAX_STEPS):
            if response.is_redirect:
                address = str(response.url.join(response.headers["location"]))
                if address.startswith(self.app):
                    return query_of(address)
                response = self.client.get(address)
            else:
                response = self._submit(response, login)
        raise AssertionError(f"No way to the application within {MAX_STEPS} steps")

    def _submit(self, response: Response, login: str) -> Response:
        form = form_of(response.text)
        assert form is not None, f"{response.status_code} from {response.url.path}: {response.text}"
        typed = {"login": login, "username": login, "password": PASSWORD}
        fields = {name: typed.get(name, value) for name, value in form.fields.items()}
        self.submitted.append(form)
        return self.client.request(form.method, response.url.join(form.action), data=fields)


def query_of(address: str) -> dict[str, str]:
    """Return an address's parameters; one that comes twice is a fault."""
    pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), "a parameter comes twice"
    return dict(pairs)


def form_of(page: str) -> Form | None:
    """Return a page's first form."""
    reader = _FormReader()
    reader.feed(page)
    return reader.form


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and self.form is None:
            method = found.get("method", "get").upper()
            self.form = Form(action=found.get("action", ""), method=method, fields={})
        elif tag == "input" and self.form is not None and "name" in found:
            self.form.fields[found["name"]] = found.get("value", "")
