import { join } from 'node:path'
import { type Bus, consume, on, openStateFile } from '@corroport/bus'
import {
  changeObserved,
  lifecycleFailed,
  lifecycleReady,
  lifecycleRestarting,
  nowMicroseconds,
  subscriberDurable,
  subscriberStatusQueried,
  subscriptionAudited,
  subscriptionGapped,
  subscriptionLive,
  subscriptionLost,
  subscriptionPaused,
  subscriptionResumed,
  toTimestamp,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import type { Health } from '@corroport/service'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createAgentPause } from './agent-pause.ts'
import type { Config } from './config.ts'
import { createSubscriberMetrics } from './metrics.ts'
import { migrations } from './seen-rows.ts'
import { followTable } from './table.ts'

export const says = [
  changeObserved,
  subscriptionLive,
  subscriptionLost,
  subscriptionResumed,
  subscriptionGapped,
  subscriptionPaused,
  subscriptionAudited,
] as const
export const hears = [lifecycleRestarting, lifecycleReady, lifecycleFailed] as const
export const answers = [subscriberStatusQueried] as const

export interface SubscriberDeps {
  bus: Bus
  log: Logger
  health: Health
  metrics: Registry
}

/** Follows the replicated tables of this node's agent and tells every state of every row. */
export function startSubscriber(config: Config, deps: SubscriberDeps): AsyncDisposable {
  const { bus, log, health } = deps
  const { nodeId } = config
  const client = createCorrosionClient(config.agent)
  const path = join(config.stateDir, 'subscriber.sqlite')
  const state = openStateFile({ path, migrations, bus, log })
  const metrics = createSubscriberMetrics(deps.metrics, () => state.unconfirmed())

  const tables = config.tables.map((table) =>
    followTable({
      client,
      nodeId,
      table,
      state,
      auditIntervalMs: config.auditIntervalMs,
      log,
      metrics,
    }),
  )

  const resume = (): void => {
    for (const table of tables) table.resume()
  }
  const pause = createAgentPause(state, config.pauseLimitMs, (restartId) => {
    log.warn({ restartId }, 'restart took too long, looking for the agent')
    resume()
  })

  const consumption = consume({
    bus,
    log,
    service: 'subscriber',
    durable: subscriberDurable(nodeId),
    handlers: [
      on(lifecycleRestarting, (event) => {
        if (!pause.restarting(event)) return
        const { restartId } = event
        for (const table of tables) table.pause(`restart ${restartId}`)
        const at = toTimestamp(nowMicroseconds())
        state.transaction((tell) => {
          for (const { table } of tables) {
            tell(subscriptionPaused, { nodeId }, { nodeId, table, at, restartId })
          }
        })
      }),
      on(lifecycleReady, ({ restartId }) => {
        if (pause.finished(restartId)) resume()
      }),
      on(lifecycleFailed, ({ restartId }) => {
        if (pause.finished(restartId)) resume()
      }),
    ],
  })

  const answering = bus.respond(subscriberStatusQueried, { nodeId }, () => ({
    tables: tables.map((followed) => ({
      table: followed.table,
      state: followed.state,
      since: followed.since,
      rows: followed.rows(),
      lastChangeAt: followed.lastChangeAt,
      lastChangeId: followed.lastChangeId,
      unpublished: state.unconfirmed(),
    })),
  }))

  health.depend('state file', () => state.health())
  health.depend('lifecycle consumer', () => ({ ok: consumption.isBound }))
  for (const followed of tables) {
    health.depend(`subscription ${followed.table}`, () => ({
      ok: followed.state === 'live',
      detail: [followed.state, followed.reason].filter(Boolean).join(': '),
    }))
  }

  return {
    async [Symbol.asyncDispose]() {
      await answering[Symbol.asyncDispose]()
      await consumption[Symbol.asyncDispose]()
      pause[Symbol.dispose]()
      await Promise.all(tables.map((followed) => followed[Symbol.asyncDispose]()))
      await state[Symbol.asyncDispose]()
      await client[Symbol.asyncDispose]()
    },
  }
}
