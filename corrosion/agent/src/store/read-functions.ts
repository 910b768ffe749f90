import { constants, type DatabaseSync } from 'node:sqlite'
import { corroJsonContains } from './corro-json-contains.ts'
import { packKey } from './packed-key.ts'
import type { SqlValue } from './sql-value.ts'

/** What a client's statement may use, and what the triggers of replicated tables do. */
export interface AgentFunctions {
  /** 32 hex digits. */
  actorId: string
  dbVersion: () => bigint
  /** Left out where nothing is ever written. */
  triggers?: Readonly<Record<`crsql_${string}`, (...args: SqlValue[]) => SqlValue>>
}

// A write cannot be prepared, and refused as one, on a connection that does not know them.
const triggerNames = [
  'crsql_internal_sync_bit',
  'crsql_after_insert',
  'crsql_after_update',
  'crsql_after_delete',
] as const

export function defineFunctions(
  db: DatabaseSync,
  { actorId, dbVersion, triggers = {} }: AgentFunctions,
): void {
  const siteId = Buffer.from(actorId, 'hex')
  const define = (name: string, call: (...args: SqlValue[]) => SqlValue): void => {
    db.function(name, { useBigIntArguments: true, varargs: true }, call)
  }
  define('crsql_site_id', () => siteId)
  define('crsql_db_version', dbVersion)
  define('crsql_pack_columns', (...values) => packKey(values))
  for (const name of triggerNames) define(name, triggers[name] ?? unreachable)
  db.function(
    'corro_json_contains',
    { deterministic: true, useBigIntArguments: true },
    corroJsonContains,
  )
}

function unreachable(): never {
  throw new Error('unreachable: nothing is written on this connection')
}

// In Node's SQLite, but not in Corrosion's: what uses them would fail on the real agent.
const foreignFunctions = new Set(
  `acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2
  median mod percentile percentile_cont percentile_disc pi pow power radians sin sinh sqrt tan tanh
  trunc`.split(/\s+/),
)

/** For an authorizer: whether a statement calls what the real agent does not have. */
export function isForeignFunction(action: number, name: string | null): boolean {
  return action === constants.SQLITE_FUNCTION && foreignFunctions.has(name?.toLowerCase() ?? '')
}

export function denyForeignFunctions(db: DatabaseSync): void {
  db.setAuthorizer((action, _first, name) =>
    isForeignFunction(action, name) ? constants.SQLITE_DENY : constants.SQLITE_OK,
  )
}
