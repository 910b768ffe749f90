import { setTimeout as wait } from 'node:timers/promises'
import { type Bus, messageOf, RefusalError, type StateFile } from '@corroport/bus'
import {
  type ClockSampled,
  type ClockState,
  clockProbed,
  clockSampled,
  clocksQueried,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Roster } from '../roster.ts'
import type { Db } from '../store/database.ts'
import { type ClockAlarm, findAlarms, type KnownClock } from './clock-alarm.ts'
import { addComparison, fitDrift } from './clock-drift.ts'
import { readHistory } from './clock-history.ts'
import { createClockMetrics } from './clock-metrics.ts'
import { type Comparison, compareClocks } from './compare-clocks.ts'

const advice =
  'set the clocks of both machines, and keep them with chrony or ntpd: one-way delays and the lag that Corrosion tells are wrong'

/** A node's clock as far as this process has seen it. */
interface Clock {
  /** Since it was last set, oldest first; empty before the first answer. */
  window: readonly Comparison[]
  driftPpm: number | null
  alarm: ClockAlarm | undefined
  /** Why the last look came to nothing. */
  error: string | null
}

export interface Clocks extends AsyncDisposable {
  /** Resolves when a comparison that began after this call is stored of every node that answers. */
  compareNow(): Promise<void>
}

// Of nodes that are away each takes the whole time-out.
const nodesAtOnce = 16
const usualHours = 1
const storedWithinMs = 2000
const lookAgainMs = 50

/** Compares every node's clock with this one's, again and again, tells it, and answers who asks. */
export function startClocks(deps: {
  db: Db
  bus: Bus
  state: StateFile
  roster: Pick<Roster, 'nodeIds'>
  log: Logger
  metrics: Registry
  intervalMs: number
}): Clocks {
  const { db, bus, state, roster, log, intervalMs } = deps
  const stack = new AsyncDisposableStack()
  const metrics = stack.use(createClockMetrics(deps.metrics))
  const clocks = new Map<string, Clock>()

  const look = async (nodeId: string, signal: AbortSignal): Promise<void> => {
    const before = clocks.get(nodeId) ?? unseen
    let comparison: Comparison
    try {
      comparison = await compareClocks(() => bus.request(clockProbed, { nodeId }, {}), signal)
    } catch (err) {
      if (signal.aborted) return
      if (before.error === null || before === unseen) log.warn({ err, nodeId }, 'clock not known')
      clocks.set(nodeId, { ...before, alarm: undefined, error: messageOf(err) })
      return
    }
    const window = addComparison(before.window, comparison)
    if (window.length === 1 && before.window.length > 0) log.warn({ nodeId }, 'clock was set')
    const driftPpm = fitDrift(window)
    clocks.set(nodeId, { ...before, window, driftPpm, error: null })
    state.transaction((tell) =>
      tell(clockSampled, { nodeId }, toSample(nodeId, comparison, driftPpm)),
    )
  }

  const judge = (): void => {
    const known = [...clocks].flatMap(([nodeId, { window, error }]): KnownClock[] => {
      const last = window.at(-1)
      return last && error === null ? [{ nodeId, ...last }] : []
    })
    const alarms = findAlarms(known)
    for (const [nodeId, clock] of clocks) {
      const alarm = alarms.get(nodeId)
      if (alarm && !clock.alarm)
        log.warn({ nodeId, ...alarm, advice }, 'clock too far from another')
      if (!alarm && clock.alarm) log.info({ nodeId }, 'clock near enough again')
      clock.alarm = alarm
      const own = known.find((candidate) => candidate.nodeId === nodeId)
      if (own) metrics.set(own, alarm !== undefined)
      else metrics.remove(nodeId)
    }
  }

  const round = async (signal: AbortSignal): Promise<void> => {
    const nodeIds = roster.nodeIds()
    for (const nodeId of clocks.keys()) {
      if (nodeIds.includes(nodeId)) continue
      clocks.delete(nodeId)
      metrics.remove(nodeId)
    }
    const waiting = nodeIds.values()
    const lookAtNext = async (): Promise<void> => {
      for (const nodeId of waiting) await look(nodeId, signal)
    }
    const looks = await Promise.allSettled(Array.from({ length: nodesAtOnce }, lookAtNext))
    judge()
    const failed = looks.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  const stopping = new AbortController()
  let waking = new AbortController()
  const running = (async ({ signal }: AbortController) => {
    while (!signal.aborted) {
      waking = new AbortController()
      const startedAt = performance.now()
      try {
        await round(signal)
      } catch (err) {
        if (!signal.aborted) log.warn({ err }, 'clocks not compared, tried again')
      }
      const restMs = Math.max(0, intervalMs - (performance.now() - startedAt))
      await wait(restMs, undefined, {
        signal: AbortSignal.any([signal, waking.signal]),
      }).catch(() => undefined) // aborted: woken, or at its end
    }
  })(stopping)
  stack.defer(async () => {
    stopping.abort()
    await running
  })

  stack.use(
    bus.respond(clocksQueried, {}, async ({ nodeId, sinceHours = usualHours }) => {
      const history = nodeId === undefined ? [] : await readHistory(db, { nodeId, sinceHours })
      const nodeIds = roster.nodeIds()
      if (nodeId !== undefined && history.length === 0 && !nodeIds.includes(nodeId)) {
        throw new RefusalError('not-found', `node ${nodeId} is not known`)
      }
      return {
        reference: 'analytics',
        clocks: nodeIds.map((known) => describe(known, clocks.get(known) ?? unseen)),
        history,
      }
    }),
  )

  const compareNow = async (): Promise<void> => {
    const since = nowMicroseconds()
    const answering = [...clocks].flatMap(([nodeId, { error }]) => (error === null ? nodeId : []))
    const giveUpAt = performance.now() + storedWithinMs
    waking.abort()
    while (!(await areStored(db, answering, since)) && performance.now() < giveUpAt) {
      await wait(lookAgainMs)
    }
  }

  return { compareNow, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function areStored(db: Db, nodeIds: readonly string[], since: number): Promise<boolean> {
  if (nodeIds.length === 0) return true
  const stored = await db
    .selectFrom('clock_sample')
    .select('node_id')
    .distinct()
    .where('node_id', 'in', nodeIds)
    .where('at', '>=', toTimestamp(since))
    .execute()
  return stored.length === nodeIds.length
}

const unseen: Clock = {
  window: [],
  driftPpm: null,
  alarm: undefined,
  error: 'not compared yet',
}

// Rounded up: a bound that is rounded down would promise too much.
const boundMs = (us: number): number => Math.ceil(us) / 1000
const inMs = (us: number): number => Math.round(us) / 1000

function toSample(nodeId: string, clock: Comparison, driftPpm: number | null): ClockSampled {
  return {
    nodeId,
    at: toTimestamp(clock.at),
    offsetMs: inMs(clock.offsetUs),
    boundMs: boundMs(clock.boundUs),
    roundTripMs: inMs(clock.roundTripUs),
    probes: clock.probes,
    driftPpm,
  }
}

/** Of a clock that does not answer any more, the last that was known. */
function describe(nodeId: string, { window, driftPpm, alarm, error }: Clock): ClockState {
  const last = window.at(-1)
  return {
    node_id: nodeId,
    state: error !== null ? 'unknown' : alarm ? 'alarm' : 'ok',
    offset_ms: last ? inMs(last.offsetUs) : null,
    bound_ms: last ? boundMs(last.boundUs) : null,
    drift_ppm: driftPpm,
    round_trip_ms: last ? inMs(last.roundTripUs) : null,
    at: last ? toTimestamp(last.at) : null,
    error,
  }
}
