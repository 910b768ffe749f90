import { setTimeout as wait } from 'node:timers/promises'
import { type Bus, messageOf } from '@corroport/bus'
import { canaryTouched, type NodeState, type NodeViewed } from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'

export interface GateDeps {
  bus: Bus
  directory: Directory
  views: Views
  /** How long a changed node has to be a part of the cluster again. */
  gateTimeoutMs: number
}

export interface GateOutcome {
  /** Null where every gate was passed. */
  failure: string | null
  stepsMs: Record<string, number>
}

const lookEveryMs = 50
const countedStates: readonly NodeState[] = ['joining', 'active']

/**
 * Whether a node that was just restarted is a part of the cluster: its agent is ready; every other
 * present node's SWIM has it alive; a row of its own reaches them; a row of theirs reaches it.
 * What is seen was seen after the call. Rejects when the signal is aborted.
 */
export async function checkGates(
  deps: GateDeps,
  nodeId: string,
  signal: AbortSignal,
): Promise<GateOutcome> {
  const { bus, directory, views } = deps
  const stopwatch = createStopwatch(bus, deps.gateTimeoutMs)
  const stepsMs: Record<string, number> = {}
  const failures: string[] = []

  const others = (): string[] =>
    directory
      .nodes()
      .map(({ announcement }) => announcement)
      .filter((other) => other.nodeId !== nodeId && countedStates.includes(other.state))
      .map((other) => other.nodeId)
      .filter((other) => directory.presence(other) === 'present')

  /** Waits until nothing is missing any more; `look` says what is. */
  const pass = async (
    gate: string,
    look: () => string | undefined | Promise<string | undefined>,
  ) => {
    const startedAt = performance.now()
    for (;;) {
      signal.throwIfAborted()
      const missing = await look()
      if (missing === undefined) {
        stepsMs[gate] = Math.round(performance.now() - startedAt)
        return
      }
      if (stopwatch.isOver()) {
        failures.push(`${missing} after ${deps.gateTimeoutMs} ms`)
        return
      }
      await wait(lookEveryMs, undefined, { signal })
    }
  }

  /** A row that `from` writes now is to be seen by everybody of `by`. */
  const passCanary = async (gate: string, from: () => string | undefined, by: () => string[]) => {
    let touched: { nodeId: string; sequence: number } | undefined
    await pass(gate, async () => {
      const writer = from()
      if (writer === undefined) return undefined
      try {
        touched ??= {
          nodeId: writer,
          ...(await bus.request(canaryTouched, { nodeId: writer }, {})),
        }
      } catch (error) {
        return `${writer} cannot write its canary: ${messageOf(error)}`
      }
      const { nodeId: writerId, sequence } = touched
      const blind = by().filter((reader) => sequenceAt(views, reader, writerId) < sequence)
      return blind.length === 0
        ? undefined
        : `the canary of ${writerId} has not reached ${blind.join(', ')}`
    })
  }

  // By what each node says of itself, not by comparing its clock with this one's.
  const takenBefore = new Map(views.all().map(({ view }) => [view.nodeId, view.swim.takenAt]))
  const startedAt = performance.now()

  await pass('ready', () => {
    const node = directory.get(nodeId)
    const isNew = node !== undefined && node.ageMs() < performance.now() - startedAt
    if (!isNew) return `${nodeId} does not announce itself`
    const { agent } = node.announcement
    return agent.state === 'ready' ? undefined : `the agent of ${nodeId} is ${agent.state}`
  })
  if (failures.length === 0) {
    await Promise.all([
      pass('members', () => {
        const actorId = directory.get(nodeId)?.announcement.agent.actorId
        const reasons = others().flatMap((other) => {
          const view = views.get(other)?.view
          const reason = whyUnseen(view, takenBefore.get(other), actorId)
          return reason === undefined ? [] : [`${other} ${reason}`]
        })
        return reasons.length === 0 ? undefined : reasons.join(', ')
      }),
      passCanary('canary-out', () => (others().length === 0 ? undefined : nodeId), others),
      passCanary(
        'canary-in',
        () => others()[0],
        () => [nodeId],
      ),
    ])
  }
  return { failure: failures.length === 0 ? null : failures.join('; '), stepsMs }
}

function whyUnseen(
  view: NodeViewed | undefined,
  takenBefore: string | null | undefined,
  actorId: string | null | undefined,
): string | undefined {
  if (!view) return 'does not say what it sees'
  const { swim } = view
  if (swim.source === 'none') return `cannot read its SWIM: ${swim.error ?? 'nothing to read'}`
  if (swim.takenAt === takenBefore) return `has not looked at its SWIM again: ${swim.error ?? ''}`
  const member = swim.members.find((one) => one.actorId === actorId)
  return member?.state === 'alive' ? undefined : `has it as ${member?.state ?? 'unknown'}`
}

function sequenceAt(views: Views, reader: string, writer: string): number {
  const canary = views.get(reader)?.view.canaries.find(({ nodeId }) => nodeId === writer)
  return canary?.sequence ?? -1
}

/** Runs only while NATS is there: nobody is blamed for what could not be heard. */
export function createStopwatch(bus: Bus, limitMs: number) {
  let passedMs = 0
  let lookedAt = performance.now()
  return {
    isOver(): boolean {
      const now = performance.now()
      if (bus.isConnected) passedMs += now - lookedAt
      lookedAt = now
      return passedMs >= limitMs
    },
    restart(): void {
      passedMs = 0
      lookedAt = performance.now()
    },
  }
}
