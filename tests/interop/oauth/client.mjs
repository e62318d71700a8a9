// An OAuth client that knows nothing of Billfold but the server's address: `node client.mjs ISSUER`. It pushes its
// request, says the address to open, takes the answer on a loopback port, redeems the code and asks who it is for.
import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';

const issuer = new URL(process.argv[2]);
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: 'billfold-desktop' };
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));

const answered = Promise.withResolvers?.() ?? deferred();
const listener = createServer((request, response) => {
  answered.resolve(new URL(request.url, redirectUri));
  response.end('Done.');
});
await new Promise((done) => listener.listen(0, '127.0.0.1', done));
const redirectUri = `http://127.0.0.1:${listener.address().port}/cb`;

const proofs = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const parameters = {
  client_id: client.client_id,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: as.scopes_supported.join(' '),
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  prompt: 'create',
};

/** The first try may only learn the server's nonce. */
async function twice(step) {
  try {
    return await step();
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return step();
    throw error;
  }
}

const pushed = await twice(async () =>
  oauth.processPushedAuthorizationResponse(
    as,
    client,
    await oauth.pushedAuthorizationRequest(as, client, oauth.None(), parameters, { DPoP: proofs, ...insecure }),
  ),
);
const address = new URL(as.authorization_endpoint);
address.searchParams.set('client_id', client.client_id);
address.searchParams.set('request_uri', pushed.request_uri);
console.log(address.href);

const back = oauth.validateAuthResponse(as, client, await answered.promise, state);
const options = { DPoP: proofs, ...insecure };
const tokens = await twice(async () =>
  oauth.processAuthorizationCodeResponse(
    as,
    client,
    await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), back, redirectUri, verifier, options),
  ),
);
const me = await twice(async () => {
  const answer = await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL('/api/v1/me', issuer), undefined, undefined, options);
  return answer.json();
});
const refreshed = await twice(async () =>
  oauth.processRefreshTokenResponse(
    as,
    client,
    await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, options),
  ),
);
console.log(JSON.stringify({ name: me.name, device: me.device_name, type: refreshed.token_type }));
// The browser keeps its connection open.
listener.close();
listener.closeAllConnections();

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
