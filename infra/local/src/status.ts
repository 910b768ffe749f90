import { messageOf } from '@corroport/bus'
import { isRunning } from '@corroport/node-process/process-ref.ts'
import { type Static, Type } from 'typebox'
import { agentUrl, lookAtAgent } from './agents.ts'
import type { Layout } from './layout.ts'
import { lookAtMonitoring } from './nats.ts'
import { analyticsPort, buildsPorts, natsPortsOf, portsOf, postgresPort } from './ports.ts'
import { lookAtDatabase, ownDatabaseUrl } from './postgres.ts'
import { type ClusterShape, type Layer, readRecord } from './register.ts'
import { lookAtHealth, serviceProcesses } from './services.ts'
import { formatTable } from './table.ts'

export const LayerStatus = Type.Object({
  layer: Type.Union([Type.Literal('agents'), Type.Literal('services')]),
  /** Process id; null when none runs. */
  supervisor: Type.Union([Type.Integer(), Type.Null()]),
  /** Of the agents, also where the services are asked for; null when none run, or others run them. */
  agentKind: Type.Union([Type.Literal('development'), Type.Literal('real'), Type.Null()]),
  parts: Type.Array(
    Type.Object({
      name: Type.String(),
      pid: Type.Union([Type.Integer(), Type.Null()]),
      state: Type.Union([Type.Literal('ready'), Type.Literal('not ready'), Type.Literal('down')]),
      /** Why it is not ready. */
      detail: Type.String(),
      address: Type.String(),
    }),
  ),
})
/** What `status --json` prints, a list of. */
export type LayerStatus = Static<typeof LayerStatus>

const lookDeadlineMs = 2000

export async function statusOf(layout: Layout, layer: Layer): Promise<LayerStatus> {
  const record = readRecord(layout, layer)
  if (!record) return { layer, supervisor: null, agentKind: null, parts: [] }
  const parts = expectedParts(layout, layer, record.shape).map(async ({ name, address, look }) => {
    const running = record.parts.find((part) => part.name === name)
    if (!running || !isRunning(running)) {
      return { name, pid: null, state: 'down' as const, detail: '', address }
    }
    const { pid } = running
    const reason = await reasonOf(look(AbortSignal.timeout(lookDeadlineMs)))
    const state = reason === undefined ? ('ready' as const) : ('not ready' as const)
    return { name, pid, state, detail: reason ?? '', address }
  })
  const { supervisor } = record
  return {
    layer,
    supervisor: isRunning(supervisor) ? supervisor.pid : null,
    agentKind: record.shape.agentKind ?? null,
    parts: await Promise.all(parts),
  }
}

interface ExpectedPart {
  name: string
  address: string
  look: (signal: AbortSignal) => Promise<string | undefined>
}

function expectedParts(layout: Layout, layer: Layer, shape: ClusterShape): ExpectedPart[] {
  const nodes = Array.from({ length: shape.nodes }, (_, index) => index + 1)
  if (layer === 'agents') {
    const agents = nodes.map((node): ExpectedPart => {
      const url = agentUrl(node, shape.portOffset)
      return { name: `agent${node}`, address: url, look: (signal) => lookAtAgent(url, signal) }
    })
    const { monitoring } = natsPortsOf(shape.portOffset)
    const nats: ExpectedPart = {
      name: 'nats',
      address: shape.natsUrl,
      look: (signal) => lookAtMonitoring(monitoring, signal),
    }
    const postgres: ExpectedPart = {
      name: 'postgres',
      address: `127.0.0.1:${postgresPort(shape.portOffset)}`,
      look: async () => await lookAtDatabase(ownDatabaseUrl(layout, shape.portOffset)),
    }
    return [...(shape.hasNats ? [nats] : []), ...(shape.hasPostgres ? [postgres] : []), ...agents]
  }
  const port = analyticsPort(shape.portOffset)
  const analytics: ExpectedPart = {
    name: 'analytics',
    address: `http://127.0.0.1:${port}`,
    look: (signal) => lookAtHealth([port], signal),
  }
  const services = nodes.flatMap((node) => {
    const ports = portsOf(node, shape.portOffset)
    return serviceProcesses(node, shape).map(
      ({ name, listens }): ExpectedPart => ({
        name,
        address: listens.includes(ports.api) ? `http://127.0.0.1:${ports.api}` : '',
        look: (signal) => lookAtHealth(listens, signal),
      }),
    )
  })
  const edges = nodes.map((node): ExpectedPart => {
    const { edge, edgeMetrics } = portsOf(node, shape.portOffset)
    return {
      name: `edge${node}`,
      address: `127.0.0.1:${edge}`,
      look: (signal) => lookAtHealth([edgeMetrics], signal),
    }
  })
  const builds = buildsPorts(shape.portOffset)
  const buildController: ExpectedPart = {
    name: 'builds',
    address: `http://127.0.0.1:${builds.api}`,
    look: (signal) => lookAtHealth([builds.metrics], signal),
  }
  return [
    ...services,
    ...(shape.hasAnalytics ? [analytics] : []),
    ...(shape.hasEdge ? edges : []),
    ...(shape.hasBuilds ? [buildController] : []),
  ]
}

async function reasonOf(looked: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await looked
  } catch (error) {
    return messageOf(error)
  }
}

export function describeLayer({ layer, supervisor, agentKind, parts }: LayerStatus): string {
  const who = supervisor === null ? 'not running' : `supervised by pid ${supervisor}`
  const kind = layer === 'agents' && agentKind !== null ? `${agentKind} ones, ` : ''
  const head = ['part', 'pid', 'state', 'address', 'detail']
  const rows = parts.map(({ name, pid, state, detail, address }) => [
    name,
    pid === null ? '-' : String(pid),
    state,
    address,
    detail,
  ])
  return [
    `${layer}: ${kind}${who}`,
    ...(rows.length === 0 ? [] : [formatTable([head, ...rows])]),
  ].join('\n')
}
