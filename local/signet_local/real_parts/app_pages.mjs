// The sample app's pages. No script, nothing loaded; html`` escapes all that comes from outside.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { html } from './html.mjs';

const STYLE = readFileSync(new URL('app.css', import.meta.url), 'utf8');
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

// Our own style sheet must not be escaped: it has to stay what its hash is of.
const trusted = (text) => html([text]);

function page(title, bar, body) {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>${trusted(STYLE)}</style></head><body>
<header class="bar"><span class="brand"><i></i>Sample app</span>${bar}</header>
${body}
</body></html>`.toString();
}

export function startPage({ issuer }) {
  return page('Sample app', '', html`<main class="single"><div class="card">
<h1>Sign in with your company’s account</h1>
<p class="soft">This app knows no passwords. It asks Signet, at <code>${issuer}</code>, and Signet asks the identity
provider of your company, Acme. Each of them proves with a signature who it is.</p>
<ol class="path" aria-label="The way of a sign-in"><li><span>Sample app</span></li><li><span>Signet</span></li><li><span>Acme’s provider</span></li></ol>
<p class="actions"><a class="button" href="/login">Log in</a>
<a href="/login?prompt=login">Log in as someone else</a></p>
</div></main>`);
}

export function errorPage({ title, text, code, detail }) {
  return page(title, '', html`<main class="single trouble"><div class="card">
<h1>${title}</h1>
<p>${text}</p>
${code && html`<p class="soft">The sign-on service said: <code>${code}</code>${detail && html` (${detail})`}</p>`}
${!code && detail && html`<p class="soft">${detail}</p>`}
<p class="actions"><a class="button" href="/login?prompt=login">Try again</a> <a href="/">To the start page</a></p>
</div></main>`);
}

export function resultPage(story) {
  const { idToken, secrets } = story;
  const name = idToken.claims.name ?? idToken.claims.preferred_username ?? idToken.claims.sub;
  const logout = html`<form method="post" action="/logout"><button type="submit">Log out</button></form>`;
  return page(`Hello, ${name}`, logout, html`<main class="result">
<div class="top">
<section class="card hello"><h1>Hello, ${name}</h1>
<p class="soft">You signed in at Acme. This is what the app was told about you.</p>
${person(idToken.claims)}</section>
${zero(secrets)}
</div>
<section class="story"><h2>What just happened</h2>
<p class="soft">Read back from what was really sent and received. Tokens are shown decoded and without their
signatures, so that nothing on this page can be used again.</p>
<ol class="steps">${[asked(story), pushed(story), signedIn(story), upstream(story), cameBack(story), downstream(story), identity(story)]}</ol>
</section>
${whereWeLooked(secrets)}
</main>`);
}

function person(claims) {
  const verified = claims.email_verified === true ? 'verified by Acme' : 'not verified';
  return facts([
    ['Name', claims.name],
    ['Email', claims.email && html`${claims.email} <span class="soft">(${verified})</span>`],
    ['User name', claims.preferred_username],
    ['Language', claims.locale],
    ['Connection', claims.connection],
    ['Subject', html`<code>${claims.sub}</code>`],
  ]);
}

function zero({ total }) {
  return html`<section class="card zero${total > 0 && ' some'}"><h2>Client secrets in this system</h2>
<p class="number" id="secrets">${total}</p>
<p>${total > 0
    ? 'There should be none: see below where they were found.'
    : 'Signet and this app prove who they are with signatures that work once and for a minute. There is no password between machines that could leak, expire or be copied.'}</p></section>`;
}

function whereWeLooked({ total, places }) {
  return html`<section class="story"><h2>Where secrets were looked for</h2>
<div class="card end"><table><caption>Counted when this page was made, in all that the demo’s app and provider can look at</caption>
${places.map(({ place, found }) => html`<tr><th scope="row">${place}</th><td>${found}</td></tr>`)}
<tr><th scope="row"><strong>Together</strong></th><td>${total}</td></tr></table></div></section>`;
}

const asked = ({ login, options }) => step('Sample app to Signet', 'The app asked for a sign-in', html`
<p>It sent your browser to Signet, named the connection <code>${options.connection.name}</code>, and kept two values to
itself to compare later. What it asks for is bound to this browser and this app.</p>
${facts([
    ['PKCE', html`${login.request.code_challenge_method} <code>${login.request.code_challenge}</code>`],
    ['Scope', login.request.scope],
    ['Back to', html`<code>${login.request.redirect_uri}</code>`],
  ])}`);

function pushed({ upstream: { pushed: assertion } }) {
  return step('Signet to Acme’s provider', 'Signet announced you, server to server', assertion
    ? html`<p>The request went ahead on a direct line (Pushed Authorization Request), signed for: your browser then carried
only a reference to it, which nobody can change on the way.</p>
${facts([['Assertion', html`<code>${assertion.claims.jti}</code>`], ['Sent', parameterNames(assertion.parameters)]])}`
    : html`<p>Acme’s provider takes no pushed requests: your browser carried the request.</p>`);
}

const signedIn = ({ options }) => step('You, at Acme', 'You signed in', html`
<p>At Acme’s own page, <code>${options.provider}</code>. Neither the app nor Signet saw your password. Acme sent you back
to Signet with a code that works once.</p>`);

function upstream({ upstream: { redeemed, pushed: earlier }, jwks, jwksUri, options }) {
  const title = 'Signet proved who it is, without a secret';
  if (redeemed === undefined) {
    return step('Signet to Acme’s provider', title, html`<p>Acme’s provider no longer remembers this sign-in.</p>`);
  }
  const { header, claims } = redeemed;
  return step('Signet to Acme’s provider', title, html`
<p>To redeem the code, Signet had this assertion signed for this one request, by the key of the connection
<code>${options.connection.name}</code> in AWS KMS (emulated here). The private key cannot leave KMS; Acme’s provider
holds the public one only.</p>
${signed('upstream', redeemed)}
${checks([
    keyCheck(header.kid, jwks.connection, jwksUri.connection, 'the connection’s public keys'),
    [claims.aud === options.provider, html`Meant for Acme’s provider and nobody else: audience <code>${claims.aud}</code>`],
    lifetimeCheck(claims),
    [claims.jti !== earlier?.claims.jti, html`A number of its own (<code>jti</code>), not that of the request before: it works once`],
    [redeemed.status === 200, html`Accepted at <code>${redeemed.endpoint}</code>, beside ${parameterNames(redeemed.parameters.filter((name) => name !== 'client_assertion'))}`],
  ])}`, { proof: true, id: 'signet-to-acme' });
}

const cameBack = ({ answer, options }) => step('Signet to the sample app', 'Signet checked Acme’s answer and sent you back', html`
<p>It verified Acme’s ID token, then gave your browser a code of its own for the app, with its name on it, so that
the app can tell who answers.</p>
${checks([[answer.iss === options.issuer, html`The answer names its issuer (<code>iss</code>): <code>${answer.iss}</code>`]])}`);

function downstream({ seen, jwks, jwksUri, options }) {
  const { header, claims } = seen.assertion;
  return step('Sample app to Signet', 'The app proved who it is, without a secret', html`
<p>The same on this side: the app made its key when it started, and Signet knows it by the address of its public half.</p>
${signed('downstream', seen.assertion)}
${checks([
    keyCheck(header.kid, jwks.app, jwksUri.app, 'the app’s public keys'),
    [[claims.aud].flat().length === 1 && [claims.aud].flat()[0] === options.issuer, html`Meant for Signet and nobody else: audience <code>${claims.aud}</code>`],
    lifetimeCheck(claims),
    [seen.parameters.includes('client_assertion'), html`Sent to <code>${seen.endpoint}</code>, beside ${parameterNames(seen.parameters.filter((name) => name !== 'client_assertion'))}`],
  ])}`, { proof: true, id: 'app-to-signet' });
}

function identity({ idToken, userinfo, login, jwks, jwksUri }) {
  const { header, claims } = idToken;
  return step('Signet to the sample app', 'The app learned who you are', html`
<p>The ID token, signed by Signet’s issuer key (another KMS key than the connection’s), and what the app then read
from userinfo.</p>
${signed('id-token', idToken, 'ID token')}
${checks([
    keyCheck(header.kid, jwks.issuer, jwksUri.issuer, 'Signet’s public keys'),
    [claims.nonce === login.nonce, html`Made for this very sign-in: <code>nonce</code> is the one that the app sent`],
    [userinfo.sub === claims.sub, html`Userinfo is about the same person: ${Object.keys(userinfo).join(', ')}`],
  ])}`, { proof: true, id: 'identity' });
}

const step = (who, title, body, { proof = false, id } = {}) => html`<li${proof && html` class="proof"`}${id && html` id="${id}"`}>
<p class="who">${who}</p><h3>${title}</h3>${body}</li>`;

const facts = (pairs) => html`<dl>${pairs
  .filter(([, value]) => value !== undefined)
  .map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

const parameterNames = (names) => html`<code>${names.join(', ')}</code>`;

const signed = (id, { header, claims }, what = 'Assertion') => html`<div class="card tokens">
<div><h4>${what}: header</h4><pre id="${id}-header">${json(header)}</pre></div>
<div><h4>${what}: claims</h4><pre id="${id}-claims">${json(claims)}</pre></div></div>`;

function json(document) {
  const lines = Object.entries(document).map(([name, value]) => html`  <b>"${name}"</b>: ${JSON.stringify(value)}`);
  return html`{
${lines.map((line, index) => html`${line}${index < lines.length - 1 ? ',\n' : '\n'}`)}}`;
}

function keyCheck(kid, { keys }, address, whose) {
  const found = keys.some((key) => key.kid === kid);
  return [found, html`Signed by key <code>${kid}</code>, which is ${!found && 'not '}among <a href="${address}">${whose}</a>`];
}

function lifetimeCheck({ iat, exp }) {
  const seconds = exp - iat;
  return [seconds > 0 && seconds <= 300, html`Good for ${seconds} seconds, from ${new Date(iat * 1000).toISOString().slice(11, 19)} UTC`];
}

const ICONS = {
  yes: html`<svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="10" fill="currentColor" opacity=".18"/><path d="m5.5 10.4 3 3 6-6.4" fill="none" stroke="currentColor" stroke-width="2"/></svg>`,
  no: html`<svg viewBox="0 0 20 20" role="img" aria-label="Not so:"><circle cx="10" cy="10" r="10" fill="currentColor" opacity=".18"/><path d="m6 6 8 8m0-8-8 8" fill="none" stroke="currentColor" stroke-width="2"/></svg>`,
};

const checks = (list) => html`<ul class="checks">${list.map(([holds, text]) => html`<li class="${holds ? 'yes' : 'no'}">${holds ? ICONS.yes : ICONS.no}<span>${text}</span></li>`)}</ul>`;
