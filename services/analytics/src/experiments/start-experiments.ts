import { type Bus, RefusalError, type StateFile } from '@corroport/bus'
import {
  type Experiment,
  type ExperimentPlan,
  type ExperimentProgress,
  experimentBegun,
  experimentCreated,
  experimentDeleted,
  experimentEnded,
  experimentQueried,
  experimentsListed,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import type { Clocks } from '../clocks/start-clocks.ts'
import type { Roster } from '../roster.ts'
import type { Db } from '../store/database.ts'
import { toProgress } from './count-progress.ts'
import { describeEnvironment } from './environment.ts'
import { createExperimentId, createShares, findPlanProblems } from './experiment-plan.ts'
import {
  changeExperiment,
  deleteExperiment,
  findBusyOrigins,
  findExperiment,
  insertExperiment,
  listExperiments,
  type StoredExperiment,
  wasBegun,
} from './experiment-rows.ts'
import { stopReason } from './outcome.ts'
import { startFollowing } from './start-following.ts'

export interface ExperimentDeps {
  db: Db
  bus: Bus
  state: StateFile
  directory: Directory
  roster: Roster
  log: Logger
  clocks: Pick<Clocks, 'compareNow'>
  ackWaitMs: number
}

// A reply of NATS holds 1 MB.
const maxListBytes = 800_000

interface Answer {
  experiment: Experiment
  progress: ExperimentProgress
}

/** Carries experiments out: orders the shares, follows them, and ends them with their figures. */
export function startExperiments(deps: ExperimentDeps): AsyncDisposable {
  const { db, bus, directory, roster, log } = deps
  const stack = new AsyncDisposableStack()
  const following = stack.use(startFollowing(deps))

  const find = async (id: string): Promise<StoredExperiment> => {
    const stored = await findExperiment(db, id)
    if (!stored) throw new RefusalError('not-found', `there is no experiment ${id}`)
    return stored
  }
  const answer = async (id: string): Promise<Answer> => toAnswer(await find(id))

  const check = async (plan: ExperimentPlan): Promise<void> => {
    const members = roster.nodeIds()
    const problems = findPlanProblems(
      plan,
      (nodeId) =>
        directory.get(nodeId)?.announcement.state ??
        (members.includes(nodeId) ? 'unheard' : undefined),
    )
    if (plan.repeat_of !== null && !(await findExperiment(db, plan.repeat_of))) {
      problems.push(`repeat_of ${plan.repeat_of} is no experiment`)
    }
    if (problems.length > 0) {
      throw new RefusalError('invalid', `the experiment cannot be carried out`, problems)
    }
  }

  const begin = async (id: string): Promise<void> => {
    const { experiment } = await find(id)
    const { plan } = experiment
    if (experiment.status !== 'created') {
      throw new RefusalError('conflict', `experiment ${id} is ${experiment.status} already`)
    }
    await check(plan)
    const nodeIds = [...new Set([...roster.nodeIds(), ...plan.origins])].toSorted()
    const environment = await describeEnvironment({ db, bus, directory }, nodeIds)
    const busy = await findBusyOrigins(db, plan.origins)
    const others = busy.map(
      ({ experimentId, nodeId }) => `${nodeId} also sends for ${experimentId}`,
    )
    const hasBegun = await changeExperiment(
      db,
      { id, status: 'created' },
      {
        status: 'running',
        reason: others.length > 0 ? others.join('; ') : null,
        expected: nodeIds,
        environment,
        shares: createShares(plan),
        started_at: toTimestamp(nowMicroseconds()),
        is_told: false,
      },
    )
    if (!hasBegun)
      throw new RefusalError('conflict', `experiment ${id} was begun or deleted just now`)
    log.info({ experimentId: id, origins: plan.origins }, 'experiment begun')
    following.wake()
  }

  const create = async (asked: {
    id?: string
    plan: ExperimentPlan
    by: string
    start: boolean
  }): Promise<Answer> => {
    const { plan, by, start } = asked
    const id = asked.id ?? createExperimentId(plan.name, ulid())
    await check(plan)
    const isNew =
      !(await wasBegun(db, id)) && (await insertExperiment(db, created({ id, plan, by })))
    if (!isNew) throw new RefusalError('conflict', `the name ${id} was used before`)
    if (start) await begin(id)
    return await answer(id)
  }

  const end = async (id: string, by: string): Promise<Answer> => {
    const { experiment, stoppedBy } = await find(id)
    const endedAt = toTimestamp(nowMicroseconds())
    const reason = stopReason(by)
    const isUnbegun = { id, status: 'created' } as const
    const isRunning = { id, status: 'running' } as const
    const hasEnded =
      (await changeExperiment(db, isUnbegun, {
        status: 'stopped',
        reason,
        finished_at: endedAt,
      })) ||
      // Its origins repeat who stopped it first.
      (stoppedBy === null && (await changeExperiment(db, isRunning, { stopped_by: by })))
    const { status } = experiment
    // While it waits for acknowledgements, nothing is sent any more.
    if (!hasEnded && status !== 'finishing' && status !== 'running') {
      throw new RefusalError('conflict', `experiment ${id} is ${status} already`)
    }
    following.wake()
    return await answer(id)
  }

  stack.use(bus.respond(experimentCreated, {}, create))
  stack.use(
    bus.respond(experimentBegun, {}, async ({ id }) => {
      await begin(id)
      return await answer(id)
    }),
  )
  stack.use(bus.respond(experimentEnded, {}, ({ id, by }) => end(id, by)))
  stack.use(
    bus.respond(experimentDeleted, {}, async ({ id, by }) => {
      const { experiment } = await find(id)
      if (!(await deleteExperiment(db, id))) {
        throw new RefusalError(
          'conflict',
          `experiment ${id} is ${experiment.status}: stop it first`,
        )
      }
      log.info({ experimentId: id, by }, 'experiment deleted')
      return {}
    }),
  )
  stack.use(bus.respond(experimentQueried, {}, ({ id }) => answer(id)))
  stack.use(bus.respond(experimentsListed, {}, (page) => list(db, page)))
  return stack
}

function created(from: { id: string; plan: ExperimentPlan; by: string }): Experiment {
  return {
    ...from,
    status: 'created',
    reason: null,
    expected: [],
    environment: null,
    shares: [],
    created_at: toTimestamp(nowMicroseconds()),
    started_at: null,
    sending_ended_at: null,
    deadline_at: null,
    finished_at: null,
    imported_from: null,
  }
}

const toAnswer = ({ experiment, progress }: StoredExperiment): Answer => ({
  experiment,
  progress: progress ?? toProgress(experiment.shares, []),
})

/** As many of the page as a reply can hold. */
async function list(
  db: Db,
  page: { limit: number; before?: string },
): Promise<{ experiments: Answer[]; next: string | null }> {
  const found = await listExperiments(db, { ...page, limit: page.limit + 1 })
  const experiments: Answer[] = []
  let bytes = 0
  for (const stored of found.slice(0, page.limit)) {
    const each = toAnswer(stored)
    bytes += Buffer.byteLength(JSON.stringify(each))
    if (experiments.length > 0 && bytes > maxListBytes) break
    experiments.push(each)
  }
  const last = experiments.at(-1)?.experiment.created_at ?? null
  return { experiments, next: experiments.length < found.length ? last : null }
}
