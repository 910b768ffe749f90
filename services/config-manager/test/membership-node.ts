import { join } from 'node:path'
import { type Bus, connectBus, openStateFile, readStream } from '@corroport/bus'
import {
  nodeAnnounced,
  nowMicroseconds,
  type RecordDefinition,
  toTimestamp,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openDirectory, openNodeKey, openViews } from '@corroport/identity'
import { createMetrics } from '@corroport/service'
import { type CorrosionAgent, createTemporaryFolder } from '@corroport/testing'
import pino from 'pino'
import type { TSchema } from 'typebox'
import { createAgentProbe } from '../src/agent-probe.ts'
import { migrations, startMembership } from '../src/membership/membership.ts'
import type { DiscoverySettings } from '../src/membership/settings.ts'
import { repeat } from '../src/repeat.ts'

const log = pino({ level: 'silent' })

export type MembershipNode = Awaited<ReturnType<typeof startMembershipNode>>

export interface NodeOptions {
  nodeId: string
  natsUrl: string
  agent: Pick<CorrosionAgent, 'url' | 'gossipAddr' | 'adminPath'>
  /** Where it keeps its state, when that is to outlive it. */
  folder?: string
  canaryIntervalMs?: number
  discovery?: DiscoverySettings
}

/** A node that announces itself and looks at the others: what config-manager makes of membership. */
export async function startMembershipNode(options: NodeOptions) {
  const { nodeId, natsUrl, agent, canaryIntervalMs = 2000 } = options
  const { discovery = { type: 'static', nodes: [] } } = options
  await using starting = new AsyncDisposableStack()
  const folder = options.folder ?? starting.use(createTemporaryFolder()).path
  const bus = starting.use(connectBus({ url: natsUrl, name: `test/${nodeId}`, log }))
  const state = starting.use(
    openStateFile({ path: join(folder, 'config-manager.sqlite'), migrations, bus, log }),
  )
  const directory = starting.use(openDirectory({ bus, log, path: join(folder, 'nodes.json') }))
  const views = starting.use(openViews({ bus }))
  const client = starting.use(createCorrosionClient({ url: agent.url }))
  const settings = { adminSocketPath: agent.adminPath, canaryIntervalMs, discovery }
  const registry = createMetrics()
  starting.use(
    startMembership({
      nodeId,
      settings,
      agent: client,
      bus,
      directory,
      views,
      state,
      registry,
      log,
    }),
  )
  const { publicKey, instanceId } = openNodeKey(folder)
  const startedAt = toTimestamp(nowMicroseconds())
  const probe = createAgentProbe(client, log)
  starting.use(
    repeat(1000, log, async (signal) => {
      const status = await probe.look(signal)
      bus.hint(
        nodeAnnounced,
        { nodeId },
        {
          nodeId,
          instanceId,
          region: 'iad',
          publicKey,
          endpoints: {
            api: '127.0.0.1:4001',
            peer: '127.0.0.1:5001',
            gossip: agent.gossipAddr,
          },
          state: 'active',
          stateAt: startedAt,
          version: '0.1.0',
          agent: { ...status, url: agent.url },
          startedAt,
          announcedAt: toTimestamp(nowMicroseconds()),
        },
      )
    }),
  )

  const view = () => views.get(nodeId)?.view
  return Object.assign(starting.move(), {
    nodeId,
    agent,
    bus,
    client,
    directory,
    registry,
    /** What it sees, as it last said it. */
    view,
    linkTo: (other: string) => view()?.canaries.find((link) => link.nodeId === other)?.link,
    swimOf: (address: string) => view()?.swim.members.find((member) => member.address === address),
  })
}

/** Everything of one kind that was told, oldest first. */
export async function toldOf<T extends string, S extends TSchema>(
  bus: Bus,
  event: RecordDefinition<T, S>,
): Promise<ReturnType<typeof event.parse>[]> {
  const prefix = event.wildcard.slice(0, event.wildcard.indexOf('*'))
  return (await readStream(bus, 'LIFECYCLE'))
    .filter(({ subject }) => subject.startsWith(prefix))
    .map(({ text }) => event.parse(JSON.parse(text)))
}
