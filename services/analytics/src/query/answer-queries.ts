import { type Bus, withSpan } from '@corroport/bus'
import {
  analyticsRelationsQueried,
  analyticsTablesQueried,
  createParser,
  type QueryRelation,
  queryLimits,
} from '@corroport/contracts'
import { Type } from 'typebox'
import type { Db } from '../store/database.ts'
import { createReader, type Reader } from './reader.ts'
import { createReaderRole } from './reader-role.ts'

/** Partitions are read through their tables. */
const columnsSql = `SELECT relation.relname, field.attname,
    format_type(field.atttypid, field.atttypmod), coalesce(field.attnum = ANY (key.conkey), false)
  FROM pg_class relation
  JOIN pg_attribute field ON field.attrelid = relation.oid
  LEFT JOIN pg_constraint key ON key.conrelid = relation.oid AND key.contype = 'p'
  WHERE relation.relnamespace = current_schema()::regnamespace
    AND relation.relkind IN ('r', 'p', 'v', 'm') AND NOT relation.relispartition
    AND field.attnum > 0 AND NOT field.attisdropped
    AND has_table_privilege(relation.oid, 'SELECT')
  ORDER BY relation.relname, field.attnum`

const text = Type.String()
const parseColumns = createParser('columns', Type.Array(Type.Tuple([text, text, text, text])))

// Not with the statement: people write secrets into theirs.
const readSpan = {
  name: 'read for a person',
  kind: 'client',
  attributes: { 'db.system.name': 'postgresql' },
} as const

/** Reads the tables for people. One process at a time: each makes the password of the role anew. */
export function answerQueries(options: {
  bus: Bus
  db: Db
  databaseUrl: string
  readerUrl: string | undefined
}): AsyncDisposable {
  const { bus, ...database } = options
  const read = createReader(createReaderRole(database))
  const stack = new AsyncDisposableStack()
  stack.use(
    bus.respond(analyticsTablesQueried, {}, async ({ by: _by, ...request }) => ({
      table: await withSpan(readSpan, () => read({ ...request, maxBytes: queryLimits.bytes })),
    })),
  )
  stack.use(
    bus.respond(analyticsRelationsQueried, {}, async () => ({
      relations: await readRelations(read),
    })),
  )
  return stack
}

async function readRelations(read: Reader): Promise<QueryRelation[]> {
  const { rows } = await read({
    sql: columnsSql,
    params: [],
    maxRows: 10_000,
    maxBytes: queryLimits.bytes,
    timeoutMs: 2000,
  })
  const columns = parseColumns(rows).map(([relation, name, type, isKey]) => ({
    relation,
    column: { name, type, is_key: isKey === 'true' },
  }))
  return [...Map.groupBy(columns, ({ relation }) => relation)].map(([name, found]) => ({
    name,
    columns: found.map(({ column }) => column),
  }))
}
