// SPDX-License-Identifier: PostgreSQL
// A strict OAuth client that knows nothing of us (oauth4webapi): discovery, code, token, refresh, revocation.
// Hears {origin, client_id, client_secret, method, scope}, says {seen: {first, second, revoked}}.
import * as oauth from 'oauth4webapi'
import { hear, listen, say } from './loopback.mjs'

const insecure = { [oauth.allowInsecureRequests]: true } // plain http, on a loopback address

const given = await hear()
const { redirect, signIn } = await listen()
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
  response_type: 'code', client_id: client.client_id, redirect_uri: redirect, scope: given.scope, state,
  resource: described.resource, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
})) url.searchParams.set(name, value)

const parameters = oauth.validateAuthResponse(server, client, await signIn(url), state)
const first = await oauth.processAuthorizationCodeResponse(server, client, await oauth.authorizationCodeGrantRequest(
  server, client, authentication, parameters, redirect, verifier,
  { additionalParameters: { resource: described.resource }, ...insecure }))
const second = await oauth.processRefreshTokenResponse(server, client, await oauth.refreshTokenGrantRequest(
  server, client, authentication, first.refresh_token, insecure))
const revocation = await oauth.revocationRequest(server, client, authentication, second.access_token, insecure)
await oauth.processRevocationResponse(revocation)
say({ seen: { first, second, revoked: revocation.status } })
