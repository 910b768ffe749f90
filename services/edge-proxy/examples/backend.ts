// A backend that registers itself: what a service does besides its own work to be routed to.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

const {
  BACKEND_ID = 'web-1',
  BACKEND_APP = 'web',
  BACKEND_REGION = 'eu',
  /** What proxies reach it by. */
  BACKEND_HOST = '127.0.0.1',
  BACKEND_PORT = '8080',
  /** A third of the lease, and less than half: one that is lost costs nothing. */
  HEARTBEAT_SECS = '20',
  EDGEPROXY_URL = 'http://127.0.0.1:7081',
  EDGEPROXY_API_TOKEN_FILE,
} = process.env
const token = EDGEPROXY_API_TOKEN_FILE && readFileSync(EDGEPROXY_API_TOKEN_FILE, 'utf8').trim()

async function ask(method: string, path: string, body?: object): Promise<number> {
  const response = await fetch(`${EDGEPROXY_URL}/api/v1${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5000),
  })
  const text = await response.text()
  if (!response.ok && response.status !== 404) throw new Error(`${response.status}: ${text}`)
  return response.status
}

/** A row that is gone, or never was, is written anew. */
async function beat(): Promise<void> {
  if ((await ask('POST', `/heartbeat/${BACKEND_ID}`)) !== 404) return
  await ask('POST', '/register', {
    id: BACKEND_ID,
    app: BACKEND_APP,
    region: BACKEND_REGION,
    ip: BACKEND_HOST,
    port: Number(BACKEND_PORT),
  })
  console.log(`${BACKEND_ID} is registered`)
}

const server = createServer((request, response) => {
  response.end(`${BACKEND_ID} (${BACKEND_REGION}) ${request.url}\n`)
})
server.listen(Number(BACKEND_PORT))
await once(server, 'listening')

process.once('SIGTERM', async () => {
  // First out of the table, then out of the world.
  await ask('DELETE', `/backends/${BACKEND_ID}`).catch(console.error)
  server.close()
  server.closeIdleConnections()
  process.exitCode = 0
  stopping.abort()
})
const stopping = new AbortController()
while (!stopping.signal.aborted) {
  const isKnown = await beat().then(
    () => true,
    (error: unknown) => console.error(`${EDGEPROXY_URL}: ${String(error)}`),
  )
  const seconds = isKnown ? Number(HEARTBEAT_SECS) : 1
  await wait(seconds * 1000, undefined, { signal: stopping.signal }).catch(() => undefined)
}
