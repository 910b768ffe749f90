import type { StateFile } from '@corroport/bus'
import { auditNoted, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import type { Metrics } from '../metrics.ts'
import { isUnsafe } from './policy.ts'

export interface AuditDeps {
  config: Pick<Config, 'nodeId'>
  state: StateFile
  metrics: Metrics
  log: Logger
}

// Anybody can be refused as often as they like; what is more is counted in the metric only.
const refusedPerMinute = 60
const minuteMs = 60_000
const refusals: readonly number[] = [401, 403, 429]
const longestTarget = 2000

/** Tells who changed what or ran which statement, and who was refused. */
export function auditRequests(app: App, { config, state, metrics, log }: AuditDeps): void {
  const { nodeId } = config
  let refused = { since: 0, count: 0 }
  const isTold = (): boolean => {
    const now = performance.now()
    if (now - refused.since >= minuteMs) refused = { since: now, count: 0 }
    refused.count += 1
    return refused.count <= refusedPerMinute
  }

  app.addHook('onResponse', async (request, { statusCode: status }) => {
    if (refusals.includes(status)) {
      metrics.refused.inc({ status })
      if (!isTold()) return
    } else if (request.is404 || !isUnsafe(request)) return
    const { principal, ip, method, routeOptions } = request
    try {
      state.transaction((tell) =>
        tell(
          auditNoted,
          { nodeId },
          {
            nodeId,
            requestId: ulid(),
            at: toTimestamp(nowMicroseconds()),
            by: principal?.name ?? null,
            role: principal?.role ?? null,
            action: `${method} ${routeOptions.url ?? 'of no route'}`.slice(0, 300),
            target: targetOf(request)?.slice(0, longestTarget) ?? null,
            status,
            remoteAddress: ip,
          },
        ),
      )
    } catch (err) {
      log.error({ err }, 'audit not written')
    }
  })
}

// Ids and statements; never whole bodies, in which there may be tokens and messages.
const fromParams = ['id', 'pk', 'node', 'sequence', 'name']
const fromBody = [
  'sql',
  'plan_id',
  'node_id',
  'confirm',
  'experiment_id',
  'import_id',
  'nodes',
  'seeds',
  'name',
]

function targetOf(request: FastifyRequest): string | null {
  const { target } = request.routeOptions.config ?? {}
  if (target) return target(request)
  return firstText(request.params, fromParams) ?? firstText(request.body, fromBody) ?? null
}

function firstText(value: unknown, names: readonly string[]): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const name of names) {
    const found: unknown = Reflect.get(value, name)
    if (typeof found === 'string' && found !== '') return found
    if (Array.isArray(found) && found.length > 0) return found.join(',')
  }
  return undefined
}
