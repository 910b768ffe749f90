import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { Cluster } from '@corroport/local'
import { freePort, until } from '@corroport/testing'

/** A point of presence beside node 1, which clients come to all the time. */
export interface Edge extends AsyncDisposable {
  /** `host:port` of its metrics. */
  readonly metrics: string
}

const main = join(import.meta.dirname, '../../../services/edge-proxy/src/main.ts')
const clientEveryMs = 50

export async function startEdge(cluster: Cluster, metricsToken: string): Promise<Edge> {
  await using starting = new AsyncDisposableStack()
  const backend = createServer((socket) => socket.on('error', () => undefined).end('hello'))
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  starting.defer(() => void backend.close())
  const address = backend.address()
  if (address === null || typeof address === 'string') throw new Error('no port')

  const [port, apiPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      NODE_ID: 'node1',
      AGENT_URL: cluster.node(1).agentUrl,
      METRICS_PORT: String(metricsPort),
      METRICS_TOKEN: metricsToken,
      EDGEPROXY_LISTEN_ADDR: `127.0.0.1:${port}`,
      EDGEPROXY_API_LISTEN_ADDR: `127.0.0.1:${apiPort}`,
      EDGEPROXY_ALLOWED_BACKENDS: '127.0.0.0/8',
      EDGEPROXY_SHUTDOWN_TIMEOUT_SECS: '0',
    },
    stdio: 'ignore',
  })
  starting.defer(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, 'exit')
  })
  const body = { id: 'web-1', app: 'web', region: 'eu', ip: '127.0.0.1', port: address.port }
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${apiPort}/api/v1/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).catch(() => undefined)
    return answer?.status === 201
  })

  const coming = setInterval(() => {
    connect({ host: '127.0.0.1', port })
      .on('error', () => undefined)
      .resume()
  }, clientEveryMs)
  starting.defer(() => clearInterval(coming))
  const started = starting.move()
  return {
    metrics: `127.0.0.1:${metricsPort}`,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
