import { setTimeout as wait } from 'node:timers/promises'
import type { Db } from './store/database.ts'
import { findProblem } from './store/migrate.ts'

const lookEveryMs = 1000

/** Resolves when the migrations that were applied, by whomever, are those of this version. */
export async function schemaCurrent(
  db: Db,
  signal: AbortSignal,
  onBlocked: (reason: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    const problem = await findProblem(db)
    if (problem === undefined) return
    onBlocked(problem)
    await wait(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
}
