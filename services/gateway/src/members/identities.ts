import type { DeclaredNode, SwimMember } from '@corroport/contracts'
import type { HeardNode, MemberSources, NodeRow } from './sources.ts'

/** One member, with what each source has of it. */
export interface Identity {
  nodeId: string | null
  heard: HeardNode | undefined
  row: NodeRow | undefined
  declared: DeclaredNode | undefined
  /** Of its agent, newest first. */
  actorIds: readonly string[]
  swim: SwimMember | undefined
}

/** Who is whom: node ids, actor ids and addresses of all sources, put together. */
export function identify(sources: MemberSources): Identity[] {
  const identities = [...namedIdentities(sources)]
  attachSwim(identities, sources)
  attachDeclared(identities, sources.declared.nodes)
  return identities
}

/** Of a node that was heard as it says, else where SWIM has it. */
export function addressOf({ heard, swim, declared }: Identity): string | null {
  return heard?.announcement.endpoints.gossip ?? swim?.address ?? declared?.address ?? null
}

function namedIdentities({ nodeId, declared, heard, rows }: MemberSources): Identity[] {
  const heardById = new Map(heard.map((node) => [node.announcement.nodeId, node]))
  const rowsById = new Map(rows.map((row) => [row.nodeId, row]))
  const declaredById = new Map(declared.nodes.map((node) => [node.nodeId, node]))
  const nodeIds = new Set([nodeId, ...declaredById.keys(), ...heardById.keys(), ...rowsById.keys()])
  return [...nodeIds]
    .filter((id) => id !== null)
    .toSorted()
    .map((id) => {
      const row = rowsById.get(id)
      const known = heardById.get(id)?.actorIds ?? []
      const actorIds = new Set([...known, ...(row?.actorId ? [row.actorId] : [])])
      return {
        nodeId: id,
        heard: heardById.get(id),
        row,
        declared: declaredById.get(id),
        actorIds: [...actorIds],
        swim: undefined,
      }
    })
}

/**
 * By actor id where a node has told it, then by address. The identity of a wiped database, which
 * SWIM remembers as down for two days, belongs to its node and says nothing of it. What is left are
 * agents that no node has announced, and removed ones.
 */
function attachSwim(identities: Identity[], { swim, removedActorIds }: MemberSources): void {
  const byActor = new Map(
    identities.flatMap((identity) =>
      identity.actorIds.slice(0, 1).map((actorId) => [actorId, identity]),
    ),
  )
  const rest = swim.members.filter((member) => {
    const identity = byActor.get(member.actorId)
    if (identity) identity.swim = member
    return !identity
  })
  for (const member of rest) {
    const former = identities.find(({ actorIds }) => actorIds.includes(member.actorId))
    const owner = former ?? identities.find((identity) => addressOf(identity) === member.address)
    if (!owner) {
      if (member.state === 'down' && removedActorIds.has(member.actorId)) continue
      identities.push({
        nodeId: null,
        heard: undefined,
        row: undefined,
        declared: undefined,
        actorIds: [member.actorId],
        swim: member,
      })
    } else if (!owner.swim && (member.state !== 'down' || owner.actorIds.length === 0)) {
      owner.swim = member
    }
  }
}

/** Addresses: of a node that was heard, of an agent that SWIM has, or of nobody yet. */
function attachDeclared(identities: Identity[], nodes: readonly DeclaredNode[]): void {
  for (const declared of nodes) {
    const { nodeId, address } = declared
    if (nodeId !== null || address === null) continue
    const meant = identities.filter((identity) => isAt(addressOf(identity), address))
    for (const identity of meant) identity.declared ??= declared
    if (meant.length > 0) continue
    identities.push({
      nodeId: null,
      heard: undefined,
      row: undefined,
      declared,
      actorIds: [],
      swim: undefined,
    })
  }
}

/** A declared address without a port, as DNS gives it, means every agent of that machine. */
function isAt(address: string | null, declared: string): boolean {
  return address !== null && (address === declared || hostOf(address) === declared)
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
}
