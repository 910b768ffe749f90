import type { Disagreement, LinkState } from '@corroport/contracts'
import { addressOf, type Identity } from './identities.ts'
import type { MemberSources } from './sources.ts'

/** What is known of the canaries between a member and the others. */
export interface Canary {
  state: LinkState
  ageMs: number | null
  partitionedFrom: string[]
}

type Owners = ReadonlyMap<string | null | undefined, readonly Identity[]>

/** The nodes that are present, by what each of them should have for itself. */
export interface Announced {
  actorIds: Owners
  addresses: Owners
}

export function gatherAnnounced(identities: readonly Identity[]): Announced {
  const present = identities.filter(({ heard }) => heard?.presence === 'present')
  return {
    actorIds: Map.groupBy(present, ({ heard }) => heard?.actorIds[0]),
    addresses: Map.groupBy(present, ({ heard }) => heard?.announcement.endpoints.gossip),
  }
}

type Finding = Pick<Disagreement, 'kind' | 'detail'>

/** Where the sources say different things of one member. */
export function disagreementsOf(
  identity: Identity,
  canary: Canary,
  announced: Announced,
  sources: MemberSources,
): Finding[] {
  return [
    ...declaredAgainstHeard(identity, sources),
    ...swimAgainstNats(identity, sources),
    ...idsAgainstEachOther(identity, announced),
    ...linkAgainstNats(identity, canary, sources),
  ]
}

function nameOf({ nodeId, actorIds, declared }: Identity): string {
  return nodeId ?? actorIds[0] ?? declared?.address ?? 'a member'
}

function declaredAgainstHeard(
  identity: Identity,
  { declared, isNatsConnected, nodeId }: MemberSources,
): Finding[] {
  const name = nameOf(identity)
  const isHeard = identity.heard !== undefined
  if (identity.declared && !isHeard && isNatsConnected && identity.nodeId !== nodeId) {
    const detail = `${name} is declared and was never heard on NATS`
    return [{ kind: 'declared-unheard', detail }]
  }
  const isUndeclared = declared.nodes.length > 0 && !identity.declared
  if (isUndeclared && identity.heard?.presence === 'present') {
    return [{ kind: 'heard-undeclared', detail: `${name} is heard on NATS and is not declared` }]
  }
  return []
}

function swimAgainstNats(
  identity: Identity,
  { nodeId, swim, isNatsConnected }: MemberSources,
): Finding[] {
  // SWIM never lists the agent that is asked.
  if (identity.nodeId === nodeId || !swim.isRecent) return []
  const name = nameOf(identity)
  const state = identity.swim?.state
  if (identity.nodeId === null) {
    if (state === undefined || state === 'down') return []
    const at = addressOf(identity)
    return [{ kind: 'swim-foreign', detail: `the agent ${name} at ${at} belongs to no known node` }]
  }
  if (!isNatsConnected) return []
  const isTable = swim.source === 'table'
  const by = isTable ? "the agent's table of SWIM, up to a minute old," : 'SWIM'
  const presence = identity.heard?.presence ?? 'unheard'
  const agent = identity.heard?.announcement.agent.state
  if (presence === 'present' && agent === 'ready' && state !== 'alive') {
    if (state !== undefined) {
      return [
        { kind: `swim-${state}-nats-up`, detail: `NATS hears ${name}, ${by} has it ${state}` },
      ]
    }
    if (isTable) return [] // it may have come within the minute
    return [{ kind: 'swim-unknown-nats-up', detail: `NATS hears ${name}, SWIM does not know it` }]
  }
  if (state !== 'alive') return []
  if (presence !== 'present') {
    const how = presence === 'lost' ? 'has lost it' : 'has never heard it'
    const detail = `${by} has ${name} alive, NATS ${how}`
    return [{ kind: `swim-alive-nats-${presence}`, detail }]
  }
  if (agent === 'unreachable') {
    const detail = `${by} has ${name} alive, its node cannot reach its agent`
    return [{ kind: 'swim-alive-agent-lost', detail }]
  }
  return []
}

function idsAgainstEachOther(identity: Identity, announced: Announced): Finding[] {
  const { heard, row } = identity
  if (heard?.presence !== 'present') return []
  const name = nameOf(identity)
  const [actorId] = heard.actorIds
  const address = heard.announcement.endpoints.gossip
  const findings: Finding[] = []
  const written = row?.actorId ?? undefined
  if (actorId !== undefined && written !== undefined && written !== actorId) {
    const detail = `${name} announces ${actorId}, its row in node_configs says ${written}`
    findings.push({ kind: 'actor-id-differs', detail })
  }
  const othersOf = (owners: Owners, value: string | null | undefined): string[] =>
    value ? (owners.get(value) ?? []).filter((owner) => owner !== identity).map(nameOf) : []
  const ofActor = othersOf(announced.actorIds, actorId)
  if (ofActor.length > 0) {
    const detail = `${name} and ${listOf(ofActor)} announce the same actor id ${actorId}`
    findings.push({ kind: 'actor-id-shared', detail })
  }
  const atAddress = othersOf(announced.addresses, address)
  if (atAddress.length > 0) {
    const detail = `${name} and ${listOf(atAddress)} announce the same gossip address ${address}`
    findings.push({ kind: 'gossip-address-shared', detail })
  }
  return findings
}

function linkAgainstNats(
  identity: Identity,
  { state, partitionedFrom }: Canary,
  { nodeId }: MemberSources,
): Finding[] {
  const blind = [...(state === 'partitioned?' ? [nodeId] : []), ...partitionedFrom]
  if (blind.length === 0) return []
  const name = nameOf(identity)
  const by = listOf([...new Set(blind)].toSorted())
  return [{ kind: 'partitioned', detail: `canaries of ${name} do not reach ${by}; NATS hears it` }]
}

// Where a cluster of hundreds falls in two, each of its nodes is missed by half of them; where one
// file was copied to all, each has the address of all others.
const mostNamed = 10

function listOf(names: readonly string[]): string {
  const more = names.length - mostNamed
  const named = names.slice(0, mostNamed).join(', ')
  return more > 0 ? `${named} and ${more} more` : named
}
