// SPDX-License-Identifier: PostgreSQL
// A strict OAuth client that knows nothing of us (oauth4webapi): discovery, code, token, refresh, revocation.
// Reads one JSON object a line, answers one a line: first {origin, client_id, client_secret, redirect_uri, scope} → {url};
// then {callback} → {first, second, revoked}.
import * as oauth from 'oauth4webapi'
import readline from 'node:readline'

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const read = async () => JSON.parse((await lines.next()).value)
const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const insecure = { [oauth.allowInsecureRequests]: true } // plain http, on a loopback address

const given = await read()
const resource = new URL('/mcp', given.origin)
const described = await oauth.processResourceDiscoveryResponse(
  resource, await oauth.resourceDiscoveryRequest(resource, insecure))
const issuer = new URL(described.authorization_servers[0])
const server = await oauth.processDiscoveryResponse(
  issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }))
const client = { client_id: given.client_id }
const authentication = given.client_secret ? oauth[given.method](given.client_secret) : oauth.None()

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const url = new URL(server.authorization_endpoint)
for (const [name, value] of Object.entries({
  response_type: 'code', client_id: client.client_id, redirect_uri: given.redirect_uri, scope: given.scope, state,
  resource: described.resource, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
})) url.searchParams.set(name, value)
write({ url: url.href })

const callback = new URL((await read()).callback)
const parameters = oauth.validateAuthResponse(server, client, callback, state)
const first = await oauth.processAuthorizationCodeResponse(server, client, await oauth.authorizationCodeGrantRequest(
  server, client, authentication, parameters, given.redirect_uri, verifier,
  { additionalParameters: { resource: described.resource }, ...insecure }))
const second = await oauth.processRefreshTokenResponse(server, client, await oauth.refreshTokenGrantRequest(
  server, client, authentication, first.refresh_token, insecure))
const revocation = await oauth.revocationRequest(server, client, authentication, second.access_token, insecure)
await oauth.processRevocationResponse(revocation)
write({ first, second, revoked: revocation.status })
