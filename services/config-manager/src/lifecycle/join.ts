import { type Bus, RefusalError } from '@corroport/bus'
import {
  type NodeRowSeen,
  nodeRowSeen,
  nowMicroseconds,
  type Operation,
} from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Directory, Views } from '@corroport/identity'
import type { AgentControl } from '../agent/agent-control.ts'
import type { ConfigChanges } from '../change/config-changes.ts'
import { clockAhead } from '../clock-ahead.ts'
import type { Operations, Steps } from '../operations.ts'
import { readHoldings } from './holdings.ts'
import {
  agreementProblems,
  nodesOfSeeds,
  requireJoinable,
  type SeedAnswer,
} from './join-preconditions.ts'
import type { NodeRow } from './node-row.ts'
import type { OwnState } from './node-state.ts'
import type { CatchUpGoal, Sight, SightOfMembers } from './sight.ts'
import { type Patience, untilMet } from './until-met.ts'

export interface JoinDeps {
  nodeId: string
  publicKey: string
  bus: Bus
  own: OwnState
  row: NodeRow
  sight: SightOfMembers
  agent: CorrosionClient
  control: AgentControl
  changes: ConfigChanges
  operations: Operations
  directory: Directory
  views: Views
  onJoined: (seconds: number) => void
  /** Ends what is waited for when the service stops. */
  signal: AbortSignal
}

export interface JoinWish {
  by: string
  seeds: readonly string[]
  timeoutMs: number
}

const agentTimeoutMs = 1500
const verificationSteps = ['seen-by-others', 'sees-others', 'caught-up', 'nats', 'active'] as const

/** Throws `RefusalError`, with nothing changed, when the node cannot join; else begins to. */
export async function join(wish: JoinWish, deps: JoinDeps): Promise<Operation> {
  const { own, operations, changes, control } = deps
  const startedAt = performance.now()
  const patience = { deadline: startedAt + wish.timeoutMs, signal: deps.signal }
  operations.requireIdle()
  if (control.refusal !== undefined) throw new RefusalError('unavailable', control.refusal)
  if (own.current.state === 'draining') {
    throw new RefusalError('conflict', 'this node is about to leave')
  }
  const seeds = [...new Set(wish.seeds)]
  const [checked, holdings] = await Promise.all([
    changes.check({ bootstrap: seeds }),
    readHoldings(
      deps.agent,
      { nodeId: deps.nodeId, actorId: null },
      { timeoutMs: agentTimeoutMs },
    ).catch(() => null), // held or away: it is compared once the agent is back
  ])
  const { answers, remarks } = await examine(seeds, checked, holdings, deps)
  const isListed = seeds.every((seed) => checked.bootstrap_before.includes(seed))
  const isMember =
    own.current.state === 'active' && isListed && answers.some(({ said }) => said?.seen)

  const preconditionsMs = Math.round(performance.now() - startedAt)
  const { operation } = operations.begin('join', wish.by, async (steps) => {
    const detail = remarks.join('; ')
    steps.note('preconditions', 'done', preconditionsMs, detail || undefined)
    if (isMember) {
      for (const name of ['config', ...verificationSteps]) {
        steps.note(name, 'skipped', null, 'is a member already')
      }
      return
    }
    const before = { state: own.current.state, wasHeld: control.isHeld }
    let isConfigured = false
    try {
      isConfigured = await configure(wish.by, seeds, checked, steps, deps)
      if (own.current.state !== 'joining') own.move('joining', `joins ${seeds.join(', ')}`)
      await verify(steps, patience, deps)
      await steps.run('active', async () => {
        own.move('active', `joined ${seeds.join(', ')}`)
        await deps.row.keep(own.current, patience)
      })
    } catch (error) {
      // This process is about to end: the next one finds the node joining, and goes on by itself.
      if (deps.signal.aborted) throw error
      await restore(wish.by, { ...before, isConfigured }, steps, deps)
      throw error
    }
    deps.onJoined((performance.now() - startedAt) / 1000)
  })
  return operation
}

