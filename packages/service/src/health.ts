import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Registry } from 'prom-client'

export interface Check {
  name: string
  ok: boolean
  detail?: string
}

interface Report<Status extends string> {
  status: Status
  service: string
  nodeId?: string
  checks: Check[]
}

export type HealthReport = Report<'ok' | 'unavailable'>

/** `degraded`: work is taken, but something that helps is away. `error`: none is taken. */
export type HealthSummary = Report<'ok' | 'degraded' | 'error'>

export type Look = () => { ok: boolean; detail?: string }

/** What a process depends on, and whether it is on its way out. */
export interface Health {
  /**
   * Adds a dependency; `look` is called at each question and must not wait. Without one that only
   * `helps` the process is still ready.
   */
  depend(name: string, look: Look, need?: 'must' | 'helps'): void
  /** From now on not ready, so that nobody sends new work. */
  startStopping(): void
  /** From now on not alive: only another process can help. */
  giveUp(reason: string): void
  /** May this process be given work? */
  ready(): HealthReport
  /** Was it ready once? Until then a supervisor should be patient with it. */
  startup(): HealthReport
  /** Does it turn? Asks nothing that it depends on. */
  live(): Promise<HealthReport>
  /** All of it, for people and monitors. */
  summary(): Promise<HealthSummary>
}

// Far beyond any pause of a working process: past it only a restart helps.
const wedgedAfterMs = 10_000

export function createHealth(service: string, nodeId?: string): Health {
  const looks: { name: string; look: Look; need: 'must' | 'helps' }[] = []
  let isStopping = false
  let wasReady = false
  let hopeless: string | undefined

  const about = { service, ...(nodeId === undefined ? {} : { nodeId }) }
  const report = (checks: Check[]): HealthReport => ({
    status: checks.every(({ ok }) => ok) ? 'ok' : 'unavailable',
    ...about,
    checks,
  })
  const lookAt = (need: 'must' | 'helps'): Check[] =>
    looks.filter((each) => each.need === need).map(({ name, look }) => ({ name, ...look() }))

  const ready = (): HealthReport => {
    const stopping = isStopping ? [{ name: 'running', ok: false, detail: 'stopping' }] : []
    const found = report([...stopping, ...lookAt('must')])
    wasReady ||= found.status === 'ok'
    return found
  }
  const live = async (): Promise<HealthReport> => {
    const lateMs = await eventLoopLateness()
    const loop = { name: 'event loop', ok: lateMs < wedgedAfterMs, detail: `${lateMs} ms late` }
    return report(
      hopeless === undefined ? [loop] : [loop, { name: 'process', ok: false, detail: hopeless }],
    )
  }
  return {
    depend: (name, look, need = 'must') => void looks.push({ name, look, need }),
    startStopping: () => {
      isStopping = true
    },
    giveUp: (reason) => {
      hopeless ??= reason
    },
    ready,
    startup: () => (wasReady ? report([]) : ready()),
    live,
    async summary() {
      const reports = [ready(), await live()]
      const helpers = report(lookAt('helps'))
      const checks = [...reports, helpers].flatMap((each) => each.checks)
      if (reports.some(({ status }) => status !== 'ok'))
        return { status: 'error', ...about, checks }
      return { status: helpers.status === 'ok' ? 'ok' : 'degraded', ...about, checks }
    },
  }
}

/** How much longer than it should one turn of the event loop takes now. */
async function eventLoopLateness(): Promise<number> {
  const startedAt = performance.now()
  await wait(1)
  return Math.max(0, Math.round(performance.now() - startedAt - 1))
}

/**
 * Answers health probes and `/metrics`, apart from everything that users can reach. With a token, only
 * who has it sees more than whether all is well.
 */
export async function listenForOperators(options: {
  host: string
  port: number
  token?: string | undefined
  health: Health
  metrics: Registry
}): Promise<AsyncDisposable & { port: number }> {
  const { host, port, token, health, metrics } = options
  const maySee = token === undefined ? () => true : tokenCheck(token)
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?')
    const seesAll = maySee(request)
    const failed = (error: unknown): void =>
      void response.writeHead(500).end(seesAll ? String(error) : undefined)
    const answer = (report: HealthReport | HealthSummary): void =>
      answerWith(response, seesAll ? report : { status: report.status })
    switch (path) {
      case '/health/live':
        health.live().then(answer, failed)
        return
      case '/health/startup':
        answer(health.startup())
        return
      case '/health/ready':
        answer(health.ready())
        return
      case '/health':
        health.summary().then(answer, failed)
        return
      case '/metrics':
        if (!seesAll) {
          response.writeHead(401, { 'www-authenticate': 'Bearer' }).end('METRICS_TOKEN is needed\n')
          return
        }
        metrics
          .metrics()
          .then(
            (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
            failed,
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

/** How long it takes tells nothing of the token, not even its length. */
function tokenCheck(token: string): (request: IncomingMessage) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const wanted = digest(token)
  return ({ headers }) => {
    const [, given] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
    return given !== undefined && timingSafeEqual(digest(given), wanted)
  }
}

type Answer = Pick<HealthReport | HealthSummary, 'status'>

function answerWith(response: ServerResponse, report: Answer): void {
  response
    .writeHead(statusCodeOf(report), { 'content-type': 'application/json' })
    .end(JSON.stringify(report))
}

export function statusCodeOf({ status }: Answer): 200 | 503 {
  return status === 'ok' || status === 'degraded' ? 200 : 503
}
