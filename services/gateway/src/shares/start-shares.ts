import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { type Bus, messageOf, outOfTrace, RefusalError } from '@corroport/bus'
import {
  type ExperimentSlot,
  type ShareOrder,
  shareOrdered,
  shareQueried,
  shareStopped,
  toTimestamp,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import { ProblemError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { OriginClock } from '../origin-clock.ts'
import type { Roster } from '../roster.ts'
import type { Sender } from '../send.ts'
import { createInFlight } from './in-flight.ts'
import { contentOf, dueMs, roundsOf, slotOf, transportOf } from './sequence.ts'
import type { ShareStore, StoredShare } from './share-store.ts'

export interface SharesOptions {
  nodeId: string
  bus: Bus
  store: ShareStore
  sender: Sender
  roster: Pick<Roster, 'ownState'>
  clock: OriginClock
  metrics: Metrics
  log: Logger
}

const maxRunning = 16
// After so many overdue messages others of this process have their turn.
const burst = 32
const lookAtStateEveryMs = 1000

/**
 * Sends what was ordered: each message at its time by the monotonic clock, whatever became of those
 * before it. What was due while no process was here is not sent any more, and told as skipped.
 */
export function startShares(options: SharesOptions): AsyncDisposable {
  const { nodeId, bus, store, roster, log } = options
  const stopping = new AbortController()
  const running = new Map<string, { stop: AbortController; done: Promise<void> }>()

  const begin = ({ order }: StoredShare): void => {
    const { experimentId } = order
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, stopping.signal])
    const done = sendShare(options, order, signal)
      .catch((err: unknown) => {
        log.error({ err, experimentId }, 'share broke off')
        store.end(experimentId, `the gateway failed: ${messageOf(err)}`)
      })
      .finally(() => running.delete(experimentId))
    running.set(experimentId, { stop, done })
  }

  const known = (experimentId: string) => store.get(experimentId)?.share ?? null

  const ordering = bus.respond(shareOrdered, { nodeId }, (order) => {
    const before = known(order.experimentId)
    if (before) return { share: before }
    refuseImpossible(order)
    const reason = farewell(roster)
    if (reason !== undefined) throw new RefusalError('conflict', reason)
    const others = store.running()
    if (others.length >= maxRunning) {
      throw new RefusalError('conflict', `${maxRunning} experiments send at ${nodeId} already`)
    }
    const manual = others.find((other) => other.order.slots === 0)
    if (order.slots === 0 && manual) {
      const { experimentId } = manual.order
      throw new RefusalError(
        'conflict',
        `what ${nodeId} sends belongs to ${experimentId} until that is stopped`,
      )
    }
    store.add(order)
    log.info({ experimentId: order.experimentId, slots: order.slots }, 'share begins')
    const added = store.get(order.experimentId)
    if (!added) throw new Error('unreachable: the share was just stored')
    begin(added)
    return { share: added.share }
  })

  const stoppingShares = bus.respond(shareStopped, { nodeId }, ({ experimentId, reason }) => {
    store.end(experimentId, reason)
    running.get(experimentId)?.stop.abort()
    return { share: known(experimentId) }
  })

  const querying = bus.respond(shareQueried, { nodeId }, ({ experimentId }) => ({
    share: known(experimentId),
  }))

  for (const stored of store.running()) {
    skipMissed(options, stored)
    begin(stored)
  }

  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(
        [ordering, stoppingShares, querying].map((one) => one[Symbol.asyncDispose]()),
      )
      stopping.abort()
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}

/** The slot of a message that a person sends while an experiment without a plan of its own runs. */
export function manualSlot(
  store: ShareStore,
  transport: ShareOrder['transports'][number],
): ExperimentSlot | undefined {
  const manual = store.running().find(({ order }) => order.slots === 0)
  if (!manual?.order.transports.includes(transport)) return undefined
  const { order, nextRound } = manual
  return {
    id: order.experimentId,
    number: nextRound,
    isWarmup: nextRound < order.warmupSlots,
    intendedAt: null,
    delayMs: 0,
  }
}

