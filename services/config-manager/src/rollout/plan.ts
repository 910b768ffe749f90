import { type Bus, CommandError, RefusalError, type StateFile } from '@corroport/bus'
import {
  type CheckedEdit,
  type ConfigEdit,
  configChecked,
  type configPlanned,
  createParser,
  fromTimestamp,
  nowMicroseconds,
  Plan,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'
import type { Static } from 'typebox'
import { ulid } from 'ulid'
import { checkGraph, type GraphNode, judgeGraph } from '../config/graph.ts'
import { checkHosts } from '../config/hosts.ts'

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
// Corrosion gives up a change's lag, and its clock, when it is 300 ms ahead.
const warnClockMs = 300
const refuseClockMs = 10_000

interface Answer {
  checked: CheckedEdit
  /** At least so far are the clocks apart: positive where the other one is ahead. */
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
      const wanted = new Set(
        nodes === 'all'
          ? [...known].filter(([, { hasLeft }]) => !hasLeft).map(([id]) => id)
          : nodes,
      )
      const unknown = [...wanted].filter((id) => !known.has(id))
      if (unknown.length > 0) {
        const problems = unknown.map((id) => `there is no node ${id}`)
        throw new RefusalError('invalid', `unknown nodes: ${unknown.join(', ')}`, problems)
      }

      const problems: string[] = []
      const warnings: string[] = []
      await deps.requireNoRollout().catch((error: unknown) => {
        if (!(error instanceof RefusalError)) throw error
        problems.push(error.message)
      })

      const asked = [...known].filter(([id, { hasLeft }]) => wanted.has(id) || !hasLeft)
      const answers = await Promise.all(
        asked.map(async ([id]) => {
          const answer = await ask(id, wanted.has(id) ? edit : {})
          return { id, answer }
        }),
      )
      const edited: CheckedEdit[] = []
      const graphNodes: GraphNode[] = []
      for (const { id, answer } of answers) {
        const isEdited = wanted.has(id)
        if ('error' in answer) {
          const list = isEdited ? problems : warnings
          list.push(`${id}: ${answer.error}`)
          continue
        }
        const { checked, clockAheadMs } = answer
        graphNodes.push({
          nodeId: id,
          gossipAddress: checked.gossip_address_after,
          seeds: checked.resolved,
        })
        if (isEdited) {
          edited.push(checked)
          problems.push(...checked.problems.map((problem) => `${id}: ${problem}`))
          warnings.push(...checked.warnings.map((warning) => `${id}: ${warning}`))
          // With one of them an agent may give up the whole list and ask members it remembers.
          for (const { host, error } of checked.resolved) {
            if (error !== null) warnings.push(`${id}: ${host}: ${error}`)
          }
        }
        // Of every node: the rollout takes another one away while this one is down already.
        if (checked.agent.state !== 'ready') {
          problems.push(`${id}: its agent is ${checked.agent.state}`)
        }
        judgeClock(id, clockAheadMs, problems, warnings)
        const nodeState = directory.get(id)?.announcement.state
        if (isEdited && nodeState !== undefined && nodeState !== 'active') {
          warnings.push(`${id}: the node is ${nodeState}`)
        }
      }

      const changed = edited.filter(isChange)
      const graph = checkGraph(graphNodes)
      const judged = judgeGraph(graphNodes, graph)
      problems.push(...judged.problems)
      warnings.push(...judged.warnings)
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
        nodes: answers.flatMap(({ answer }) => ('error' in answer ? [] : [answer.checked])),
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

/** What is malformed everywhere needs nobody's file to be seen. */
function refuseMalformed(edit: ConfigEdit): void {
  if (edit.bootstrap === undefined && Object.keys(edit.settings ?? {}).length === 0) {
    throw new RefusalError('invalid', 'neither bootstrap nor settings are given')
  }
  const { problems } = checkHosts(edit.bootstrap ?? [])
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

/** The answer was made between the two moments, so only what lies outside of them is a difference. */
export function clockAhead(clock: string, askedAt: number, answeredAt: number): number {
  const theirs = fromTimestamp(clock) ?? 0
  if (theirs > answeredAt) return (theirs - answeredAt) / 1000
  return theirs < askedAt ? (theirs - askedAt) / 1000 : 0
}

function judgeClock(id: string, aheadMs: number, problems: string[], warnings: string[]): void {
  const apartMs = Math.round(Math.abs(aheadMs))
  if (apartMs <= warnClockMs) return
  const text = `${id}: its clock is at least ${apartMs} ms ${aheadMs > 0 ? 'ahead' : 'behind'}`
  if (apartMs > refuseClockMs) problems.push(text)
  else warnings.push(text)
}
