"""The registration sheet as a page that is printed or sent: nothing loads, nothing runs.

Whoever reads it administers an identity provider and may never have heard of Signet.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape

from signet.broker.registration_sheet import (
    RegistrationSheet,
    SheetCertificate,
    SheetKey,
)
from signet.web.response import Response

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#566272;--ground:#f5f7fa;--card:#fff;
--line:#dbe2ea;--block:#f3f6f9;--calm:#1f5fbf;--good:#157347}
@media (prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#9aa7b5;--ground:#10151c;
--card:#18202a;--line:#2d3845;--block:#111821;--calm:#8ab4ff;--good:#6fd3a0}}
*{box-sizing:border-box}
body{margin:0;padding:2rem 1rem;background:var(--ground);color:var(--ink);
font:1rem/1.55 system-ui,sans-serif}
main{max-width:50rem;margin:0 auto;background:var(--card);border:1px solid var(--line);
border-top:4px solid var(--calm);border-radius:.75rem;padding:2rem 2.25rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .75rem}
h2{font-size:1.15rem;margin:2.25rem 0 .5rem;padding-top:1.25rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.5rem 0 .25rem}
h4{font-size:.85rem;margin:.9rem 0 .2rem;color:var(--soft);font-weight:600}
p{margin:0 0 .75rem}
.soft{color:var(--soft)}
ol{margin:0;padding-left:1.5rem}
li{margin:0 0 .6rem;padding-left:.25rem}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;
font-size:.86em}
code{background:var(--block);border:1px solid var(--line);border-radius:.3rem;padding:.05em .35em;
overflow-wrap:anywhere;user-select:all}
pre{background:var(--block);border:1px solid var(--line);border-radius:.5rem;margin:0;
padding:.65rem .8rem;white-space:pre-wrap;word-break:break-all;user-select:all;line-height:1.4;
break-inside:avoid}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;vertical-align:top;padding:.5rem 0;border-bottom:1px solid var(--line)}
th{width:13rem;padding-right:1rem;font-weight:600}
tr:last-child>*{border-bottom:0}
.short th{width:5.5rem}
.state{display:inline-block;font-size:.8rem;font-weight:600;border:1px solid currentcolor;
border-radius:1rem;padding:.05rem .6rem;margin-left:.4rem;color:var(--soft)}
.state.current{color:var(--good)}
.take{color:var(--good)}
footer{margin-top:2.25rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.85rem;
color:var(--soft)}
@media (max-width:40rem){main{padding:1.25rem}th,td{display:block;width:auto;border:0;padding:0}
th{padding-top:.6rem}td{padding-bottom:.6rem;border-bottom:1px solid var(--line)}}
@page{margin:16mm}
@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--ground:#fff;--card:#fff;
--line:#bbb;--block:#fff;--calm:#000;--good:#000}
body{padding:0;font-size:10.5pt}main{max-width:none;border:0;padding:0}
h1,h2,h3,h4{break-after:avoid}li,tr,.keep{break-inside:avoid}}
"""
_STATES = {
    "current": ("signs now", "current"),
    "next": ("signs after the next rotation", "next"),
    "previous": ("signed until the last rotation", "previous"),
}
_PUSHED = {
    "auto": "wherever the provider offers them (RFC 9126)",
    "required": "always (RFC 9126)",
    "never": "never; the request is in the browser's address",
}


