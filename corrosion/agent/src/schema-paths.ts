import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from './log.ts'
import { SchemaError, type Store } from './store/store.ts'

/** Applies the schema files. What is wrong with one is logged and told; the old schema stays. */
export function applySchemaPaths(
  paths: readonly string[],
  store: Store,
  log: Log,
): SchemaError | undefined {
  const texts = paths.flatMap((path) => readSchemas(path, log))
  if (texts.length === 0) return undefined
  try {
    store.applySchema(texts.join(';\n'))
    return undefined
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    log.error('could not execute schema', { error })
    return error
  }
}

/** A file, or all `*.sql` of a folder by name. */
function readSchemas(path: string, log: Log): string[] {
  try {
    if (!statSync(path).isDirectory()) return [readFileSync(path, 'utf8')]
    const names = readdirSync(path).filter((name) => name.endsWith('.sql'))
    return names.toSorted().map((name) => readFileSync(join(path, name), 'utf8'))
  } catch (error) {
    log.warn('could not read schema files', { path, error })
    return []
  }
}
