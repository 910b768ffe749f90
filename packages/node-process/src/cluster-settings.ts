import { Endpoint, NodeId } from '@corroport/contracts'
import { EnvironmentError, readEnvironment, setting } from '@corroport/service'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

const discoveryTypes = ['static', 'dns', 'registry'] as const
const factors = [1, 3, 5] as const
// More often costs every node a message from every other, and says nothing that is not known.
const leastIntervalMs = 500
// What other nodes hold for true of those that set nothing.
const usualIntervalMs = 1000
const usualTimeoutMs = 3000

/** Settings of a whole cluster: each of its nodes has to have the same. */
export const clusterVariables = {
  CLUSTER_NODES: Type.String({
    default: '',
    description:
      'with commas: node ids, or gossip addresses host:port, that are expected even when never heard',
  }),
  CLUSTER_DISCOVERY_TYPE: Type.String({
    default: 'static',
    description: 'who is expected: static (CLUSTER_NODES), dns or registry (rows of node_configs)',
  }),
  CLUSTER_DNS_HOSTNAME: Type.Optional(
    Type.String({ description: 'name whose records are the expected nodes, of dns' }),
  ),
  HEARTBEAT_INTERVAL: setting(Type.Integer(), {
    default: usualIntervalMs,
    description: `milliseconds between announcements of a node, at least ${leastIntervalMs}`,
  }),
  HEARTBEAT_TIMEOUT: setting(Type.Integer(), {
    default: usualTimeoutMs,
    description: 'milliseconds of silence after which a node is lost, more than 2 × the interval',
  }),
  REPLICATION_FACTOR: Type.Optional(
    Type.Integer({
      description: 'servers that keep each stream: 1, 3 or 5; without it 1, and 3 on three servers',
    }),
  ),
}
const ClusterEnvironment = Type.Object(clusterVariables)

export interface ClusterSettings {
  discoveryType: (typeof discoveryTypes)[number]
  /** Of CLUSTER_NODES. */
  declaredNodes: readonly string[]
  declaredAddresses: readonly string[]
  dnsHostname: string | undefined
  heartbeatIntervalMs: number
  heartbeatTimeoutMs: number
  /** Undefined: what fits the number of servers. */
  replicationFactor: (typeof factors)[number] | undefined
}

/** Read besides these by parts of a node or by the command line. */
const otherClusterVariables = ['CLUSTER_DNS_KIND', 'CLUSTER_DNS_REFRESH_MS', 'CLUSTER_DNS_SERVER']

/** Of clusters of Erlang nodes, and what takes their place here. They change nothing. */
const replacements: readonly [name: RegExp, instead: string][] = [
  [
    /^CLUSTERING_ENABLED$/,
    'a node with bootstrap hosts in the file of its agent is clustered, one without is not',
  ],
  [/^MNESIA_DIR$/, "data lies where db.path of the agent's file says, state in STATE_DIR"],
  [
    /^COOKIE$/,
    'agents trust each other by gossip.tls of their files, services by NATS_USER and NATS_PASSWORD',
  ],
  [/^NODE_NAME$/, 'a node is named by NODE_ID'],
  [/^RELEASE_COOKIE$/, 'as for COOKIE: gossip.tls, and NATS_USER with NATS_PASSWORD'],
  [/^RELEASE_(NODE|NAME)$/, 'a node is named by NODE_ID'],
  [/^RELEASE_/, 'there are no releases: a service is run as node src/main.ts'],
]

/**
 * Throws `EnvironmentError` with everything that does not fit; else the settings, and warnings of
 * what has no effect or does harm. Never says a value that may be a secret.
 */
