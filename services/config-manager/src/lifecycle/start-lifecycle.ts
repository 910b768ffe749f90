import { messageOf, RefusalError } from '@corroport/bus'
import {
  joinRequested,
  leaveRequested,
  nodeRowSeen,
  removeRequested,
  wipeRequested,
} from '@corroport/contracts'
import type { Health } from '@corroport/service'
import type { Logger } from 'pino'
import { repeat } from '../repeat.ts'
import { type AdmissionDeps, createAdmission } from './admission.ts'
import { readHoldings } from './holdings.ts'
import { type JoinDeps, join } from './join.ts'
import { type LeaveDeps, leave } from './leave.ts'
import { createNodeRow, type NodeRowDeps, migrations as rowMigrations } from './node-row.ts'
import { createOwnState, type OwnState, migrations as stateMigrations } from './node-state.ts'
import { type RemoveDeps, remove } from './remove.ts'
import { migrations as removedMigrations, startRemovedMembers } from './removed-members.ts'
import { createSightOfMembers } from './sight.ts'
import { type WipeDeps, wipe } from './wipe.ts'

export const migrations = [...stateMigrations, ...rowMigrations, ...removedMigrations]

type Made = 'own' | 'row' | 'sight' | 'removed' | 'signal' | 'keysElsewhere' | 'bootstrap'

/** Everything that the parts of a node's life need, less what is made here. */
export type LifecycleDeps = { log: Logger; health: Health } & Omit<
  AdmissionDeps & JoinDeps & LeaveDeps & RemoveDeps & WipeDeps & NodeRowDeps,
  Made
>

export interface Lifecycle extends AsyncDisposable {
  readonly own: OwnState
}

const lookEveryMs = 500
const keepRowEveryMs = 10_000
const agentTimeoutMs = 1500

/** Where this node is in its life: told, kept as its row, and moved by commands. */
export function startLifecycle(deps: LifecycleDeps): Lifecycle {
  const { nodeId, bus, state, log, health, agent, control, changes, operations } = deps
  const stopping = new AbortController()
  const own = createOwnState({ nodeId, state, log })
  const removed = startRemovedMembers(deps)
  const sight = createSightOfMembers(deps)
  const row = createNodeRow({
    ...deps,
    bootstrap: () => {
      try {
        return changes.read().bootstrap
      } catch {
        return undefined // unreadable: whoever changes the file is told so
      }
    },
    keysElsewhere: async () => (await sight.askSome()).flatMap(({ said }) => said.publicKey ?? []),
  })
  const parts = { ...deps, own, row, sight, removed, signal: stopping.signal }
  const admission = createAdmission(parts)

  health.depend('node state', () => {
    const { state: now } = own.current
    const detail =
      admission.waitsFor === undefined ? now : `${now}: waits for ${admission.waitsFor}`
    return { ok: now === 'active', detail }
  })
  health.depend('node id', () =>
    row.problem === undefined ? { ok: true } : { ok: false, detail: row.problem },
  )

  const responders = [
    bus.respond(joinRequested, { nodeId }, async (wish) => ({
      operation: await join(wish, parts),
    })),
    bus.respond(leaveRequested, { nodeId }, (wish) => ({ operation: leave(wish, parts) })),
    bus.respond(removeRequested, { nodeId }, async (wish) => ({
      operation: await remove(wish, parts),
    })),
    bus.respond(wipeRequested, { nodeId }, async (wish) => ({
      operation: await wipe(wish, parts),
    })),
    bus.respond(nodeRowSeen, { nodeId }, async (asked) => {
      try {
        return await readHoldings(agent, asked, { timeoutMs: agentTimeoutMs })
      } catch (cause) {
        const why = messageOf(cause)
        throw new RefusalError('unavailable', `the agent does not answer: ${why}`)
      }
    }),
  ]

  settleInterrupted()
  let keptAt = -Infinity
  const living = repeat(lookEveryMs, log, async (signal) => {
    // An operation writes the row itself, and moves the state.
    if (operations.running) return
    if (own.current.state === 'left') {
      if (!control.isHeld) own.move('joining', 'its agent was started again')
      return
    }
    if (own.current.state === 'joining') {
      await admission.look(signal)
      return
    }
    if (performance.now() - keptAt < keepRowEveryMs) return
    keptAt = performance.now()
    await row
      .keep(own.current, { signal, timeoutMs: agentTimeoutMs })
      .catch((err: unknown) => log.debug({ err }, 'node row not looked at'))
  })

  return {
    own,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await Promise.all(responders.map((responder) => responder[Symbol.asyncDispose]()))
      await living[Symbol.asyncDispose]()
      await removed[Symbol.asyncDispose]()
    },
  }

  /** What a killed process was in the middle of. */
  function settleInterrupted(): void {
    const { isHeld } = control
    if (own.current.state === 'draining') {
      if (isHeld) own.move('left', 'its agent was stopped')
      else own.move('active', 'leave was interrupted')
    } else if (own.current.state === 'joining' && isHeld) {
      own.move('left', 'join was interrupted')
    }
  }
}
