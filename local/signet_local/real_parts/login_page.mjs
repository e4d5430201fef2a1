// The identity provider's own login page; any password will do.
import { escaped } from './html.mjs';

const STYLE = `
:root{color-scheme:light dark;--ink:#1c1b22;--soft:#64616f;--ground:#f3f1f8;--card:#fff;
--line:#dcd8e6;--mark:#5b3fd1}
@media (prefers-color-scheme:dark){:root{--ink:#ece9f5;--soft:#a6a1b5;--ground:#14121b;
--card:#1e1b28;--line:#373245;--mark:#a893ff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;
background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:24rem;background:var(--card);border:1px solid var(--line);
border-radius:1rem;padding:2rem}
.brand{display:flex;align-items:center;gap:.6rem;font-weight:700;color:var(--ink);margin:0 0 1.5rem}
.brand i{width:1.6rem;height:1.6rem;border-radius:.45rem;background:var(--mark)}
h1{font-size:1.4rem;margin:0 0 .25rem}p{margin:0 0 1.25rem;color:var(--soft)}
label{display:block;font-weight:600;margin:0 0 1rem}
input{display:block;width:100%;margin-top:.35rem;padding:.65rem .75rem;font:inherit;font-weight:400;
border:1px solid var(--line);border-radius:.5rem;background:transparent;color:inherit}
button{width:100%;padding:.7rem;font:inherit;font-weight:600;border-radius:.5rem;cursor:pointer;
border:1px solid var(--mark);background:var(--mark);color:#fff}
@media (prefers-color-scheme:dark){button{color:#14121b}}
button.plain{margin-top:.6rem;background:transparent;border-color:var(--line);color:inherit}
`;

export function loginPage({ uid, hint, people }) {
  const login = hint ? String(hint).split('@')[0] : 'ada';
  const names = Object.keys(people).join(', ');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Acme sign-in</title><style>${STYLE}</style></head><body><main>
<p class="brand"><i></i>Acme Identity</p>
<h1>Sign in</h1><p>Acme's own identity provider. Try ${escaped(names)}; any password will do.</p>
<form method="post" action="/interaction/${escaped(uid)}">
<label>User name<input name="login" value="${escaped(login)}" autocomplete="username" required></label>
<label>Password<input name="password" type="password" value="any" autocomplete="current-password"></label>
<button type="submit">Sign in</button>
<button class="plain" type="submit" name="cancel" value="1" formnovalidate>Cancel</button>
</form></main></body></html>`;
}