async function examine(
  seeds: readonly string[],
  checked: Awaited<ReturnType<ConfigChanges['check']>>,
  holdings: NodeRowSeen | null,
  deps: JoinDeps,
): Promise<{ answers: SeedAnswer[]; remarks: string[] }> {
  const { nodeId, publicKey, bus, directory, views, row } = deps
  const { known, own, unknown } = nodesOfSeeds({
    seeds,
    resolved: checked.resolved,
    directory,
    nodeId,
  })
  const answers = await Promise.all(
    known.map(async ({ seed, nodeId: seedNodeId }): Promise<SeedAnswer> => {
      const askedAt = nowMicroseconds()
      const said = await bus
        .request(
          nodeRowSeen,
          { nodeId: seedNodeId },
          { nodeId, actorId: holdings?.actorId ?? null },
        )
        .catch(() => null) // a dead seed is no obstacle while another one lives
      const clockAheadMs = said ? clockAhead(said.clock, askedAt, nowMicroseconds()) : 0
      return { seed, nodeId: seedNodeId, said, clockAheadMs }
    }),
  )
  const isNameOwn = row.wasWritten
  const remarks = requireJoinable({
    nodeId,
    seeds,
    publicKey,
    checked,
    own,
    unknown,
    answers,
    holdings,
    isNameOwn,
    views,
  })
  return { answers, remarks }
}

/** Whether the file was changed. Afterwards the agent runs on the file that names these seeds. */
async function configure(
  by: string,
  seeds: string[],
  checked: Awaited<ReturnType<ConfigChanges['check']>>,
  steps: Steps,
  { changes, control }: JoinDeps,
): Promise<boolean> {
  const { sha256_before, sha256_after, bootstrap_before } = checked
  if (JSON.stringify(bootstrap_before) !== JSON.stringify(seeds)) {
    const change = await changes.apply(
      {
        edit: { bootstrap: seeds },
        sha256Before: sha256_before,
        sha256After: sha256_after,
        by,
        rolloutId: null,
      },
      steps,
    )
    if (change.state !== 'applied') {
      throw new Error(change.reason ?? `the change of the configuration was ${change.state}`)
    }
    return true
  }
  if (!control.isHeld) {
    steps.note('config', 'skipped', null, 'the file names these seeds already')
    return false
  }
  await steps.run('config', async (detail) => {
    detail('the file names these seeds already; the agent was stopped')
    const started = await control.start('join')
    if (!started.ok) throw new Error(started.reason)
  })
  return false
}

async function verify(steps: Steps, patience: Patience, deps: JoinDeps): Promise<void> {
  const { sight, own, row, agent, nodeId } = deps
  const goal: CatchUpGoal = {}
  const wait = (look: () => Promise<Sight>) => async (detail: (text: string) => void) =>
    detail(await untilMet(look, patience))

  await steps.run(
    'seen-by-others',
    wait(async () => {
      // Again and again: an older row of this node may still arrive and win over the first one. The
      // first one waits for somebody who can be asked whether the name is free.
      if (row.wasWritten || sight.witnesses().length > 0) {
        await row.keep(own.current, { signal: patience.signal, timeoutMs: agentTimeoutMs })
      }
      if (row.problem !== undefined) throw new Error(row.problem)
      return await sight.seenByOthers('joining')
    }),
  )
  await steps.run(
    'sees-others',
    wait(() => sight.seesOthers()),
  )
  await steps.run('caught-up', async (detail) => {
    detail(await untilMet(() => sight.caughtUp(goal), patience))
    const asked = { nodeId, actorId: null }
    const holdings = await readHoldings(agent, asked, { timeoutMs: agentTimeoutMs })
    const { witness } = goal
    const problems = witness ? agreementProblems(witness.nodeId, witness.said, holdings) : []
    if (problems.length > 0) throw new Error(problems.join('; '))
  })
  await steps.run(
    'nats',
    wait(async () => {
      const [witness] = sight.witnesses()
      const askedAt = performance.now()
      if (witness === undefined || !(await sight.ask(witness))) {
        return { isMet: false, waitsFor: 'another node to answer over NATS' }
      }
      const ms = Math.round(performance.now() - askedAt)
      return { isMet: true, detail: `${witness} answered in ${ms} ms` }
    }),
  )
}

/** As it was before: the file, whether the agent runs, and the state. */
async function restore(
  by: string,
  before: { state: OwnState['current']['state']; wasHeld: boolean; isConfigured: boolean },
  steps: Steps,
  { changes, control, own, row, signal }: JoinDeps,
): Promise<void> {
  try {
    if (before.isConfigured) {
      const change = await changes.rollBack(by, steps)
      if (change.state !== 'applied') throw new Error(change.reason ?? change.state)
    }
    if (before.wasHeld && !control.isHeld) {
      await steps.run('hold', async () => {
        const stopped = await control.stop('join failed')
        if (!stopped.ok) throw new Error(stopped.reason)
      })
    }
  } finally {
    own.move(before.state, 'join failed')
  }
  if (before.wasHeld || !row.wasWritten) return
  await row.keep(own.current, { signal, timeoutMs: agentTimeoutMs }).catch(() => undefined) // the next look writes it
}
