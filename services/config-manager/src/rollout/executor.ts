import { type Bus, RefusalError, type StateFile } from '@corroport/bus'
import {
  type ConfigChange,
  createParser,
  type Operation,
  StepReport,
  stepExecuted,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Static } from 'typebox'
import type { ConfigChanges } from '../change/config-changes.ts'
import type { Operations } from '../operations.ts'

export const migrations = [
  `CREATE TABLE rollout_epoch (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     epoch INTEGER NOT NULL
   ) STRICT;
   INSERT INTO rollout_epoch VALUES (1, 0);
   CREATE TABLE rollout_step (
     rollout_id TEXT NOT NULL,
     action TEXT NOT NULL,
     report TEXT NOT NULL,
     PRIMARY KEY (rollout_id, action)
   ) STRICT;`,
] as const

export interface ExecutorDeps {
  nodeId: string
  bus: Bus
  state: StateFile
  /** Already recovered: what a killed process left half done has ended. */
  changes: ConfigChanges
  operations: Operations
  log: Logger
}

type StepRequest = Static<typeof stepExecuted.request>

export interface Executor extends AsyncDisposable {
  /** Undoes what a rollout changed here, where nobody could ask for it while this node was away. */
  undoAlone(rolloutId: string): void
}

const parseReport = createParser('stored step', StepReport)

/**
 * Does the steps of rollouts on this node, each once however often it is asked. What has begun ends
 * by itself: neither the coordinator nor NATS is needed for it.
 */
export function startExecutor(deps: ExecutorDeps): Executor {
  const { nodeId, bus, state, changes, operations, log } = deps
  const underWay = new Set<string>()
  let isClosed = false

  const selectReport = state.db.prepare(
    'SELECT report FROM rollout_step WHERE rollout_id = ? AND action = ?',
  )
  const insertReport = state.db.prepare('INSERT OR REPLACE INTO rollout_step VALUES (?, ?, ?)')
  const raiseEpoch = state.db.prepare('UPDATE rollout_epoch SET epoch = ?1 WHERE epoch < ?1')
  const selectEpoch = state.db.prepare('SELECT epoch FROM rollout_epoch')

  const reportOf = (rolloutId: string, action: StepRequest['action']): StepReport | undefined => {
    const row = selectReport.get(rolloutId, action)
    return row && parseReport(JSON.parse(String(row.report)))
  }
  const keep = (
    rolloutId: string,
    action: StepRequest['action'],
    report: StepReport,
  ): StepReport => {
    insertReport.run(rolloutId, action, JSON.stringify(report))
    return report
  }

  const fence = (epoch: number): void => {
    const highest = Number(selectEpoch.get()?.epoch)
    if (epoch < highest) {
      throw new RefusalError(
        'conflict',
        `a newer coordinator has been here: its epoch is ${highest}, this one's is ${epoch}`,
      )
    }
    raiseEpoch.run(epoch)
  }

  /** Begins it; throws `RefusalError('locked')` while the node does something else. */
  const begin = (
    rolloutId: string,
    action: StepRequest['action'],
    by: string,
    work: Parameters<Operations['begin']>[2],
    judge: (operation: Operation) => StepReport,
  ): StepReport => {
    const kind = action === 'apply' ? 'apply' : 'rollback'
    const { done } = operations.begin(kind, by, work)
    underWay.add(rolloutId)
    done
      .then((operation) => {
        // Its change ends with the next process, and says there what became of it.
        if (isClosed || !['succeeded', 'failed'].includes(operation.state)) return
        const report = keep(rolloutId, action, judge(operation))
        log.info({ rolloutId, action, result: report.state, reason: report.reason }, 'step ended')
      })
      .catch((err: unknown) => log.error({ err, rolloutId, action }, 'step could not be kept'))
      .finally(() => underWay.delete(rolloutId))
    return running()
  }

  const apply = (request: StepRequest): StepReport => {
    const { rolloutId, edit, sha256Before, sha256After, by } = request
    if (reportOf(rolloutId, 'roll-back')) {
      return { state: 'rolled-back', reason: 'it was rolled back before', stepsMs: {} }
    }
    const made = changes.ofRollout(rolloutId)
    if (made) return reportOfChange(made, {})
    let change: ConfigChange | undefined
    return begin(
      rolloutId,
      'apply',
      by,
      async (steps) => {
        change = await changes.apply({ edit, sha256Before, sha256After, by, rolloutId }, steps)
        if (change.state !== 'applied') throw new Error(change.reason ?? change.state)
      },
      (operation) =>
        change ? reportOfChange(change, stepsOf(operation)) : failed(operation.reason, operation),
    )
  }

  const rollBack = ({ rolloutId, by }: Pick<StepRequest, 'rolloutId' | 'by'>): StepReport => {
    const made = changes.ofRollout(rolloutId)
    // Kept although nothing is done, so that an order to apply which comes late is not followed.
    if (made?.state !== 'applied' || made.action === 'rollback') {
      return keep(rolloutId, 'roll-back', { state: 'rolled-back', reason: null, stepsMs: {} })
    }
    let change: ConfigChange | undefined
    return begin(
      rolloutId,
      'roll-back',
      by,
      async (steps) => {
        change = await changes.rollBack(by, steps, rolloutId)
        if (change.state !== 'applied') throw new Error(change.reason ?? change.state)
      },
      (operation) =>
        change?.state === 'applied'
          ? { state: 'rolled-back', reason: null, stepsMs: stepsOf(operation) }
          : failed(operation.reason, operation),
    )
  }

  const answering = bus.respond(stepExecuted, { nodeId }, (request) => {
    fence(request.epoch)
    const { rolloutId, action } = request
    if (underWay.has(rolloutId)) return running()
    return reportOf(rolloutId, action) ?? (action === 'apply' ? apply(request) : rollBack(request))
  })

  return {
    undoAlone(rolloutId) {
      if (underWay.has(rolloutId) || reportOf(rolloutId, 'roll-back')) return
      if (operations.running || changes.ofRollout(rolloutId)?.state !== 'applied') return
      log.warn({ rolloutId }, 'the rollout was stopped while this node was away, undoing it here')
      rollBack({ rolloutId, by: `rollout ${rolloutId}` })
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      await answering[Symbol.asyncDispose]()
    },
  }
}

function running(): StepReport {
  return { state: 'running', reason: null, stepsMs: {} }
}

function failed(reason: string | null, operation: Operation): StepReport {
  return { state: 'failed', reason: reason ?? operation.state, stepsMs: stepsOf(operation) }
}

function stepsOf({ steps }: Operation): Record<string, number> {
  return Object.fromEntries(steps.flatMap(({ name, ms }) => (ms === null ? [] : [[name, ms]])))
}

function reportOfChange(change: ConfigChange, stepsMs: Record<string, number>): StepReport {
  const { reason } = change
  switch (change.state) {
    case 'applied':
      return { state: change.action === 'rollback' ? 'rolled-back' : 'applied', reason, stepsMs }
    case 'rolled-back':
      return { state: 'rolled-back', reason, stepsMs }
    case 'abandoned':
      return { state: 'failed', reason: reason ?? 'the change was abandoned', stepsMs }
    case 'intended':
    case 'written':
      return running()
    default:
      throw new Error(`unreachable: ${JSON.stringify(change.state satisfies never)}`)
  }
}
