/** Everything a node listens on: `base + n` on loopback for node n of 1 to 10. */
const nodePorts = {
  api: { base: 4000, what: 'console and API' },
  peer: { base: 5000, what: 'acknowledgements' },
  agentApi: { base: 8080, what: 'agent API' },
  gossip: { base: 8786, what: 'agent gossip' },
  agentMetrics: { base: 9500, what: 'agent metrics' },
  // Health and metrics. One process per node has one listener: the gateway's.
  gateway: { base: 9400, what: 'health and metrics' },
  subscriber: { base: 9420, what: 'health and metrics of the subscriber' },
  'ack-sender': { base: 9440, what: 'health and metrics of the ack-sender' },
  'config-manager': { base: 9460, what: 'health and metrics of the config-manager' },
  // Of a point of presence, where there is one beside each node.
  edge: { base: 7000, what: 'edge proxy' },
  edgeApi: { base: 7100, what: 'registration at the edge proxy' },
  edgeMetrics: { base: 9480, what: 'health and metrics of the edge proxy' },
} as const

const natsPorts = {
  client: { base: 4222, what: 'NATS' },
  monitoring: { base: 8222, what: 'NATS monitoring' },
} as const

// None that a Postgres of the machine is likely to have.
const postgres = { base: 7432, what: 'Postgres' } as const
// One below those of the nodes' processes.
const analytics = { base: 9400, what: 'health and metrics of analytics' } as const

// Of the build controller, where there is one.
const builds = { base: 4444, what: 'build controller' } as const
const buildsMetrics = { base: 9399, what: 'health and metrics of the build controller' } as const

export const maxNodes = 10
export const serviceNames = ['subscriber', 'ack-sender', 'config-manager', 'gateway'] as const
export type ServiceName = (typeof serviceNames)[number]

export type NodePorts = Record<keyof typeof nodePorts, number>

export function portsOf(node: number, offset = 0): NodePorts {
  const at = (name: keyof typeof nodePorts) => nodePorts[name].base + node + offset
  return {
    api: at('api'),
    peer: at('peer'),
    agentApi: at('agentApi'),
    gossip: at('gossip'),
    agentMetrics: at('agentMetrics'),
    gateway: at('gateway'),
    subscriber: at('subscriber'),
    'ack-sender': at('ack-sender'),
    'config-manager': at('config-manager'),
    edge: at('edge'),
    edgeApi: at('edgeApi'),
    edgeMetrics: at('edgeMetrics'),
  }
}

export function gossipAddress(node: number, offset = 0): string {
  return `127.0.0.1:${portsOf(node, offset).gossip}`
}

export function natsPortsOf(offset = 0): { client: number; monitoring: number } {
  return {
    client: natsPorts.client.base + offset,
    monitoring: natsPorts.monitoring.base + offset,
  }
}

export const postgresPort = (offset = 0): number => postgres.base + offset
export const analyticsPort = (offset = 0): number => analytics.base + offset
export const buildsPorts = (offset = 0): { api: number; metrics: number } => ({
  api: builds.base + offset,
  metrics: buildsMetrics.base + offset,
})

type Protocol = 'tcp' | 'udp'

export interface WantedPort {
  port: number
  protocol: Protocol
  /** Who wants it, for people: `agent API of node2`. */
  wantedBy: string
}

export interface WantedParts {
  nodes: number
  portOffset: number
  hasNats: boolean
  hasPostgres: boolean
  hasAgents: boolean
  hasServices: boolean
  hasAnalytics: boolean
  hasEdge: boolean
  hasBuilds: boolean
  isProcessPerService: boolean
}

// Real agents gossip over UDP, development agents over TCP, and listen for the others' knocking.
const gossipProtocols = ['udp', 'tcp'] as const

/** Every port that such a cluster listens on. */
export function wantedPorts(parts: WantedParts): WantedPort[] {
  const wanted: WantedPort[] = []
  if (parts.hasNats) {
    const { client, monitoring } = natsPortsOf(parts.portOffset)
    wanted.push({ port: client, protocol: 'tcp', wantedBy: natsPorts.client.what })
    wanted.push({ port: monitoring, protocol: 'tcp', wantedBy: natsPorts.monitoring.what })
  }
  for (const { base, what } of [
    ...(parts.hasPostgres ? [postgres] : []),
    ...(parts.hasAnalytics ? [analytics] : []),
    ...(parts.hasBuilds ? [builds, buildsMetrics] : []),
  ]) {
    wanted.push({ port: base + parts.portOffset, protocol: 'tcp', wantedBy: what })
  }
  const names: (keyof NodePorts)[] = [
    ...(parts.hasAgents ? (['agentApi', 'gossip', 'agentMetrics'] as const) : []),
    ...(parts.hasServices ? (['api', 'peer', 'gateway'] as const) : []),
    ...(parts.hasServices && parts.isProcessPerService
      ? (['subscriber', 'ack-sender', 'config-manager'] as const)
      : []),
    ...(parts.hasEdge ? (['edge', 'edgeApi', 'edgeMetrics'] as const) : []),
  ]
  for (let node = 1; node <= parts.nodes; node += 1) {
    const ports = portsOf(node, parts.portOffset)
    for (const name of names) {
      const wantedBy = `${nodePorts[name].what} of node${node}`
      for (const protocol of name === 'gossip' ? gossipProtocols : (['tcp'] as const)) {
        wanted.push({ port: ports[name], protocol, wantedBy })
      }
    }
  }
  return wanted
}
