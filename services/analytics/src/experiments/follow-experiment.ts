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
import { storeFigures } from '../statistics/compute-figures.ts'
import type { Db } from '../store/database.ts'
import { isoTime } from '../store/sql-time.ts'
import { askShare, type Silences } from './ask-share.ts'
import { countProgress, type OriginCounts, toProgress } from './count-progress.ts'
import { changeExperiment, findExperiment, type StoredExperiment } from './experiment-rows.ts'
import { hasPassedHeads, readHeads } from './ingest-position.ts'
import { isComplete, toOutcome } from './outcome.ts'

export interface FollowDeps {
  db: Db
  bus: Bus
  state: StateFile
  log: Logger
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
  const { db, bus, state, log, ackWaitMs } = deps
  const silences: Silences = new Map()
  let hasToldStart = false
  let counts: OriginCounts[] = []
  let nextCountAt = 0
  /** Where the streams were when nothing more had to be waited for. */
  let heads: StreamHead[] | undefined

  const count = async (shares: readonly Share[]): Promise<void> => {
    const startedAt = performance.now()
    counts = await countProgress(db, id)
    const tookMs = performance.now() - startedAt
    nextCountAt = startedAt + Math.max(countEveryMs, countCostFactor * tookMs)
    await db
      .updateTable('experiment')
      .set({ progress: JSON.stringify(toProgress(shares, counts)) })
      .where('id', '=', id)
      .execute()
  }

  const askShares = async (stored: StoredExperiment): Promise<void> => {
    const { experiment } = stored
    const shares = await Promise.all(
      experiment.shares.map((share) =>
        askShare({ db, bus, log, patienceMs: ackWaitMs }, stored, share, silences),
      ),
    )
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
    if (!hasToldStart && shares.some((share) => share.state === 'running')) {
      tellStart({ ...experiment, shares })
      hasToldStart = true
    }
  }

  const tellStart = (experiment: Experiment): void => {
    const at = experiment.started_at ?? experiment.created_at
    state.transaction((tell) => {
      tell(experimentStarted, { experimentId: id }, { experimentId: id, at, experiment })
    })
  }

  const finishWhenDue = async ({ experiment, stoppedBy }: StoredExperiment): Promise<void> => {
    const waitedUntil = (fromTimestamp(experiment.sending_ended_at ?? '') ?? 0) + ackWaitMs * 1000
    const isDue = isComplete(experiment.shares, counts) || nowMicroseconds() >= waitedUntil
    if (!isDue) return
    heads ??= await readHeads(bus)
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
    const last = await db
      .selectFrom('sent')
      .select(isoTime('sent_at').as('at'))
      .where('experiment_id', '=', id)
      .orderBy('sent.sent_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    const lastSentAt = fromTimestamp(last?.at ?? '') ?? 0
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
      if (status === 'created') return
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
