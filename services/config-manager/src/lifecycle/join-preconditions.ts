import { RefusalError } from '@corroport/bus'
import type { CheckedEdit, NodeRowSeen, NodeViewed } from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'
import { describeClock, refusedClockMs, warnedClockMs } from '../clock-ahead.ts'

const freshViewMs = 5000

/** A seed's node, and what it answered; null when it did not. */
export interface SeedAnswer {
  seed: string
  nodeId: string
  said: NodeRowSeen | null
  clockAheadMs: number
}

/** The nodes that announce the addresses of these seeds as theirs, and the seeds that nobody does. */
export function nodesOfSeeds({
  seeds,
  resolved,
  directory,
  nodeId: ownNodeId,
}: {
  seeds: readonly string[]
  resolved: CheckedEdit['resolved']
  directory: Pick<Directory, 'nodes'>
  nodeId: string
}): { known: { seed: string; nodeId: string }[]; own: string[]; unknown: string[] } {
  const announced = directory
    .nodes()
    .map(({ announcement }) => [announcement.endpoints.gossip, announcement.nodeId] as const)
  const byAddress = new Map(announced)
  const known: { seed: string; nodeId: string }[] = []
  const own: string[] = []
  const unknown: string[] = []
  for (const host of seeds) {
    // Nothing is resolved while one of them is malformed; the others are looked at all the same.
    const { addresses } = resolved.find((found) => found.host === host) ?? {
      addresses: [host],
    }
    const nodeIds = addresses.flatMap((address) => byAddress.get(address) ?? [])
    if (nodeIds.length === 0) unknown.push(host)
    else if (nodeIds.every((nodeId) => nodeId === ownNodeId)) own.push(host)
    for (const nodeId of nodeIds) if (nodeId !== ownNodeId) known.push({ seed: host, nodeId })
  }
  return { known, own, unknown }
}

export interface JoinFacts {
  nodeId: string
  seeds: readonly string[]
  publicKey: string
  checked: Pick<CheckedEdit, 'problems' | 'resolved' | 'warnings'>
  own: string[]
  unknown: string[]
  answers: readonly SeedAnswer[]
  /** Of this node's agent; null while it is away: then it is compared once it is back. */
  holdings: NodeRowSeen | null
  /** This node wrote its row before, so the id is its own. */
  isNameOwn: boolean
  views: Views
}

/** Everything that speaks against joining, at once. Throws `RefusalError`; else what is remarkable. */
export function requireJoinable(facts: JoinFacts): string[] {
  const { checked, answers, holdings } = facts
  const unresolved = checked.resolved.flatMap(({ host, error }) =>
    error !== null && facts.seeds.includes(host) ? [`${host}: ${error}`] : [],
  )
  const invalid = [...checked.problems, ...unresolved]
  if (facts.own.length > 0 && answers.length === 0 && facts.unknown.length === 0) {
    invalid.push('the seeds name only this node itself')
  }
  const answered = answers.flatMap(({ said, ...seed }) => (said ? [{ ...seed, said }] : []))
  const conflicts = answered.flatMap(({ nodeId, said, clockAheadMs }) => [
    ...(holdings ? agreementProblems(nodeId, said, holdings) : []),
    ...(Math.abs(clockAheadMs) > refusedClockMs
      ? [`the clock of ${nodeId} is ${describeClock(clockAheadMs)}`]
      : []),
    ...(!facts.isNameOwn && said.publicKey !== null && said.publicKey !== facts.publicKey
      ? [`${nodeId} knows another node by the id ${facts.nodeId}`]
      : []),
  ])
  const stranger = otherCluster(facts, answered)
  if (stranger !== undefined) conflicts.push(stranger)
  const isSilent = answers.length > 0 && answered.length === 0 && facts.unknown.length === 0
  const silent = isSilent
    ? answers.map(({ seed, nodeId }) => `${seed}: ${nodeId} does not answer`)
    : []

  const problems = [...invalid, ...conflicts, ...silent]
  if (problems.length > 0) {
    const code = invalid.length > 0 ? 'invalid' : conflicts.length > 0 ? 'conflict' : 'unavailable'
    throw new RefusalError(code, `cannot join: ${problems.join('; ')}`, problems)
  }
  return [
    ...checked.warnings,
    ...facts.unknown.map(
      (seed) => `${seed} is announced by nobody: whether its UDP port answers cannot be asked`,
    ),
    ...answers.flatMap(({ seed, nodeId, said }) =>
      said ? [] : [`${seed}: ${nodeId} does not answer`],
    ),
    ...answered.flatMap(({ nodeId, clockAheadMs }) =>
      Math.abs(clockAheadMs) > warnedClockMs
        ? [`the clock of ${nodeId} is ${describeClock(clockAheadMs)}`]
        : [],
    ),
  ]
}

/** What two agents must have in common before either can take the other's changes. */
export function agreementProblems(
  nodeId: string,
  theirs: Pick<NodeRowSeen, 'schema' | 'clusterId'>,
  ours: Pick<NodeRowSeen, 'schema' | 'clusterId'>,
): string[] {
  const tables = new Set([...Object.keys(theirs.schema), ...Object.keys(ours.schema)])
  const problems = [...tables].toSorted().flatMap((table) => {
    if (!(table in ours.schema)) return [`the table ${table} of ${nodeId} is missing here`]
    if (!(table in theirs.schema)) return [`the table ${table} is missing on ${nodeId}`]
    return theirs.schema[table] === ours.schema[table]
      ? []
      : [`the table ${table} has other columns on ${nodeId}`]
  })
  if (theirs.clusterId !== ours.clusterId) {
    problems.push(`${nodeId} has cluster id ${theirs.clusterId}, this node ${ours.clusterId}`)
  }
  return problems
}

/** This agent has living members, and none of them is among those of the seeds. */
function otherCluster(
  { nodeId, views }: JoinFacts,
  answered: readonly { nodeId: string; said: NodeRowSeen }[],
): string | undefined {
  const fresh = (id: string): NodeViewed | undefined => {
    const seen = views.get(id)
    return seen && seen.ageMs() <= freshViewMs ? seen.view : undefined
  }
  const alive = (view: NodeViewed | undefined): string[] =>
    view?.swim.members.flatMap(({ actorId, state }) => (state === 'alive' ? [actorId] : [])) ?? []
  const ours = alive(fresh(nodeId))
  if (ours.length === 0 || answered.length === 0) return undefined
  // Without its list nothing can be said.
  if (answered.some((seed) => !fresh(seed.nodeId))) return undefined
  const theirs = new Set(
    answered.flatMap((seed) => [seed.said.actorId ?? '', ...alive(fresh(seed.nodeId))]),
  )
  if (ours.some((actorId) => theirs.has(actorId))) return undefined
  return `this node is a member of another cluster, with ${ours.length} others: leave that one first`
}
