import type { Bus, StateFile, StreamHead } from '@corroport/bus'
import {
  type Experiment,
  experimentFinished,
  experimentProgressed,
  experimentStarted,
  fromTimestamp,
  nowMicroseconds,
  type Share,
  toTimestamp,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Clocks } from '../clocks/start-clocks.ts'
import { storeFigures } from '../statistics/compute-figures.ts'
import type { Db } from '../store/database.ts'
import { askShare, type Silences } from './ask-share.ts'
import { countProgress, type OriginCounts, toProgress } from './count-progress.ts'
import {
  changeExperiment,
  findExperiment,
  findLastSentAt,
  type StoredExperiment,
  storeProgress,
} from './experiment-rows.ts'
import { areStillThere, hasPassedHeads, readHeads } from './ingest-position.ts'
import { isComplete, toOutcome } from './outcome.ts'

export interface FollowDeps {
  db: Db
  bus: Bus
  state: StateFile
  log: Logger
  clocks: Pick<Clocks, 'compareNow'>
  ackWaitMs: number
}

export interface Followed {
  /** Does what is due of it now; its row says what that is. */
  look(): Promise<void>
}

const countEveryMs = 1000
// Counting costs at most a twentieth of the time of one connection, however much there is to count.
const countCostFactor = 20

/**
 * Carries one experiment on from wherever its row says it is. What this keeps in memory may be lost at
 * any moment: origins answer again, and are ordered once however often they are ordered.
 */
export function followExperiment(id: string, deps: FollowDeps): Followed {
  const { db, bus, state, log, clocks, ackWaitMs } = deps
  const silences: Silences = new Map()
  let hasToldStart = false
  let counts: OriginCounts[] = []
  let nextCountAt = 0
  /** Where the streams were when nothing more had to be waited for. */
  let heads: StreamHead[] | undefined
  let madeAnewAt = 0
  let areClocksCompared = false

  const count = async (shares: readonly Share[]): Promise<void> => {
    const startedAt = performance.now()
    counts = await countProgress(db, id)
    const tookMs = performance.now() - startedAt
    nextCountAt = startedAt + Math.max(countEveryMs, countCostFactor * tookMs)
    await storeProgress(db, id, toProgress(shares, counts))
  }

  const askShares = async (stored: StoredExperiment): Promise<void> => {
    const { experiment } = stored
    const shares = await Promise.all(
      experiment.shares.map((share) =>
        askShare({ db, bus, log, patienceMs: ackWaitMs }, stored, share, silences),
      ),
    )
    // Before its row says so: whoever goes on from there asks no share that has ended.
    if (
      !hasToldStart &&
      shares.some((share) => share.state === 'running' || share.state === 'ended')
    ) {
      tellStart({ ...experiment, shares })
      hasToldStart = true
    }
    const isOver = shares.every((share) => share.state === 'ended' || share.state === 'lost')
    if (isOver) {
      const endedAt = nowMicroseconds()
      await changeExperiment(
        db,
        { id, status: 'running' },
        {
          shares,
          status: 'finishing',
          sending_ended_at: toTimestamp(endedAt),
          deadline_at: toTimestamp(endedAt + ackWaitMs * 1000),
        },
      )
      log.info({ experimentId: id }, 'experiment sends no more')
    } else {
      await changeExperiment(db, { id, status: 'running' }, { shares })
    }
  }

  const tellStart = (experiment: Experiment): void => {
    const at = experiment.started_at ?? experiment.created_at
    state.transaction((tell) => {
      tell(experimentStarted, { experimentId: id }, { experimentId: id, at, experiment })
    })
  }

  const finishWhenDue = async ({ experiment, stoppedBy }: StoredExperiment): Promise<void> => {
    const endedAt = fromTimestamp(experiment.sending_ended_at ?? '') ?? 0
    const waitsUntil = Math.max(endedAt, madeAnewAt) + ackWaitMs * 1000
    const isDue = isComplete(experiment.shares, counts) || nowMicroseconds() >= waitsUntil
    if (!isDue) return
    // Between two comparisons a clock is known far better than after the last of them.
    if (!areClocksCompared) await clocks.compareNow()
    areClocksCompared = true
    const present = await readHeads(bus)
    heads ??= present
    if (!areStillThere(heads, present)) {
      // Who told what a lost stream had held tells it again, into the one that was made anew.
      heads = undefined
      madeAnewAt = nowMicroseconds()
      return
    }
    if (!(await hasPassedHeads(db, heads))) return
    // What was stored meanwhile belongs to it.
    await count(experiment.shares)
    const outcome = toOutcome(experiment, counts, stoppedBy)
    const wasMoved = await changeExperiment(
      db,
      { id, status: 'finishing' },
      {
        status: outcome.status,
        reason: [experiment.reason, outcome.reason].filter(Boolean).join('; ') || null,
        deadline_at: await readDeadline(experiment),
        finished_at: toTimestamp(nowMicroseconds()),
        // What arrives from here on marks the figures, which are computed after this.
        is_stale: false,
      },
    )
    if (wasMoved) log.info({ experimentId: id, ...outcome }, 'experiment ended')
  }

  /** Acknowledgements carry their origin's clock: the deadline is not before the wait of the last of them. */
  const readDeadline = async ({ deadline_at: deadlineAt }: Experiment): Promise<string> => {
    const lastSentAt = fromTimestamp((await findLastSentAt(db, id)) ?? '') ?? 0
    const deadline = Math.max(fromTimestamp(deadlineAt ?? '') ?? 0, lastSentAt + ackWaitMs * 1000)
    return toTimestamp(deadline)
  }

  const tellEnd = async ({ experiment, progress }: StoredExperiment): Promise<void> => {
    const { status, reason, shares, finished_at: finishedAt, created_at: createdAt } = experiment
    await storeFigures(db, id)
    state.transaction((tell) => {
      tell(
        experimentFinished,
        { experimentId: id },
        {
          experimentId: id,
          at: finishedAt ?? createdAt,
          status,
          reason,
          progress: progress ?? toProgress(shares, counts),
        },
      )
    })
    await changeExperiment(db, { id, status }, { is_told: true })
  }

  return {
    async look() {
      const stored = await findExperiment(db, id)
      if (!stored) return
      const { status, shares } = stored.experiment
      if (status !== 'running' && status !== 'finishing') {
        await tellEnd(stored)
        return
      }
      if (performance.now() >= nextCountAt) await count(shares)
      bus.hint(
        experimentProgressed,
        { experimentId: id },
        {
          experimentId: id,
          status,
          progress: toProgress(shares, counts),
          at: toTimestamp(nowMicroseconds()),
        },
      )
      if (status === 'running') await askShares(stored)
      else await finishWhenDue(stored)
    },
  }
}
