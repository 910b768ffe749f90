import { type Bus, RefusalError, type StateFile } from '@corroport/bus'
import {
  nowMicroseconds,
  type Operation,
  subscriberStatusQueried,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import type { AgentControl } from '../agent/agent-control.ts'
import type { Operations, Steps } from '../operations.ts'
import type { NodeRow } from './node-row.ts'
import type { OwnState } from './node-state.ts'
import type { RemovedMembers } from './removed-members.ts'
import type { Sight, SightOfMembers } from './sight.ts'
import { type Patience, untilMet } from './until-met.ts'

export interface LeaveDeps {
  nodeId: string
  bus: Bus
  state: StateFile
  own: OwnState
  row: NodeRow
  sight: SightOfMembers
  removed: RemovedMembers
  control: AgentControl
  operations: Operations
  directory: Directory
  declared: () => readonly string[]
  /** Ends what is waited for when the service stops. */
  signal: AbortSignal
}

const rowTimeoutMs = 2000
// They stay in their files and leave later, so they hold up nobody for longer.
const outboxesTimeoutMs = 5000

/** Throws `RefusalError`, with nothing changed, when the node cannot leave; else begins to. */
export function leave(wish: { by: string; timeoutMs: number }, deps: LeaveDeps): Operation {
  const { own, operations, control } = deps
  const deadline = performance.now() + wish.timeoutMs
  operations.requireIdle()
  if (own.current.state === 'left') {
    const { operation } = operations.begin('leave', wish.by, async (steps) => {
      for (const name of [
        'draining',
        'seen-by-others',
        'outboxes',
        'handed-over',
        'stop',
        'left',
      ]) {
        steps.note(name, 'skipped', null, 'has left already')
      }
    })
    return operation
  }
  if (own.current.state !== 'active') {
    throw new RefusalError(
      'conflict',
      `this node is ${own.current.state}: only an active one leaves`,
    )
  }
  if (control.refusal !== undefined) throw new RefusalError('unavailable', control.refusal)
  const others = requireOthers(deps)

  const { operation } = operations.begin('leave', wish.by, async (steps) => {
    try {
      await drain(steps, { deadline, signal: deps.signal }, others, deps)
    } catch (error) {
      own.move('active', 'leave failed')
      // The next look writes it, if the agent does not take it now.
      await deps.row.keep(own.current, { timeoutMs: rowTimeoutMs }).catch(() => undefined)
      throw error
    }
    await steps.run('left', async () => own.move('left', `asked by ${wish.by}`))
  })
  return operation
}

/** Whether there is a cluster that is left. Throws when nobody in it could take over. */
function requireOthers({ nodeId, directory, removed, declared }: LeaveDeps): boolean {
  const known = [
    ...declared(),
    ...directory.nodes().map(({ announcement }) => announcement.nodeId),
  ].filter((id) => id !== nodeId && !removed.has(id))
  const others = [...new Set(known)].toSorted()
  if (others.length === 0) return false
  const reasons = others.map((id) => {
    const node = directory.get(id)
    const presence = directory.presence(id)
    if (!node || presence !== 'present') return `${id} is ${presence}`
    const { state, agent } = node.announcement
    if (state !== 'active') return `${id} is ${state}`
    return agent.state === 'ready' ? undefined : `the agent of ${id} is ${agent.state}`
  })
  if (reasons.includes(undefined)) return true
  throw new RefusalError(
    'conflict',
    'last_member: no other active node is present, to keep what this one has',
    reasons.filter((reason) => reason !== undefined),
  )
}

async function drain(
  steps: Steps,
  patience: Patience,
  hasOthers: boolean,
  deps: LeaveDeps,
): Promise<void> {
  const { own, row, sight, control } = deps
  const write = { signal: patience.signal, timeoutMs: rowTimeoutMs }
  const withOthers = async (name: string, look: () => Promise<Sight>): Promise<void> => {
    if (!hasOthers) steps.note(name, 'skipped', null, 'there is no other node')
    else await steps.run(name, async (detail) => detail(await untilMet(look, patience)))
  }

  await steps.run('draining', async () => {
    own.move('draining', 'leaves')
    await row.keep(own.current, write)
  })
  await withOthers('seen-by-others', () => sight.seenByOthers('draining'))
  await steps.run('outboxes', async (detail) => {
    const deadline = Math.min(patience.deadline, performance.now() + outboxesTimeoutMs)
    detail(
      await untilMet(() => lookAtOutboxes(deps), { ...patience, deadline }).catch(
        (error: Error) => `${error.message}; they are kept and delivered later`,
      ),
    )
  })
  // The row says it before the agent stops, since afterwards nobody can write it.
  await row.keep({ state: 'left', since: toTimestamp(nowMicroseconds()) }, write)
  await withOthers('handed-over', () => sight.handedOver())
  await steps.run('stop', async (detail) => {
    const stopped = await control.stop('leave')
    if (!stopped.ok) throw new Error(stopped.reason)
    if (stopped.wasKilled) detail('it had to be killed: others notice after their timeouts')
  })
}

async function lookAtOutboxes({ nodeId, bus, state }: LeaveDeps): Promise<Sight> {
  const tables = await bus.request(subscriberStatusQueried, { nodeId }, {}).then(
    (status) => status.tables,
    () => undefined, // its events stay in its file, like those that are not confirmed in time
  )
  // Each table tells the one outbox of its service.
  const ofSubscriber = (tables ?? []).map(({ unpublished }) => unpublished)
  const waiting = Math.max(state.unconfirmed(), ...ofSubscriber)
  if (waiting > 0) return { isMet: false, waitsFor: `${waiting} events to be confirmed by NATS` }
  return { isMet: true, detail: tables ? 'empty' : 'empty; the subscriber does not answer' }
}
