// Count the client secrets in everything that this side of the demo can look at: members of that
// name, at any depth, and ways of authentication that need one.
const SECRET = /client_?secret/i;

export function membersNamedSecret(document) {
  if (Array.isArray(document)) return document.reduce((sum, item) => sum + membersNamedSecret(item), 0);
  if (document === null || typeof document !== 'object') return 0;
  return Object.entries(document).reduce(
    (sum, [name, value]) => sum + (SECRET.test(name) ? 1 : 0) + membersNamedSecret(value),
    0,
  );
}

const matching = (names) => (names ?? []).filter((name) => SECRET.test(name)).length;

export function countSecrets({ session, ofThisLogin, clients, signetMetadata, providerMetadata, appConfiguration }) {
  const places = [
    { place: 'The sample app: its configuration and its client metadata', found: membersNamedSecret([appConfiguration, session.seen.clientMetadata]) },
    { place: 'What the sample app sent to Signet’s token endpoint', found: matching(session.seen.parameters) },
    { place: 'What Acme’s provider keeps about Signet', found: clients.reduce((sum, { members }) => sum + matching(members), 0) },
    { place: 'What Signet sent to Acme’s provider', found: ofThisLogin.reduce((sum, { parameters }) => sum + matching(parameters), 0) },
    { place: 'Ways that Signet lets applications authenticate', found: matching(signetMetadata.token_endpoint_auth_methods_supported) },
    { place: 'Ways that Acme’s provider lets Signet authenticate', found: matching(providerMetadata.token_endpoint_auth_methods_supported) },
  ];
  return { total: places.reduce((sum, { found }) => sum + found, 0), places };
}
