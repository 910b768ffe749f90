import { setTimeout as wait } from 'node:timers/promises'
import type { Db } from './store/database.ts'
import { readSchemaState } from './store/migrate.ts'

const lookEveryMs = 1000

/** Resolves when every migration was applied, by whomever. */
export async function schemaCurrent(
  db: Db,
  signal: AbortSignal,
  onPending: (pending: string[]) => void,
): Promise<void> {
  while (!signal.aborted) {
    const { pending } = await readSchemaState(db)
    if (pending.length === 0) return
    onPending(pending)
    await wait(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
}
