"""The pages that Signet itself shows a person. Nothing loaded, everything escaped.

One page has a script, of one line: it posts an answer to the application.
"""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5a6675;--ground:#f5f7fa;--card:#fff;
--line:#dfe5ec;--mark:#b42318;--calm:#1f5fbf}
@media (prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#9aa7b5;--ground:#10151c;
--card:#18202a;--line:#2a3542;--mark:#ff8a7a;--calm:#8ab4ff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;
background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
main{max-width:30rem;width:100%;background:var(--card);border:1px solid var(--line);
border-top:4px solid var(--mark);border-radius:.75rem;padding:2rem}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 .75rem}
p{margin:0 0 1rem}
small{display:block;color:var(--soft);overflow-wrap:anywhere}
main.ask{border-top-color:var(--calm)}
label{display:block;font-weight:600}
input{display:block;width:100%;margin:.4rem 0 1rem;padding:.65rem .75rem;font:inherit;
border:1px solid var(--line);border-radius:.5rem;background:transparent;color:inherit}
button{width:100%;padding:.7rem;font:inherit;font-weight:600;border:0;border-radius:.5rem;
background:var(--calm);color:var(--card);cursor:pointer}
:focus-visible{outline:3px solid var(--calm);outline-offset:2px}
p.problem{color:var(--mark);font-weight:600}
"""

_SUBMIT = "document.forms[0].submit()"


def style_source() -> str:
    """Return the Content-Security-Policy source that allows our one style and no other."""
    return _source(_STYLE)


def submit_source() -> str:
    """Return the Content-Security-Policy source that allows our one script and no other."""
    return _source(_SUBMIT)


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


SIGN_IN_FAILED = "Sign-in did not complete"
SIGN_OUT_FAILED = "Sign-out did not complete"


def error_page_body(text: str, *, correlation_id: str, title: str = SIGN_IN_FAILED) -> str:
    """Write the page of an error; `text` and `title` are our own public texts."""
    return _page(
        title,
        f"<main><h1>{title}</h1><p>{escape(text)}</p>"
        "<small>If it happens again, give this number to the support: "
        f"{escape(correlation_id)}</small></main>",
    )


def email_page_body(
    parameters: Mapping[str, str], *, unknown: bool, field: str = "login_hint"
) -> str:
    """Write the page that asks for the work email; the application's request goes along.

    It names no organisation, and says the same of an address that is not known, of one whose
    connection is disabled, and of one that this application may not use.
    """
    problem = (
        '<p class="problem" role="alert">We found no sign-in for this address. Check it, or ask '
        "your administrator.</p>"
    )
    return _page(
        "Sign in",
        '<main class="ask"><h1>Sign in</h1><p>With your work email we find your organisation\'s '
        f'own sign-in.</p>{problem if unknown else ""}<form method="get" action="/authorize">'
        f'{_hidden(parameters)}<label>Work email<input type="email" name="{escape(field)}" '
        'required autofocus autocomplete="email" maxlength="320"></label>'
        "<button>Continue</button></form></main>",
    )


def form_post_body(url: str, fields: Mapping[str, str]) -> str:
    """Write the page that posts an answer to an application, by itself or by its button."""
    return _page(
        "Signing in",
        f'<main class="ask"><h1>Signing in</h1><form method="post" action="{escape(url)}">'
        f"{_hidden(fields)}<button>Continue</button></form></main>"
        f"<script>{_SUBMIT}</script>",
    )


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def confirm_logout_page_body(parameters: Mapping[str, str]) -> str:
    """Write the page that asks whether to sign out; it names no application and no person."""
    return _page(
        "Sign out",
        '<main class="ask"><h1>Sign out?</h1><p>You will have to sign in again in every '
        "application that you use with this browser.</p>"
        f'<form method="post" action="/logout">{_hidden(parameters)}'
        "<button>Sign out</button></form></main>",
    )


def signed_out_page_body() -> str:
    """Write the page that ends a sign-out which leads nowhere else."""
    return _page(
        "Signed out",
        '<main class="ask"><h1>You are signed out</h1><p>You can close this window.</p></main>',
    )


def _page(title: str, main: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>{main}</body></html>"
    )
