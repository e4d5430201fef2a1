"""The pages that Signet itself shows a person. No script, nothing loaded, everything escaped."""

import base64
import hashlib
from html import escape

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5a6675;--ground:#f5f7fa;--card:#fff;
--line:#dfe5ec;--mark:#b42318}
@media (prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#9aa7b5;--ground:#10151c;
--card:#18202a;--line:#2a3542;--mark:#ff8a7a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;
background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
main{max-width:30rem;width:100%;background:var(--card);border:1px solid var(--line);
border-top:4px solid var(--mark);border-radius:.75rem;padding:2rem}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 .75rem}
p{margin:0 0 1rem}
small{display:block;color:var(--soft);overflow-wrap:anywhere}
"""


def style_source() -> str:
    """Return the Content-Security-Policy source that allows our one style and no other."""
    digest = hashlib.sha256(_STYLE.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def error_page_body(text: str, *, correlation_id: str) -> str:
    """Write the page of an error; `text` is one of our own public texts."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Sign-in did not complete</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>Sign-in did not complete</h1><p>{escape(text)}</p>"
        "<small>If it happens again, give this number to the support: "
        f"{escape(correlation_id)}</small></main></body></html>"
    )
