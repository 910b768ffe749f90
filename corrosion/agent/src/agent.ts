import { RefusedError } from './admin/admin-agent.ts'
import { startAdmin } from './admin/start-admin.ts'
import { createClock } from './clock.ts'
import type { AgentConfig } from './config/agent-config.ts'
import { startGossip } from './gossip/gossip.ts'
import { startHttpApi } from './http/http-api.ts'
import type { Log } from './log.ts'
import { startMetrics } from './metrics.ts'
import { applySchemaPaths } from './schema-paths.ts'
import { openStore } from './store/open-store.ts'
import type { SchemaError } from './store/store.ts'
import { openStreams } from './streams/streams.ts'

export interface Agent {
  /** Announces the leave, ends all streams so that they can be resumed, and closes the database. */
  close(): Promise<void>
}

/** Rejects, with nothing left behind, when a part cannot be started. */
export async function startAgent(config: AgentConfig, { log }: { log: Log }): Promise<Agent> {
  await using parts = new AsyncDisposableStack()
  const clock = createClock(config.lab.clockOffsetMs)
  const store = parts.use(openStore({ path: config.db.path, now: () => clock.now() }))
  const streams = parts.adopt(
    openStreams({ store, folder: config.db.subscriptionsPath, log }),
    (opened) => opened.close(),
  )
  const loadSchema = (): SchemaError | undefined =>
    applySchemaPaths(config.db.schemaPaths, store, log)
  loadSchema()
  const gossip = parts.adopt(
    await startGossip({
      ...config.gossip,
      store,
      clock,
      lab: config.lab,
      log,
    }),
    (started) => started.leave(),
  )
  parts.adopt(
    await startAdmin({
      path: config.admin.path,
      store,
      streams,
      gossip,
      reload() {
        const problem = loadSchema()
        return problem
          ? Promise.reject(new RefusedError(problem.message, { cause: problem }))
          : Promise.resolve()
      },
      log,
    }),
    (started) => started.close(),
  )
  if (config.prometheus) parts.use(await startMetrics(config.prometheus, { store, gossip }))
  parts.adopt(
    await startHttpApi({
      ...config.api,
      store,
      streams,
      health: {
        members: () => gossip.membershipStates().filter(({ state }) => state === 'Alive').length,
        p99LagSeconds: () => gossip.p99LagSeconds(),
        queueSize: () => gossip.queueSize(),
      },
      log,
    }),
    (started) => started.close(),
  )
  const running = parts.move()
  return { close: () => running.disposeAsync() }
}
