import { type Bus, RefusalError, type StateFile } from '@corroport/bus'
import {
  ackSenderStatusQueried,
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
// What is left then stays in its files and goes when the node is back, so it holds up nobody for longer.
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
        'handed-over',
        'stop',
        'outboxes',
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
  // The row says it before the agent stops, since afterwards nobody can write it.
  await row.keep({ state: 'left', since: toTimestamp(nowMicroseconds()) }, write)
  await withOthers('handed-over', () => sight.handedOver())
  await steps.run('stop', async (detail) => {
    const stopped = await control.stop('leave')
    if (!stopped.ok) throw new Error(stopped.reason)
    if (stopped.wasKilled) detail('it had to be killed: others notice after their timeouts')
  })
  // Only now nothing new comes from the agent.
  await steps.run('outboxes', async (detail) => {
    const deadline = Math.min(patience.deadline, performance.now() + outboxesTimeoutMs)
    detail(
      await untilMet(() => lookAtOutboxes(deps), { ...patience, deadline }).catch(
        (error: Error) => `${error.message}; it is kept, and delivered when this node is back`,
      ),
    )
  })
}

/** The services are asked one after the other: what one tells, the next one hears. */
async function lookAtOutboxes({ nodeId, bus, state }: LeaveDeps): Promise<Sight> {
  const unanswered: string[] = []
  const ask = async <T>(service: string, asked: Promise<T>): Promise<T | undefined> => {
    try {
      return await asked
    } catch {
      unanswered.push(service) // what it has stays in its file
      return undefined
    }
  }
  const subscriber = await ask('subscriber', bus.request(subscriberStatusQueried, { nodeId }, {}))
  const ackSender = await ask('ack-sender', bus.request(ackSenderStatusQueried, { nodeId }, {}))
  // Each table tells the one outbox of its service.
  const ofSubscriber = (subscriber?.tables ?? []).map(({ unpublished }) => unpublished)
  const { unheard, owed, unpublished } = ackSender ?? { unheard: 0, owed: 0, unpublished: 0 }
  const waiting = Math.max(state.unconfirmed(), ...ofSubscriber, unpublished)
  if (waiting > 0) return { isMet: false, waitsFor: `${waiting} events to be confirmed by NATS` }
  if (unheard > 0) return { isMet: false, waitsFor: `${unheard} changes to reach ack-sender` }
  if (owed > 0) return { isMet: false, waitsFor: `${owed} acknowledgements to be delivered` }
  return {
    isMet: true,
    detail: ['empty', ...unanswered.map((name) => `the ${name} does not answer`)].join('; '),
  }
}
