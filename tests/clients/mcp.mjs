// SPDX-License-Identifier: PostgreSQL
// An official TypeScript client of MCP that knows nothing of us, of either generation, with a token in its header.
// Reads {url, token, mode, name, progress} as JSON, mode being sdk (the first generation), legacy, auto or a pinned revision;
// writes what it saw as JSON. The clients themselves check results against their tools' output schemas.
import { text } from 'node:stream/consumers'
import * as second from '@modelcontextprotocol/client'
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const given = JSON.parse(await text(process.stdin))
const requestInit = { headers: { Authorization: `Bearer ${given.token}` } }
const information = { name: 'a-stranger', version: '1.0.0' }

async function connect() {
  const url = new URL(given.url)
  if (given.mode === 'sdk') {
    const client = new FirstClient(information)
    const transport = new FirstTransport(url, { requestInit })
    await client.connect(transport)
    const call = (params, options) => client.callTool(params, undefined, options)
    return { client, call, version: () => transport.protocolVersion, leave: () => transport.terminateSession() }
  }
  const mode = ['legacy', 'auto'].includes(given.mode) ? given.mode : { pin: given.mode }
  const client = new second.Client(information, { versionNegotiation: { mode } })
  const transport = new second.StreamableHTTPClientTransport(url, { requestInit })
  await client.connect(transport)
  const leave = async () => { if (client.getProtocolEra() === 'legacy') await transport.terminateSession() }
  return {
    client, leave, call: (params, options) => client.callTool(params, options),
    version: () => client.getNegotiatedProtocolVersion(),
  }
}

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

const { client, call, version, leave } = await connect()
const progress = []
const structured = async (name, args = {}) => {
  const result = await call({ name, arguments: args })
  if (result.isError || result.structuredContent === undefined) throw new Error(`${name}: ${JSON.stringify(result)}`)
  return result.structuredContent
}
const creation = { name: given.name, idempotency_key: given.name }
const answer = {
  tools: given.mode === 'sdk' ? await everyTool(client) : { names: (await client.listTools()).tools.map((tool) => tool.name) },
  version: version(),
  server: client.getServerVersion(),
  instructions: client.getInstructions(),
  whoami: await structured('whoami'),
  created: await structured('create_account', creation),
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
await leave()
await client.close()
process.stdout.write(JSON.stringify(answer))
