import { requireRegions, roundTripMs } from '@corroport/contracts'
import type { AgentKind } from '../../setup/find-agent.mjs'
import type { LabStart } from './agent-config.ts'
import { gossipAddress } from './ports.ts'

/** How the network and the clocks of a cluster are bent. */
export interface Bends {
  nodes: number
  /** One for each node, from the first again when there are fewer. */
  regions?: readonly string[] | undefined
  /** By node id. */
  clockOffsetsMs?: Readonly<Record<string, number>> | undefined
}

/** Throws where they cannot be, and where nobody would bend anything. */
export function requireBendable(
  { nodes, regions = [], clockOffsetsMs = {} }: Bends,
  { agentKind, keepConfig }: { agentKind: AgentKind | undefined; keepConfig: boolean },
): void {
  if (regions.length > 0) requireRegions(regions)
  const strangers = Object.keys(clockOffsetsMs).filter(
    (name) => !(Number(/^node([1-9]\d*)$/.exec(name)?.[1]) <= nodes),
  )
  if (strangers.length > 0) {
    throw new Error(`there is no ${strangers.join(' and no ')} among ${nodes} nodes`)
  }
  const bent = [
    ...(regions.length > 0 ? ['regions'] : []),
    ...(Object.values(clockOffsetsMs).some((ms) => ms !== 0) ? ['clock offsets'] : []),
  ].join(' and ')
  if (bent !== '' && agentKind === 'real') {
    throw new Error(
      `${bent} are for development agents: real ones have the network and the clock of the machine. Leave them out, or start with --agents development`,
    )
  }
  if (bent !== '' && keepConfig) {
    throw new Error(`${bent} go into the agents' configurations, which --keep-config keeps`)
  }
}

/** What the agent of a node starts with. */
export function labStart(node: number, portOffset: number, bends: Bends): LabStart {
  return {
    clockOffsetMs: bends.clockOffsetsMs?.[`node${node}`] ?? 0,
    delaysMs: new Map(
      delaysFrom(node, bends).map(({ to, delayMs }) => [gossipAddress(to, portOffset), delayMs]),
    ),
  }
}

/** Delays of a node's links, one way, as the distances of the regions make them. */
export function delaysFrom(
  node: number,
  { nodes, regions = [] }: Bends,
): { to: number; delayMs: number }[] {
  if (regions.length === 0) return []
  const places = requireRegions(regions)
  const from = places[(node - 1) % places.length]
  return Array.from({ length: nodes }, (_, index) => index + 1).flatMap((to) => {
    const place = places[(to - 1) % places.length]
    if (to === node || !from || !place) return []
    return [{ to, delayMs: Math.round((roundTripMs(from, place) / 2) * 100) / 100 }]
  })
}