function refuseImpossible({ origin, origins }: ShareOrder): void {
  if (origin < origins) return
  throw new RefusalError('invalid', `there is no origin ${origin} of ${origins}`)
}

function farewell({ ownState }: SharesOptions['roster']): string | undefined {
  return ownState === 'draining' || ownState === 'left' ? `this node is ${ownState}` : undefined
}

function skipMissed({ store, clock, log }: SharesOptions, { order, startsAt }: StoredShare): void {
  if (order.slots === 0) return
  const elapsedMs = (clock.nowMicroseconds() - startsAt) / 1000
  let missed = 0
  const rounds = roundsOf(order)
  while (missed < rounds && dueMs(order, missed) < elapsedMs) missed += 1
  const { experimentId } = order
  store.skipTo(experimentId, missed, 'their time passed while the gateway did not run')
  log.info({ experimentId, round: missed, rounds }, 'share goes on')
}

async function sendShare(
  options: SharesOptions,
  order: ShareOrder,
  signal: AbortSignal,
): Promise<void> {
  const { store, roster, log } = options
  const { experimentId } = order
  const finish = (reason: string | null): void => {
    store.end(experimentId, reason)
    log.info({ experimentId, reason }, 'share ended')
  }
  const isLeaving = (): boolean => {
    const reason = farewell(roster)
    if (reason !== undefined) finish(reason)
    return reason !== undefined
  }

  if (order.slots === 0) {
    while (!signal.aborted && !isLeaving()) await pause(lookAtStateEveryMs, signal)
    return
  }

  const stored = store.get(experimentId)
  if (!stored) throw new Error(`unreachable: no share of ${experimentId}`)
  const inFlight = createInFlight()
  const rounds = roundsOf(order)
  for (let round = stored.nextRound; round < rounds; round += 1) {
    await untilDue(options, stored.startsAt, dueMs(order, round), signal)
    await inFlight.place()
    if (round % burst === 0) await nextTurn()
    if (signal.aborted || isLeaving()) break
    // Each message is a trace of its own; the command that began the share ended long ago.
    inFlight.add(outOfTrace(() => sendRound(options, order, round, stored.startsAt)))
  }
  await inFlight.ended()
  // One that was stopped, or goes on in the next process, is told elsewhere or later.
  if (!signal.aborted) finish(null)
}

async function untilDue(
  { clock, roster }: SharesOptions,
  startsAt: number,
  due: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const restMs = due - (clock.nowMicroseconds() - startsAt) / 1000
    if (restMs <= 0 || signal.aborted || farewell(roster) !== undefined) return
    await pause(Math.min(restMs, lookAtStateEveryMs), signal)
  }
}

/** Resolves when its outcome is known, or known to be unknown; the tracker has told it. */
async function sendRound(
  { clock, sender, metrics, log }: SharesOptions,
  order: ShareOrder,
  round: number,
  startsAt: number,
): Promise<void> {
  const number = slotOf(order, round)
  const transport = transportOf(order, round)
  const content = contentOf(order, number)
  const slot = (nowMicroseconds: number): ExperimentSlot => {
    const delayMicroseconds = Math.round(
      clock.nowMicroseconds() - startsAt - dueMs(order, round) * 1000,
    )
    metrics.shareDelay.observe(delayMicroseconds / 1_000_000)
    return {
      id: order.experimentId,
      number,
      isWarmup: number < order.warmupSlots,
      // By the wall clock of this moment, which may have been set since the start.
      intendedAt: toTimestamp(nowMicroseconds - delayMicroseconds),
      delayMs: delayMicroseconds / 1000,
    }
  }
  try {
    if (transport === 'gossip') await sender.gossip(content, slot)
    else sender.direct(content, slot)
  } catch (err) {
    if (!(err instanceof ProblemError)) throw err
    log.debug({ err, experimentId: order.experimentId, number }, 'message of a share not sent')
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined) // the caller looks at the signal
}
