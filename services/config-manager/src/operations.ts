import { setTimeout as wait } from 'node:timers/promises'
import { type Bus, messageOf, RefusalError, type StateFile } from '@corroport/bus'
import {
  createParser,
  nowMicroseconds,
  Operation,
  type OperationKind,
  type OperationStep,
  operationChanged,
  operationQueried,
  toTimestamp,
} from '@corroport/contracts'
import type { Logger } from 'pino'
import { monotonicFactory } from 'ulid'

export const migrations = [
  `CREATE TABLE operation (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL
  ) STRICT`,
]

/** Handed to the work of an operation: what it names here is what people see. */
export interface Steps {
  /** Runs one step; its failure is the operation's. */
  run<T>(name: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T>
  /** A step that something else measured, or that was not needed. */
  note(name: string, state: 'done' | 'skipped', ms: number | null, detail?: string): void
}

/** Long work of this node: at most one at a time, told and kept as it goes on. */
export interface Operations extends AsyncDisposable {
  /**
   * Begins it and returns at once; `done` resolves with how it ended, and never rejects. Throws
   * `RefusalError('locked')` while another one runs.
   */
  begin(
    kind: OperationKind,
    by: string,
    work: (steps: Steps) => Promise<void>,
  ): { operation: Operation; done: Promise<Operation> }
  readonly running: Operation | undefined
  /** Throws `RefusalError('locked')` while one runs. */
  requireIdle(): void
  find(id: string): Operation | undefined
  /** Newest first. */
  latest(count: number): Operation[]
}

export interface OperationsDeps {
  nodeId: string
  state: StateFile
  log: Logger
}

const kept = 200
const latestCount = 50
// What it works with is closed before it, so work that can end does so now.
const lastMomentMs = 1000

const parseOperation = createParser('stored operation', Operation)

/** Opens the operations of a node. What a killed process left running is interrupted. */
export function createOperations({ nodeId, state, log }: OperationsDeps): Operations {
  const { db } = state
  const insert = db.prepare('INSERT INTO operation (id, version, document) VALUES (?, 1, ?)')
  const update = db.prepare(
    'UPDATE operation SET version = version + 1, document = ? WHERE id = ? RETURNING version',
  )
  const prune = db.prepare(
    'DELETE FROM operation WHERE number <= (SELECT max(number) FROM operation) - ?',
  )
  const selectOne = db.prepare('SELECT document FROM operation WHERE id = ?')
  const selectLatest = db.prepare('SELECT document FROM operation ORDER BY number DESC LIMIT ?')
  const nextId = monotonicFactory()

  let current: { operation: Operation; done: Promise<Operation> } | undefined
  let isClosed = false

  const commit = (operation: Operation, isNew = false): void => {
    // The state file is about to close: what is left running is interrupted by the next start.
    if (isClosed) throw new Error('this process is stopping')
    const document = JSON.stringify(operation)
    state.transaction((tell) => {
      if (isNew) {
        insert.run(operation.id, document)
        prune.run(kept)
      }
      const version = isNew ? 1 : Number(update.get(document, operation.id)?.version)
      tell(operationChanged, { nodeId }, { nodeId, version, at: now(), operation })
    })
  }

  for (const left of latest(kept)) {
    if (left.state !== 'running') continue
    const interrupted = ended(left, 'interrupted', 'the process ended before it was done')
    commit(interrupted)
    log.warn({ operationId: left.id, kind: left.kind }, 'operation was interrupted')
  }

  function requireIdle(): void {
    if (!current) return
    const { id, kind } = current.operation
    throw new RefusalError('locked', `${nodeId} is busy: ${kind} ${id} is running`)
  }

  function latest(count: number): Operation[] {
    return selectLatest.all(count).map(toOperation)
  }

  return {
    get running() {
      return current?.operation
    },
    requireIdle,
    latest,
    find(id) {
      const row = selectOne.get(id)
      return row && toOperation(row)
    },
    begin(kind, by, work) {
      requireIdle()
      const begun: Operation = {
        id: `${nodeId}_${nextId()}`,
        kind,
        node_id: nodeId,
        by,
        state: 'running',
        reason: null,
        steps: [],
        started_at: now(),
        finished_at: null,
      }
      commit(begun, true)
      log.info({ operationId: begun.id, kind, by }, 'operation began')
      const running = { operation: begun, done: Promise.resolve(begun) }
      current = running
      const change = (operation: Operation): void => {
        commit(operation)
        running.operation = operation
      }
      const end = (how: 'succeeded' | 'failed', reason: string | null): Operation => {
        const { id } = begun
        try {
          change(ended(running.operation, how, reason))
          log.info({ operationId: id, kind, state: how, reason }, 'operation ended')
        } catch (err) {
          log.error({ err, operationId: id, kind }, 'the end of an operation could not be kept')
        }
        current = undefined
        return running.operation
      }
      const steps = createSteps(() => running.operation, change)
      // What it throws at once is its failure too.
      running.done = Promise.resolve()
        .then(() => work(steps))
        .then(
          () => end('succeeded', null),
          (error: unknown) => end('failed', messageOf(error)),
        )
      return { operation: begun, done: running.done }
    },
    async [Symbol.asyncDispose]() {
      if (current) {
        const deadline = new AbortController()
        await Promise.race([
          current.done,
          wait(lastMomentMs, undefined, { signal: deadline.signal }).catch(() => undefined),
        ])
        deadline.abort()
      }
      isClosed = true
    },
  }
}

/** Answers who asks about operations of this node. */
export function answerOperationQueries(deps: {
  nodeId: string
  bus: Bus
  operations: Operations
}): AsyncDisposable {
  const { nodeId, bus, operations } = deps
  return bus.respond(operationQueried, { nodeId }, ({ id }) => {
    if (id === undefined) return { operations: operations.latest(latestCount) }
    const found = operations.find(id)
    if (!found) {
      throw new RefusalError(
        'not-found',
        `${nodeId} knows no operation ${id}: the last ${kept} are kept`,
      )
    }
    return { operations: [found] }
  })
}

function createSteps(operation: () => Operation, change: (next: Operation) => void): Steps {
  const put = (index: number, step: OperationStep): void => {
    const before = operation()
    change({ ...before, steps: before.steps.toSpliced(index, 1, step) })
  }
  return {
    async run(name, work) {
      const startedAt = performance.now()
      const index = operation().steps.length
      let detail: string | null = null
      const become = (state: OperationStep['state'], ms: number | null): void =>
        put(index, { name, state, detail, ms })
      const passedMs = (): number => Math.round(performance.now() - startedAt)
      become('running', null)
      try {
        const result = await work((text) => {
          detail = text
          become('running', null)
        })
        become('done', passedMs())
        return result
      } catch (error) {
        detail = messageOf(error)
        become('failed', passedMs())
        throw error
      }
    },
    note(name, state, ms, detail) {
      put(operation().steps.length, { name, state, detail: detail ?? null, ms })
    },
  }
}

function ended(
  operation: Operation,
  state: 'succeeded' | 'failed' | 'interrupted',
  reason: string | null,
): Operation {
  const steps = operation.steps.map((step) =>
    step.state === 'running' ? { ...step, state: 'failed' as const } : step,
  )
  return { ...operation, state, reason, steps, finished_at: now() }
}

function toOperation({ document }: Record<string, unknown>): Operation {
  return parseOperation(JSON.parse(String(document)))
}

function now(): string {
  return toTimestamp(nowMicroseconds())
}
