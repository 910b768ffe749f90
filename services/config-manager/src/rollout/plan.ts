import { type Bus, CommandError, RefusalError, type StateFile } from '@corroport/bus'
import {
  type CheckedEdit,
  type ConfigEdit,
  configChecked,
  type configPlanned,
  createParser,
  fromTimestamp,
  type NodeState,
  nowMicroseconds,
  Plan,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'
import type { Static } from 'typebox'
import { ulid } from 'ulid'
import { clockAhead, describeClock, refusedClockMs, warnedClockMs } from '../clock-ahead.ts'
import { checkGraph, type GraphNode, judgeGraph } from '../config/graph.ts'
import { findHostProblems } from '../config/hosts.ts'

export const migrations = [
  `CREATE TABLE plan (
     id TEXT PRIMARY KEY,
     document TEXT NOT NULL,
     expires_at INTEGER NOT NULL
   ) STRICT;`,
] as const

export interface PlannerDeps {
  nodeId: string
  bus: Bus
  state: StateFile
  directory: Directory
  views: Views
  /** Throws a `RefusalError` while a rollout runs. */
  requireNoRollout: () => Promise<void>
}

export interface Planner {
  make(request: Static<typeof configPlanned.request>): Promise<Plan>
  /** A plan that can still be applied: the files are asked for again. */
  recheck(planId: string): Promise<Plan>
}

const validForMs = 15 * 60_000

interface Answer {
  checked: CheckedEdit
  clockAheadMs: number
}

/** Looks at a change of many nodes before any of them is touched. */
export function createPlanner(deps: PlannerDeps): Planner {
  const { nodeId, bus, state, directory, views } = deps
  const insert = state.db.prepare('INSERT INTO plan VALUES (?, ?, ?)')
  const prune = state.db.prepare('DELETE FROM plan WHERE expires_at < ?')
  const select = state.db.prepare('SELECT document FROM plan WHERE id = ?')
  const parse = createParser('stored plan', Plan)

  /** Announced or declared, and whether it has left. */
  const knownNodes = (): Map<string, { hasLeft: boolean }> => {
    const declared = views.get(nodeId)?.view.declared.nodes ?? []
    const known = new Map(
      declared.flatMap((node) => (node.nodeId === null ? [] : [[node.nodeId, { hasLeft: false }]])),
    )
    known.set(nodeId, { hasLeft: false })
    for (const { announcement } of directory.nodes()) {
      known.set(announcement.nodeId, { hasLeft: announcement.state === 'left' })
    }
    return known
  }

  const ask = async (id: string, edit: ConfigEdit): Promise<Answer | { error: string }> => {
    const askedAt = nowMicroseconds()
    try {
      const checked = await bus.request(configChecked, { nodeId: id }, { edit })
      return { checked, clockAheadMs: clockAhead(checked.clock, askedAt, nowMicroseconds()) }
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      return { error: error.refusal?.message ?? 'its config-manager does not answer' }
    }
  }

  return {
    async make({ edit, nodes, by }) {
      refuseMalformed(edit)
      const known = knownNodes()
      const wanted = selectNodes(nodes, known)
      const problems: string[] = []
      const warnings: string[] = []
      await deps.requireNoRollout().catch((error: unknown) => {
        if (!(error instanceof RefusalError)) throw error
        problems.push(error.message)
      })

      const asked = [...known].filter(([id, { hasLeft }]) => wanted.has(id) || !hasLeft)
      const answers = await Promise.all(
        asked.map(async ([id]) => {
          const isEdited = wanted.has(id)
          return { id, isEdited, answer: await ask(id, isEdited ? edit : {}) }
        }),
      )
      const found = answers.flatMap(({ id, isEdited, answer }) =>
        'error' in answer ? [] : [{ id, isEdited, ...answer }],
      )
      for (const { id, isEdited, answer } of answers) {
        const judged = judgeNode(answer, isEdited, directory.get(id)?.announcement.state)
        problems.push(...judged.problems.map((problem) => `${id}: ${problem}`))
        warnings.push(...judged.warnings.map((warning) => `${id}: ${warning}`))
      }
      const graphNodes = found.map(({ id, checked }): GraphNode => {
        return { nodeId: id, gossipAddress: checked.gossip_address_after, seeds: checked.resolved }
      })
      const graph = checkGraph(graphNodes)
      const judged = judgeGraph(graphNodes, graph)
      problems.push(...judged.problems)
      warnings.push(...judged.warnings)
      const edited = found.flatMap(({ isEdited, checked }) => (isEdited ? [checked] : []))
      const changed = edited.filter(isChange)
      if (changed.length === 0 && problems.length === 0) problems.push('nothing would change')
      for (const { node_id } of edited.filter((one) => !isChange(one))) {
        warnings.push(`${node_id}: its file stays as it is, so it is left out`)
      }

      const at = nowMicroseconds()
      const plan: Plan = {
        id: `${nodeId}_${ulid()}`,
        edit,
        node_ids: orderNodes(
          changed.map(({ node_id }) => node_id),
          nodeId,
          graph.single_points_of_failure,
        ),
        nodes: found.map(({ checked }) => checked),
        graph,
        problems,
        warnings,
        by,
        created_at: toTimestamp(at),
        expires_at: toTimestamp(at + validForMs * 1000),
      }
      prune.run(at / 1000 - validForMs)
      insert.run(plan.id, JSON.stringify(plan), Math.floor(at / 1000) + validForMs)
      return plan
    },

    async recheck(planId) {
      const row = select.get(planId)
      if (!row) throw new RefusalError('not-found', `${nodeId} has no plan ${planId}, or no longer`)
      const plan = parse(JSON.parse(String(row.document)))
      if ((fromTimestamp(plan.expires_at) ?? 0) < nowMicroseconds()) {
        throw new RefusalError('conflict', `plan ${planId} has expired at ${plan.expires_at}`)
      }
      if (plan.problems.length > 0) {
        throw new RefusalError('invalid', `plan ${planId} cannot be applied`, plan.problems)
      }
      const problems = await Promise.all(
        plan.nodes.map(async (planned) => {
          const id = planned.node_id
          const answer = await ask(id, plan.node_ids.includes(id) ? plan.edit : {})
          if ('error' in answer) return [`${id}: ${answer.error}`]
          const { checked } = answer
          if (checked.sha256_before !== planned.sha256_before) {
            return [`${id}: its file has changed since the plan was made`]
          }
          if (checked.agent.state !== 'ready') return [`${id}: its agent is ${checked.agent.state}`]
          if (!plan.node_ids.includes(id)) return []
          return checked.problems.map((problem) => `${id}: ${problem}`)
        }),
      )
      const found = problems.flat()
      if (found.length > 0) {
        throw new RefusalError('conflict', `plan ${planId} no longer holds: ${found[0]}`, found)
      }
      return plan
    },
  }
}

/** Throws `RefusalError` with every one of them that is not known. */
function selectNodes(
  nodes: 'all' | readonly string[],
  known: ReadonlyMap<string, { hasLeft: boolean }>,
): Set<string> {
  if (nodes === 'all') {
    return new Set([...known].filter(([, { hasLeft }]) => !hasLeft).map(([id]) => id))
  }
  const wanted = new Set(nodes)
  const unknown = [...wanted].filter((id) => !known.has(id))
  if (unknown.length === 0) return wanted
  const problems = unknown.map((id) => `there is no node ${id}`)
  throw new RefusalError('invalid', `unknown nodes: ${unknown.join(', ')}`, problems)
}

/** What is malformed everywhere needs nobody's file to be seen. */
function refuseMalformed(edit: ConfigEdit): void {
  if (edit.bootstrap === undefined && Object.keys(edit.settings ?? {}).length === 0) {
    throw new RefusalError('invalid', 'neither bootstrap nor settings are given')
  }
  const problems = findHostProblems(edit.bootstrap ?? [])
  if (problems.length > 0) {
    throw new RefusalError('invalid', `${problems.length} hosts are malformed`, problems)
  }
}

function isChange({ sha256_before, sha256_after }: CheckedEdit): boolean {
  return sha256_before !== sha256_after
}

/**
 * The canary is the first: a node without which the others still find each other. This node is the
 * last, since it leads the rollout.
 */
export function orderNodes(
  nodeIds: readonly string[],
  self: string,
  important: readonly string[],
): string[] {
  const rank = (id: string): number => (id === self ? 2 : important.includes(id) ? 1 : 0)
  return nodeIds.toSorted(
    (one, other) => rank(one) - rank(other) || one.localeCompare(other, 'en', { numeric: true }),
  )
}

/** What speaks against changing this node, or against changing another one beside it. */
export function judgeNode(
  answer: Answer | { error: string },
  isEdited: boolean,
  state: NodeState | undefined,
): { problems: string[]; warnings: string[] } {
  if ('error' in answer) {
    const { error } = answer
    return isEdited ? { problems: [error], warnings: [] } : { problems: [], warnings: [error] }
  }
  const { checked, clockAheadMs } = answer
  const problems = isEdited ? [...checked.problems] : []
  const warnings = isEdited ? [...checked.warnings] : []
  if (isEdited) {
    // With one of them an agent may give up the whole list and ask members it remembers.
    for (const { host, error } of checked.resolved) {
      if (error !== null) warnings.push(`${host}: ${error}`)
    }
    if (state !== undefined && state !== 'active') warnings.push(`the node is ${state}`)
  }
  // Of every node: the rollout takes another one away while this one is down already.
  if (checked.agent.state !== 'ready') problems.push(`its agent is ${checked.agent.state}`)
  const apartMs = Math.abs(clockAheadMs)
  if (apartMs > warnedClockMs) {
    const remarks = apartMs > refusedClockMs ? problems : warnings
    remarks.push(`its clock is ${describeClock(clockAheadMs)}`)
  }
  return { problems, warnings }
}
