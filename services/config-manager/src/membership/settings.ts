import { isIP } from 'node:net'
import { type DeclaredNode, Endpoint, NodeId } from '@corroport/contracts'
import { EnvironmentError } from '@corroport/service'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { regionInNodeId } from './region.ts'

/** The variables of `MembershipSettings`. */
export const membershipVariables = {
  ADMIN_SOCKET: Type.Optional(
    Type.String({
      description: "the agent's admin socket, for SWIM; without it the table is read",
    }),
  ),
  CANARY_INTERVAL_MS: Type.Integer({
    default: 2000,
    minimum: 0,
    description:
      "how often this node's canary row is touched, times a tenth of the nodes where these are more than ten; 0: never",
  }),
  CLUSTER_DISCOVERY_TYPE: Type.Enum(['static', 'dns', 'registry'], {
    default: 'static',
    description: 'where the declared nodes are named: CLUSTER_NODES, DNS, or node_configs',
  }),
  CLUSTER_NODES: Type.String({
    default: '',
    description: 'declared nodes, with commas: node ids, or gossip addresses as host:port',
  }),
  CLUSTER_DNS_HOSTNAME: Type.Optional(
    Type.String({ minLength: 1, maxLength: 253, description: 'the name that DNS is asked for' }),
  ),
  CLUSTER_DNS_KIND: Type.Optional(
    Type.Enum(['a', 'srv', 'txt'], {
      description: 'a (with AAAA), srv or txt; by the form of the name when absent',
    }),
  ),
  CLUSTER_DNS_REFRESH_MS: Type.Integer({
    default: 5000,
    minimum: 1000,
    description: 'how often DNS is asked, at least 1000',
  }),
  CLUSTER_DNS_SERVER: Type.Optional(
    Type.String({ description: "ip:port of a DNS server; the machine's own when absent" }),
  ),
}
const MembershipEnvironment = Type.Object(membershipVariables)

export type DnsKind = 'a' | 'srv' | 'txt'

export interface DnsSettings {
  hostname: string
  kind: DnsKind
  refreshMs: number
  server: string | undefined
}

export type DiscoverySettings =
  | { type: 'static'; nodes: readonly DeclaredNode[] }
  | ({ type: 'dns' } & DnsSettings)
  | { type: 'registry' }

export interface MembershipSettings {
  adminSocketPath: string | undefined
  /** Of a cluster of up to ten nodes. 0: switched off. */
  canaryIntervalMs: number
  discovery: DiscoverySettings
}

// Rows are looked at each second: canaries that come faster are not told apart.
const leastCanaryIntervalMs = 1000

/** Throws `EnvironmentError` with every variable that does not fit the others. */
export function toMembershipSettings(
  env: Static<typeof MembershipEnvironment>,
): MembershipSettings {
  const problems: string[] = []
  const { CANARY_INTERVAL_MS: canaryIntervalMs, CLUSTER_DNS_SERVER: server } = env
  if (canaryIntervalMs !== 0 && canaryIntervalMs < leastCanaryIntervalMs) {
    problems.push(`CANARY_INTERVAL_MS: at least ${leastCanaryIntervalMs}, or 0 for none`)
  }
  const nodes = env.CLUSTER_NODES.split(',').flatMap((item): DeclaredNode[] => {
    const text = item.trim()
    if (text === '') return []
    const node = declaredNode(text)
    if (node) return [node]
    problems.push(`CLUSTER_NODES: ${JSON.stringify(text)} is neither a node id nor host:port`)
    return []
  })
  const isDns = env.CLUSTER_DISCOVERY_TYPE === 'dns'
  if (isDns && env.CLUSTER_DNS_HOSTNAME === undefined) {
    problems.push('CLUSTER_DNS_HOSTNAME is missing: CLUSTER_DISCOVERY_TYPE is dns')
  }
  if (server !== undefined && !isServer(server)) {
    problems.push('CLUSTER_DNS_SERVER: neither ip, ip:port nor [v6]:port')
  }
  if (problems.length > 0) throw new EnvironmentError(problems.join('\n'))

  const hostname = env.CLUSTER_DNS_HOSTNAME ?? ''
  const discovery: DiscoverySettings = isDns
    ? {
        type: 'dns',
        hostname,
        kind: env.CLUSTER_DNS_KIND ?? kindOfName(hostname),
        refreshMs: env.CLUSTER_DNS_REFRESH_MS,
        server,
      }
    : env.CLUSTER_DISCOVERY_TYPE === 'registry'
      ? { type: 'registry' }
      : { type: 'static', nodes }
  return { adminSocketPath: env.ADMIN_SOCKET, canaryIntervalMs, discovery }
}

function declaredNode(text: string): DeclaredNode | undefined {
  if (Value.Check(NodeId, text)) {
    return { nodeId: text, address: null, region: regionInNodeId(text) ?? null }
  }
  return Value.Check(Endpoint, text) ? { nodeId: null, address: text, region: null } : undefined
}

/** `_corrosion._udp.example` is SRV; `vms.<app>.internal`, as Fly has it, is TXT. */
function kindOfName(hostname: string): DnsKind {
  if (hostname.startsWith('_')) return 'srv'
  return /^vms\..+\.internal\.?$/.test(hostname) ? 'txt' : 'a'
}

function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  return match !== null && isIP(match[1] ?? match[2] ?? '') !== 0 && Number(match[3]) <= 65535
}