def registration_page(sheet: RegistrationSheet) -> Response:
    """Answer the page."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii")
    return Response(
        status=200,
        headers={
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; "
                "base-uri 'none'; form-action 'none'"
            ),
        },
        body=registration_page_body(sheet),
    )


def registration_page_body(sheet: RegistrationSheet) -> str:
    """Write the page; every value of the sheet is escaped."""
    title = f"Register Signet with {_provider(sheet)}"
    # Keys that nobody has to enter are an appendix.
    last = (_keys, _behaviour) if sheet.keys_by_hand else (_behaviour, _keys)
    parts = (_introduction, _values, _steps, *last, _footer)
    main = "".join(part(sheet) for part in parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>{main}</main>"
        "</body></html>"
    )


def _provider(sheet: RegistrationSheet) -> str:
    return "your OpenID Provider" if sheet.strategy == "oidc" else escape(sheet.provider)


def _introduction(sheet: RegistrationSheet) -> str:
    return (
        f"<p>This page is for whoever administers <strong>{_provider(sheet)}</strong> for "
        f"<strong>{escape(sheet.display_name)}</strong>. When it is done, your people sign in to "
        "their applications with the accounts that they have there.</p>"
        '<p class="soft">Signet is the service between those applications and your identity '
        "provider. To your provider it is one client (an application, in most consoles), which "
        "proves who it is with a digital signature. There is no client secret: if the console "
        "offers to make one, leave it, and never send one to anybody.</p>"
    )


def _values(sheet: RegistrationSheet) -> str:
    rows = {
        "Redirect URI": _block(sheet.redirect_uri),
        "Client authentication": _code(sheet.token_endpoint_auth_method),
        "Algorithm": _code(sheet.token_endpoint_auth_signing_alg),
        "Public keys": _public_keys(sheet),
        "Post-logout redirect URI": "where the provider asks for it:"
        f"{_block(sheet.post_logout_redirect_uri)}",
        "Back-channel logout URI": "where the provider has it, so that a sign-out there ends the "
        f"sign-ins here:{_block(sheet.backchannel_logout_uri)}",
        "Scopes": " ".join(map(_code, sheet.scopes)),
        "Client ID": _code(sheet.client_id) + " as Signet has it now",
        "Your issuer": _code(sheet.issuer) + " as Signet has it now",
    }
    return f"<h2>What to enter</h2>{_table(rows)}"


def _public_keys(sheet: RegistrationSheet) -> str:
    return {
        "jwks_uri": f"this address (JWKS), where new keys appear by themselves:"
        f"{_block(sheet.jwks_uri)}",
        "jwks": "the JWK set below, by hand",
        "public_key": "the public key in PEM below, by hand",
        "certificate": "the certificate below, by hand",
    }[sheet.key_form]


def _steps(sheet: RegistrationSheet) -> str:
    items = "".join(f"<li>{_marked(step, sheet)}</li>" for step in sheet.steps)
    return f"<h2>Step by step</h2><ol>{items}</ol>"


def _marked(step: str, sheet: RegistrationSheet) -> str:
    """Set the addresses in a step apart, so that one click selects them."""
    text = escape(step)
    for address in (sheet.redirect_uri, sheet.jwks_uri):
        text = text.replace(escape(address), _code(address))
    return text


def _keys(sheet: RegistrationSheet) -> str:
    if sheet.keys_by_hand:
        note = (
            f"<p>These keys are entered by hand at {_provider(sheet)}. Whenever a new one is made, "
            "you will be sent this page again: enter the new key beside the old one, and take the "
            "old one out only when it is no longer here.</p>"
        )
    else:
        note = (
            '<p class="soft">With the JWKS address there is nothing to enter here. This is what '
            "is found there now, to compare, and for consoles that take no address.</p>"
        )
    whole_set = ""
    if sheet.key_form == "jwks":
        document = {"keys": [dict(key.jwk) for key in sheet.keys]}
        whole_set = f'<h3>JWK set <span class="state current">to enter</span></h3>{_json(document)}'
    keys = "".join(_key(key, sheet) for key in sheet.keys)
    return f"<h2>Public keys</h2>{note}{whole_set}{keys}"


def _key(key: SheetKey, sheet: RegistrationSheet) -> str:
    when, state = _STATES[key.state]
    parts = {"public_key": f"<h4>Public key (PEM)</h4>{_block(key.public_key_pem.strip())}"}
    if sheet.key_form != "jwks":  # else it is in the whole set
        parts["jwk"] = f"<h4>JWK</h4>{_json(key.jwk)}"
    if key.certificate is not None:
        parts["certificate"] = (
            f"<h4>Certificate (X.509, PEM)</h4>{_block(key.certificate.pem.strip())}"
            f"<h4>Its thumbprints</h4>{_thumbprints(key.certificate)}"
        )
    elif sheet.key_form == "certificate":
        parts["certificate"] = (
            "<p>This key has no certificate yet: ask whoever sent you this page for it.</p>"
        )
    # What the provider takes comes first.
    ordered = sorted(parts, key=lambda form: form != sheet.key_form)
    return (
        f'<h3>Key for {escape(key.alg)} <span class="state {state}">{state}: {when}</span></h3>'
        f'<p class="soft">kid {_code(key.kid)}</p>{"".join(parts[form] for form in ordered)}'
    )


def _thumbprints(certificate: SheetCertificate) -> str:
    rows = {
        "SHA-1": _code(certificate.thumbprint_sha1),
        "SHA-256": _code(certificate.thumbprint_sha256),
    }
    return f'<div class="short">{_table(rows)}</div>'


def _behaviour(sheet: RegistrationSheet) -> str:
    """Say what a security review asks."""
    assertion = sheet.assertion
    named = ", ".join(assertion.key_headers) or "nothing: the registered keys are tried"
    rows = {
        "Flow": "authorization code with PKCE (S256), state and nonce, in every login",
        "Answer to us": _code(sheet.response_mode) + " (response mode)",
        "Pushed requests": _PUSHED[sheet.pushed_authorization],
        "Client assertion": "a JWT as of RFC 7523, a new one for every request, never used twice",
        "Its audience": _audience(assertion.audience),
        "Its lifetime": f"{assertion.lifetime_seconds} seconds",
        "Its typ": _code(assertion.typ) if assertion.typ is not None else "none",
        "Its key is named by": escape(named),
        "ID tokens": "signed with " + _code(sheet.id_token_signed_response_alg),
        "Private keys": "made in AWS KMS, and never outside of it",
    }
    return f"<h2>How Signet behaves</h2>{_table(rows)}"


def _audience(audience: str) -> str:
    return "your token endpoint" if audience == "token_endpoint" else _code(audience)


def _footer(sheet: RegistrationSheet) -> str:
    return (
        f"<footer>Connection {_code(sheet.connection_id)}. Nothing on this page is secret; it may "
        "be printed, and sent by email.</footer>"
    )


def _table(rows: Mapping[str, str]) -> str:
    lines = (f'<tr><th scope="row">{th}</th><td>{td}</td></tr>' for th, td in rows.items())
    return f"<table>{''.join(lines)}</table>"


def _json(document: Mapping[str, object]) -> str:
    return _block(json.dumps(document, indent=2))


def _block(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