export function toClusterSettings(environment: NodeJS.ProcessEnv): {
  settings: ClusterSettings
  warnings: string[]
} {
  const problems = Object.keys(environment).flatMap(unknownVariable)
  const warnings = Object.keys(environment).flatMap(replacedVariable)
  const env = readEnvironment(ClusterEnvironment, environment)

  const discoveryType = discoveryTypes.find((type) => type === env.CLUSTER_DISCOVERY_TYPE)
  if (env.CLUSTER_DISCOVERY_TYPE === 'epmd') {
    problems.push(
      'CLUSTER_DISCOVERY_TYPE: epmd has no counterpart, since agents learn of all others from any one seed: use static, dns or registry',
    )
  } else if (discoveryType === undefined) {
    problems.push(`CLUSTER_DISCOVERY_TYPE must be one of ${discoveryTypes.join(', ')}`)
  }
  if (discoveryType === 'dns' && env.CLUSTER_DNS_HOSTNAME === undefined) {
    problems.push(
      'CLUSTER_DNS_HOSTNAME is missing: CLUSTER_DISCOVERY_TYPE=dns asks for its records',
    )
  }
  if (discoveryType !== 'dns' && env.CLUSTER_DNS_HOSTNAME !== undefined) {
    problems.push('CLUSTER_DNS_HOSTNAME has no use without CLUSTER_DISCOVERY_TYPE=dns')
  }

  const entries = env.CLUSTER_NODES.split(',').flatMap((entry) => entry.trim() || [])
  const declaredNodes = entries.filter((entry) => Value.Check(NodeId, entry))
  const declaredAddresses = entries.filter((entry) => Value.Check(Endpoint, entry))
  problems.push(
    ...entries.flatMap((entry) => {
      if (declaredNodes.includes(entry) || declaredAddresses.includes(entry)) return []
      const why = entry.includes('@')
        ? 'is a name of an Erlang node: write the node id, or host:port of its gossip'
        : 'is neither a node id nor host:port'
      return [`CLUSTER_NODES: ${JSON.stringify(entry)} ${why}`]
    }),
  )

  const heartbeat = checkHeartbeat(env.HEARTBEAT_INTERVAL, env.HEARTBEAT_TIMEOUT)
  problems.push(...heartbeat.problems)
  warnings.push(...heartbeat.warnings)

  const wanted = env.REPLICATION_FACTOR
  if (wanted === 2) {
    warnings.push(
      'REPLICATION_FACTOR=2 is taken as 3: with two copies both servers have to live, so that it is less available than one',
    )
  }
  const replicationFactor = factors.find((factor) => factor === (wanted === 2 ? 3 : wanted))
  if (wanted !== undefined && replicationFactor === undefined) {
    problems.push(`REPLICATION_FACTOR must be one of ${factors.join(', ')}, not ${wanted}`)
  }

  if (problems.length > 0 || discoveryType === undefined) {
    throw new EnvironmentError(problems.join('\n'))
  }
  return {
    settings: {
      discoveryType,
      declaredNodes,
      declaredAddresses,
      dnsHostname: env.CLUSTER_DNS_HOSTNAME,
      heartbeatIntervalMs: env.HEARTBEAT_INTERVAL,
      heartbeatTimeoutMs: env.HEARTBEAT_TIMEOUT,
      replicationFactor,
    },
    warnings,
  }
}

function checkHeartbeat(intervalMs: number, timeoutMs: number) {
  const problems: string[] = []
  const warnings: string[] = []
  if (intervalMs < leastIntervalMs) {
    problems.push(`HEARTBEAT_INTERVAL must be at least ${leastIntervalMs} ms, not ${intervalMs}`)
  }
  if (timeoutMs <= 2 * intervalMs) {
    problems.push(
      `HEARTBEAT_TIMEOUT must be more than 2 × HEARTBEAT_INTERVAL, which is ${2 * intervalMs} ms: else one lost announcement makes a node lost`,
    )
  }
  if (intervalMs * 2 >= usualTimeoutMs) {
    warnings.push(
      `HEARTBEAT_INTERVAL=${intervalMs} needs the same HEARTBEAT_TIMEOUT on every node: where it is ${usualTimeoutMs} ms, as without it, this node is lost again and again`,
    )
  }
  if (timeoutMs < usualTimeoutMs) {
    warnings.push(
      `HEARTBEAT_TIMEOUT=${timeoutMs} is short: a busy node counts as lost before it is`,
    )
  }
  if (timeoutMs > 10_000) {
    warnings.push(
      `HEARTBEAT_TIMEOUT=${timeoutMs} is long: others wait so much for a node that is gone`,
    )
  }
  return { problems, warnings }
}

function replacedVariable(name: string): string[] {
  const [, instead] = replacements.find(([pattern]) => pattern.test(name)) ?? []
  return instead === undefined ? [] : [`${name} has no effect: ${instead}`]
}

function unknownVariable(name: string): string[] {
  if (!name.startsWith('CLUSTER_')) return []
  const known = [
    ...Object.keys(clusterVariables).filter((variable) => variable.startsWith('CLUSTER_')),
    ...otherClusterVariables,
  ]
  if (known.includes(name)) return []
  const nearest = known.toSorted((a, b) => editDistance(a, name) - editDistance(b, name))[0]
  return [`${name} is not known: did you mean ${nearest}?`]
}

/** Letters to insert, delete or replace to make one name of the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, letter] of from.split('').entries()) {
    const next = [index + 1]
    for (const [column, other] of to.split('').entries()) {
      next.push(
        Math.min(
          (row[column + 1] ?? 0) + 1,
          (next[column] ?? 0) + 1,
          (row[column] ?? 0) + (letter === other ? 0 : 1),
        ),
      )
    }
    row = next
  }
  return row[to.length] ?? 0
}
