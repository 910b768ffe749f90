import { join } from 'node:path'
import { connectBus, openStateFile } from '@corroport/bus'
import {
  ClusterStatus,
  createParser,
  nowMicroseconds,
  subscriberStatusQueried,
  toTimestamp,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openDirectory, openViews } from '@corroport/identity'
import { createHealth, createMetrics } from '@corroport/service'
import { until } from '@corroport/testing'
import { expect } from '@jest/globals'
import { startMembers } from '../src/members/start-members.ts'
import { createRoster } from '../src/roster.ts'
import { registerStatus } from '../src/routes/status.ts'
import { type StatusDeps, startStatus } from '../src/status/start-status.ts'
import { createBareApp, newFolder, silent } from './harness.ts'

const parseStatus = createParser('a status', ClusterStatus)

/** A status of node1 behind HTTP, with a connection of its own. */
export async function serveStatus(options: {
  natsUrl: string
  agentUrl: string
  natsMonitorUrl?: string
  databaseUrl?: string
  members?: StatusDeps['members']
}) {
  const { natsUrl, agentUrl, natsMonitorUrl, databaseUrl } = options
  const own = { nodeId: 'node1', region: 'iad', declaredNodes: ['node1'] }
  const config = { ...own, natsMonitorUrl, databaseUrl }
  await using starting = new AsyncDisposableStack()
  const bus = starting.use(connectBus({ url: natsUrl, name: 'gateway/node1', log: silent }))
  const agent = starting.use(createCorrosionClient({ url: agentUrl }))
  const path = join(newFolder(), 'nodes.json')
  const directory = starting.use(openDirectory({ bus, log: silent, path }))
  const views = starting.use(openViews({ bus }))
  const roster = starting.use(createRoster({ config, bus, directory, views }))
  const members =
    options.members ?? starting.use(startMembers({ config, bus, directory, views, agent, roster }))
  const state = starting.use(
    openStateFile({ path: join(newFolder(), 'state.sqlite'), migrations: [], bus, log: silent }),
  )
  const registry = createMetrics()
  const health = createHealth('gateway', 'node1')
  const status = starting.use(
    startStatus({
      config,
      agent,
      bus,
      views,
      members,
      state,
      unconfirmedEvents: () => 0,
      health,
      registry,
      onChange: () => undefined,
      log: silent,
    }),
  )
  const app = createBareApp()
  registerStatus(app, { status })
  starting.defer(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  let slowestMs = 0
  return Object.assign(starting.move(), {
    bus,
    agent,
    health,
    registry,
    slowestMs: () => slowestMs,
    ask: async (): Promise<ClusterStatus> => {
      const startedAt = performance.now()
      const response = await fetch(`${url}/api/cluster/status`)
      const body: unknown = await response.json()
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
      expect(response.status).toBe(200)
      return parseStatus(body)
    },
  })
}

export type Served = Awaited<ReturnType<typeof serveStatus>>

/** The subscriber of node1, as far as a status can see it. */
export function answerAsSubscriber({ bus }: Served, state = 'live'): AsyncDisposable {
  const since = toTimestamp(nowMicroseconds())
  const table = {
    table: 'node_messages',
    state,
    since,
    rows: 0,
    lastChangeAt: since,
    lastChangeId: 12,
    unpublished: 0,
  }
  return bus.respond(subscriberStatusQueried, { nodeId: 'node1' }, () => ({ tables: [table] }))
}

export async function untilOk({ ask }: Served): Promise<ClusterStatus> {
  return await until(async () => {
    const status = await ask()
    return status.overall === 'ok' && status
  })
}

export const states = ({ planes }: ClusterStatus) => ({
  corrosion: planes.corrosion.state,
  nats: planes.nats.state,
  postgres: planes.postgres.state,
})
