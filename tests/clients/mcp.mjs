// SPDX-License-Identifier: PostgreSQL
// An official TypeScript client of MCP that knows nothing of us, of either generation: signs in, then looks around.
// Hears {url, client_id, mode, name, progress}, mode being sdk (the first generation), legacy, auto or a pinned revision;
// says what it saw. The clients themselves check results against their tools' output schemas.
import { randomUUID } from 'node:crypto'
import * as second from '@modelcontextprotocol/client'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { hear, listen, say } from './loopback.mjs'

const given = await hear()
const isFirst = given.mode === 'sdk'
const { redirect, signIn } = await listen()
const information = { name: 'a-stranger', version: '1.0.0' }

// What an application keeps for the SDK, which does the rest.
const kept = {}
const authProvider = {
  redirectUrl: redirect,
  clientMetadata: { client_name: information.name, redirect_uris: [redirect], token_endpoint_auth_method: 'none' },
  clientInformation: () => ({ client_id: given.client_id }),
  state: () => (kept.state = randomUUID()),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens },
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => { kept.verifier = verifier },
  redirectToAuthorization: (url) => { kept.url = url },
}

function makeClient() {
  if (isFirst) return new FirstClient(information)
  const mode = ['legacy', 'auto'].includes(given.mode) ? given.mode : { pin: given.mode }
  return new second.Client(information, { versionNegotiation: { mode } })
}

// Who is not signed in yet is refused, signs in, and comes again.
async function connect(client) {
  const Transport = isFirst ? FirstTransport : second.StreamableHTTPClientTransport
  const refused = new Transport(new URL(given.url), { authProvider })
  const error = await client.connect(refused).then(() => null, (reason) => reason)
  if (!(error instanceof (isFirst ? UnauthorizedError : second.UnauthorizedError))) throw error
  const { searchParams } = await signIn(kept.url)
  if (searchParams.get('state') !== kept.state) throw new Error('this is the answer to another request')
  await refused.finishAuth(isFirst ? searchParams.get('code') : searchParams)
  const transport = new Transport(new URL(given.url), { authProvider })
  await client.connect(transport)
  return transport
}

const client = makeClient()
const transport = await connect(client)
const call = (params, options) => (isFirst ? client.callTool(params, undefined, options) : client.callTool(params, options))
const hasSession = isFirst || client.getProtocolEra() === 'legacy'

// Page by page. The first generation knows the output schemas of the page it read last.
async function everyTool(client) {
  const names = []
  let pages = 0
  let cursor
  do {
    const page = await client.listTools(cursor === undefined ? undefined : { cursor })
    names.push(...page.tools.map((tool) => tool.name))
    pages += 1
    cursor = page.nextCursor
  } while (cursor !== undefined)
  await client.listTools()
  return { names, pages }
}

const progress = []
const structured = async (name, args = {}) => {
  const result = await call({ name, arguments: args })
  if (result.isError || result.structuredContent === undefined) throw new Error(`${name}: ${JSON.stringify(result)}`)
  return result.structuredContent
}
// An hour passes.
const expire = () => { say({ expire: given.client_id }); return hear() }
const creation = { name: given.name, idempotency_key: given.name }
const answer = {
  tools: isFirst ? await everyTool(client) : { names: (await client.listTools()).tools.map((tool) => tool.name) },
  version: isFirst ? transport.protocolVersion : client.getNegotiatedProtocolVersion(),
  server: client.getServerVersion(),
  instructions: client.getInstructions(),
  whoami: await structured('whoami'),
  created: await structured('create_account', creation),
  hour: await expire(),
  again: await structured('create_account', creation),
  records: await structured('list_records', { kind: 'account', fields: ['id', 'name'] }),
  failed: await call({ name: 'get_account', arguments: { id: '00000000-0000-0000-0000-000000000000' } }),
  resources: (await client.listResources()).resources.map((resource) => resource.uri),
  pipelines: await client.readResource({ uri: 'crm://pipelines' }),
  prompts: (await client.listPrompts()).prompts.map((prompt) => prompt.name),
  prompt: await client.getPrompt({ name: 'account_brief', arguments: { account: given.name } }),
  completion: await client.complete({
    ref: { type: 'ref/prompt', name: 'account_brief' }, argument: { name: 'account', value: given.name.slice(0, 6) },
  }),
  steps: await call({ name: given.progress, arguments: {} }, { onprogress: (step) => progress.push(step.progress) }),
  unknown: await call({ name: 'no_such_tool', arguments: {} }).then(() => null, (error) => error.code),
  progress,
}
if (hasSession) await transport.terminateSession()
await client.close()
say({ seen: answer })
