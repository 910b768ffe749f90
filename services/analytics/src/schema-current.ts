import { setTimeout as wait } from 'node:timers/promises'
import type { Db } from './store/database.ts'
import { describeNewer, readSchemaState, unknownMigrations } from './store/migrate.ts'

const lookEveryMs = 1000

/** Resolves when the migrations that were applied, by whomever, are those of this version. */
export async function schemaCurrent(
  db: Db,
  signal: AbortSignal,
  onBlocked: (reason: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    const unknown = await unknownMigrations(db)
    const { pending } = await readSchemaState(db)
    if (unknown.length === 0 && pending.length === 0) return
    onBlocked(
      unknown.length > 0
        ? describeNewer(unknown)
        : `migrations are missing: ${pending.join(', ')}; run corroport analytics migrate`,
    )
    await wait(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
}
