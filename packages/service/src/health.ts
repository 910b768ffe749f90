import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'

export interface Check {
  name: string
  ok: boolean
  detail?: string
}

export interface HealthReport {
  status: 'ok' | 'unavailable'
  service: string
  nodeId?: string
  checks: Check[]
}

/** What a process depends on, and whether it is on its way out. */
export interface Health {
  /** Adds a dependency; `look` is called at each question and must not wait. */
  depend(name: string, look: () => { ok: boolean; detail?: string }): void
  /** From now on not ready, so that nobody sends new work. */
  startStopping(): void
  ready(): HealthReport
  live(): HealthReport
}

export function createHealth(service: string, nodeId?: string): Health {
  const looks: { name: string; look: () => { ok: boolean; detail?: string } }[] = []
  let isStopping = false
  const report = (checks: Check[]): HealthReport => ({
    status: checks.every(({ ok }) => ok) ? 'ok' : 'unavailable',
    service,
    ...(nodeId === undefined ? {} : { nodeId }),
    checks,
  })
  return {
    depend: (name, look) => void looks.push({ name, look }),
    startStopping: () => {
      isStopping = true
    },
    ready: () => {
      const checks = looks.map(({ name, look }) => ({ name, ...look() }))
      return report(
        isStopping ? [{ name: 'running', ok: false, detail: 'stopping' }, ...checks] : checks,
      )
    },
    live: () => report([]),
  }
}

/** Answers health probes and `/metrics`, apart from everything that users can reach. */
export async function listenForOperators(options: {
  host: string
  port: number
  health: Health
  metrics: Registry
}): Promise<AsyncDisposable & { port: number }> {
  const { host, port, health, metrics } = options
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?')
    switch (path) {
      case '/health/live':
      case '/health/startup':
        answer(response, health.live())
        return
      case '/health':
      case '/health/ready':
        answer(response, health.ready())
        return
      case '/metrics':
        metrics.metrics().then(
          (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
          (error: unknown) => response.writeHead(500).end(String(error)),
        )
        return
      case undefined:
      default:
        response.writeHead(404).end()
    }
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function answer(response: ServerResponse, report: HealthReport): void {
  response
    .writeHead(report.status === 'ok' ? 200 : 503, { 'content-type': 'application/json' })
    .end(JSON.stringify(report))
}
