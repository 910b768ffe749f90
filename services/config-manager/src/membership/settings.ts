import { isIP } from 'node:net'
import type { DeclaredNode } from '@corroport/contracts'
import type { ClusterSettings } from '@corroport/node-process'
import { EnvironmentError } from '@corroport/service'
import { type Static, Type } from 'typebox'
import { regionInNodeId } from './region.ts'

/** The variables of `MembershipSettings`, beside those of the whole cluster. */
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
  cluster: ClusterSettings,
): MembershipSettings {
  const problems: string[] = []
  const { CANARY_INTERVAL_MS: canaryIntervalMs, CLUSTER_DNS_SERVER: server } = env
  if (canaryIntervalMs !== 0 && canaryIntervalMs < leastCanaryIntervalMs) {
    problems.push(`CANARY_INTERVAL_MS: at least ${leastCanaryIntervalMs}, or 0 for none`)
  }
  if (server !== undefined && !isServer(server)) {
    problems.push('CLUSTER_DNS_SERVER: neither ip, ip:port nor [v6]:port')
  }
  if (problems.length > 0) throw new EnvironmentError(problems.join('\n'))
  const discovery = discoveryOf(cluster, {
    kind: env.CLUSTER_DNS_KIND,
    refreshMs: env.CLUSTER_DNS_REFRESH_MS,
    server,
  })
  return { adminSocketPath: env.ADMIN_SOCKET, canaryIntervalMs, discovery }
}

function discoveryOf(
  { discoveryType, declaredNodes, declaredAddresses, dnsHostname: hostname = '' }: ClusterSettings,
  dns: { kind: DnsKind | undefined; refreshMs: number; server: string | undefined },
): DiscoverySettings {
  switch (discoveryType) {
    case 'static': {
      const named = declaredNodes.map((nodeId) => {
        return { nodeId, address: null, region: regionInNodeId(nodeId) ?? null }
      })
      const addressed = declaredAddresses.map((address) => {
        return { nodeId: null, address, region: null }
      })
      return { type: 'static', nodes: [...named, ...addressed] }
    }
    case 'dns':
      return { type: 'dns', ...dns, hostname, kind: dns.kind ?? kindOfName(hostname) }
    case 'registry':
      return { type: 'registry' }
    default:
      throw new Error(`unreachable: discovery ${String(discoveryType satisfies never)}`)
  }
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
