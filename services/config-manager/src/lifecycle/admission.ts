import type { Bus } from '@corroport/bus'
import { fromTimestamp, nowMicroseconds } from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'
import type { Operations } from '../operations.ts'
import type { NodeRow } from './node-row.ts'
import type { OwnState } from './node-state.ts'
import type { RemovedMembers } from './removed-members.ts'
import type { CatchUpGoal, Sight, SightOfMembers } from './sight.ts'

// Whoever is there announces itself each second: after so many none of them is there.
const aloneForMs = 5000
const rowTimeoutMs = 2000

/** How a node that is joining becomes active by itself: once it and another one see each other. */
export interface Admission {
  /** Of a node that is joining: looks once, and moves it when all is met. */
  look(signal: AbortSignal): Promise<void>
  /** Undefined when nothing is waited for. */
  readonly waitsFor: string | undefined
}

export interface AdmissionDeps {
  nodeId: string
  bus: Bus
  own: OwnState
  row: NodeRow
  sight: SightOfMembers
  removed: RemovedMembers
  operations: Operations
  directory: Directory
  views: Views
  /** Node ids that the configuration names. */
  declared: () => readonly string[]
  onJoined: (seconds: number) => void
}

export function createAdmission(deps: AdmissionDeps): Admission {
  const { nodeId, bus, own, row, sight, removed, operations, directory, views, declared } = deps
  let waitsFor: string | undefined
  let aloneSince: number | undefined
  let goal: CatchUpGoal = {}

  const others = (): string[] => {
    const hasLeft = (id: string) => directory.get(id)?.announcement.state === 'left'
    const announced = directory.nodes().map(({ announcement }) => announcement.nodeId)
    return [...new Set([...declared(), ...announced])].filter(
      (id) => id !== nodeId && !removed.has(id) && !hasLeft(id),
    )
  }
  const swimSeesSomebody = (): boolean =>
    views.get(nodeId)?.view.swim.members.some(({ state }) => state === 'alive') ?? false

  const admit = async (signal: AbortSignal): Promise<Sight> => {
    if (!bus.isConnected) {
      aloneSince = undefined
      return { isMet: false, waitsFor: 'NATS' }
    }
    const isFirst = others().length === 0 && !swimSeesSomebody()
    if (isFirst) {
      aloneSince ??= performance.now()
      if (performance.now() - aloneSince < aloneForMs) {
        return { isMet: false, waitsFor: 'others to be heard' }
      }
    } else {
      aloneSince = undefined
      // Before its first row somebody has to be asked whether its name is free.
      if (!row.wasWritten && (await sight.askSome()).length === 0) {
        return { isMet: false, waitsFor: 'another node whose agent answers' }
      }
    }
    await row.keep(own.current, { signal, timeoutMs: rowTimeoutMs })
    if (row.problem !== undefined) return { isMet: false, waitsFor: row.problem }
    if (isFirst) return { isMet: true, detail: 'the first of its cluster' }
    const looks = [() => sight.seenByOthers(), () => sight.seesOthers(), () => sight.caughtUp(goal)]
    for (const look of looks) {
      const seen = await look()
      if (!seen.isMet) return seen
    }
    return { isMet: true, detail: 'seen by others, sees others, caught up' }
  }

  return {
    get waitsFor() {
      return own.current.state === 'joining' ? waitsFor : undefined
    },
    async look(signal) {
      const seen = await admit(signal).catch(
        // The next look follows soon; until then this is what is missing.
        (error: unknown): Sight => ({ isMet: false, waitsFor: `its agent: ${String(error)}` }),
      )
      if (!seen.isMet) {
        waitsFor = seen.waitsFor
        return
      }
      // An operation may have begun meanwhile, and then the state is its own to move.
      if (operations.running) return
      const joiningSince = fromTimestamp(own.current.since) ?? nowMicroseconds()
      own.move('active', seen.detail)
      deps.onJoined((nowMicroseconds() - joiningSince) / 1e6)
      goal = {}
      await row.keep(own.current, { signal, timeoutMs: rowTimeoutMs })
    },
  }
}
