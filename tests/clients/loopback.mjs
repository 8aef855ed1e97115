// SPDX-License-Identifier: PostgreSQL
// What an application on a desktop has: a person, at the other end of our standard input and output, and a listener
// that the person's browser comes back to. One JSON object a line, as README.md says.
import { once } from 'node:events'
import http from 'node:http'
import readline from 'node:readline'

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
export const hear = async () => JSON.parse((await lines.next()).value)
export const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

export async function listen() {
  const server = http.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const redirect = `http://127.0.0.1:${server.address().port}/callback`
  return { redirect, signIn: (url) => signIn(server, redirect, url) }
}

// Returns what the authorization server answered by the browser. The listener is good for one sign-in.
async function signIn(server, redirect, url) {
  say({ open: url.href })
  const [request, response] = await once(server, 'request')
  response.setHeader('Connection', 'close').end('Signed in.')
  server.close()
  await hear()
  return new URL(request.url, redirect)
}
