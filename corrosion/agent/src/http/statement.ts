import type { SqlValue } from '../store/sql-value.ts'
import type { Statement } from '../store/statement.ts'
import { type Json, JsonObject, type JsonReader } from './json.ts'

const mismatch = 'data did not match any variant of untagged enum Statement'

/** Throws `JsonError`. */
export function readStatement(reader: JsonReader): Statement {
  const statement = toStatement(reader.value())
  if (statement === undefined) throw reader.refuse(mismatch)
  return statement
}

/** Throws `JsonError`. */
export function readStatements(reader: JsonReader): Statement[] {
  const statements: Statement[] = []
  reader.list(() => {
    statements.push(readStatement(reader))
  })
  return statements
}

function toStatement(json: Json): Statement | undefined {
  if (typeof json === 'string') return { sql: json, params: [] }
  if (json instanceof JsonObject) return toVerbose(json)
  if (!Array.isArray(json) || json.length !== 2) return undefined
  const [sql, given] = json
  const params = toList(given) ?? toNamed(given)
  return typeof sql === 'string' && params ? { sql, params } : undefined
}

function toVerbose({ entries }: JsonObject): Statement | undefined {
  const fields = new Map<string, Json>()
  for (const [name, value] of entries) {
    if (name !== 'query' && name !== 'params' && name !== 'named_params') continue
    if (fields.has(name)) return undefined
    fields.set(name, value)
  }
  const sql = fields.get('query')
  const params = fields.get('params') ?? null
  const named = fields.get('named_params') ?? null
  // Both are looked at, though only the first is used when both are given.
  const list = params === null ? [] : toList(params)
  const byName = named === null ? {} : toNamed(named)
  if (typeof sql !== 'string' || !list || !byName) return undefined
  return { sql, params: params === null && named !== null ? byName : list }
}

function toList(json: Json | undefined): SqlValue[] | undefined {
  if (json instanceof Uint8Array) return Array.from(json, BigInt)
  if (!Array.isArray(json)) return undefined
  const values = json.map(toValue)
  return values.every((value) => value !== undefined) ? values : undefined
}

/** The last of equal names counts. */
function toNamed(json: Json | undefined): Record<string, SqlValue> | undefined {
  if (!(json instanceof JsonObject)) return undefined
  const entries: [string, SqlValue][] = []
  for (const [name, item] of json.entries) {
    const value = toValue(item)
    if (value === undefined) return undefined
    entries.push([name, value])
  }
  return Object.fromEntries(entries)
}

function toValue(json: Json): SqlValue | undefined {
  if (typeof json === 'boolean') return json ? 1n : 0n
  return Array.isArray(json) || json instanceof JsonObject ? undefined : json
}
