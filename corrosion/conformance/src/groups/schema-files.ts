import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Case, Group, World } from '../conformance-case.ts'

const logTimeoutMs = 3_000
const pollMs = 15

const id = 'id INTEGER NOT NULL PRIMARY KEY'
const nullableKey =
  'Table bad has no primary key or primary key is nullable. CRRs must have a non nullable primary key'

/** A file is put beside the others and the agent is started again; what its log and tables say. */
export function schemaFilesGroup(): Group {
  return {
    name: 'schema-files',
    nodeCount: 1,
    cases: [
      accepted('a table', `CREATE TABLE one (${id}, a TEXT)`, 'one', ['id', 'a']),
      accepted('IF NOT EXISTS', `CREATE TABLE IF NOT EXISTS two (${id}, [b c] TEXT)`, 'two', [
        'id',
        'b c',
      ]),
      accepted(
        'WITHOUT ROWID',
        'CREATE TABLE three (a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID',
        'three',
        ['a', 'b'],
      ),
      accepted(
        'CHECK and a default expression',
        `CREATE TABLE four (${id}, a INTEGER NOT NULL DEFAULT (1 + 1) CHECK (a > 0))`,
        'four',
        ['id', 'a'],
      ),
      accepted('a column is added', `CREATE TABLE one (${id}, a TEXT, b TEXT)`, 'one', [
        'id',
        'a',
        'b',
      ]),
      accepted(
        'a NOT NULL column with a default is added',
        `CREATE TABLE one (${id}, a TEXT, b TEXT, c TEXT NOT NULL DEFAULT 'c')`,
        'one',
        ['id', 'a', 'b', 'c'],
      ),
      accepted('a table that the files no longer name', '-- nothing', 'one', ['id', 'a', 'b', 'c']),
      accepted(
        'an index',
        `CREATE TABLE five (${id}, a TEXT); CREATE INDEX five_a ON five (a)`,
        'five',
        ['id', 'a'],
      ),
      refused(
        'a unique index',
        `CREATE TABLE bad (${id}, a TEXT); CREATE UNIQUE INDEX bad_a ON bad (a)`,
        'unique indexes are not supported: bad_a',
      ),
      refused(
        'a unique column',
        `CREATE TABLE bad (${id}, a TEXT UNIQUE)`,
        'Table bad has unique indices besidesthe primary key. This is not allowed for CRRs',
      ),
      refused(
        'NOT NULL without a default',
        `CREATE TABLE bad (${id}, a TEXT NOT NULL)`,
        "not nullable column 'a' on table 'bad' needs a default value for forward schema compatibility",
      ),
      // The name keeps its quotes where the key is looked for.
      refused(
        'a quoted key column',
        'CREATE TABLE bad ("id" TEXT NOT NULL PRIMARY KEY)',
        "not nullable column 'id' on table 'bad' needs a default value for forward schema compatibility",
      ),
      refused('a key that may be null', 'CREATE TABLE bad (id TEXT PRIMARY KEY)', nullableKey),
      refused(
        'an integer key that may be null',
        'CREATE TABLE bad (id INTEGER PRIMARY KEY)',
        nullableKey,
      ),
      refused('no key', 'CREATE TABLE bad (a TEXT)', nullableKey),
      refused(
        'AUTOINCREMENT',
        'CREATE TABLE bad (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT)',
        'bad has auto-increment primary keys.',
      ),
      refused(
        'a foreign key',
        `CREATE TABLE bad (${id}, a TEXT REFERENCES plain(id))`,
        "foreign keys are not supported (table: 'bad', column: 'a')",
      ),
      refused(
        'a temporary table',
        `CREATE TEMP TABLE bad (${id})`,
        'temporary tables are not supported: CREATE TEMP TABLE bad',
      ),
      refused(
        'a table from a query',
        'CREATE TABLE bad AS SELECT 1',
        'temporary tables are not supported: CREATE TABLE bad AS SELECT 1;',
      ),
      refused(
        'an index of an unknown table',
        'CREATE INDEX bad_a ON nope (a)',
        "missing table for index (table: 'nope', index: 'bad_a')",
      ),
      refused(
        'an insert',
        `CREATE TABLE bad (${id}); INSERT INTO bad VALUES (1)`,
        'unsupported command: INSERT INTO bad VALUES (1);',
      ),
      refused(
        'a view',
        'CREATE VIEW bad AS SELECT 1',
        'unsupported command: CREATE VIEW bad AS SELECT 1;',
      ),
      refused('an unfinished statement', 'CREATE TABLE bad (', 'syntax error at line: '),
      refused(
        'a column is removed',
        `CREATE TABLE one (${id}, a TEXT, b TEXT)`,
        "won't remove column without the destructive flag set (table: 'one', column: 'c')",
      ),
      refused(
        'a column changes its type',
        `CREATE TABLE five (${id}, a INTEGER)`,
        "won't change column without the destructive flag set (table: 'five', column: 'a')",
      ),
      refused(
        'a column is added to the key',
        'CREATE TABLE five (id INTEGER NOT NULL, a TEXT NOT NULL, PRIMARY KEY (id, a))',
        // Followed by both columns, in no order.
        "won't change column without the destructive flag set (table: 'five', column: '",
      ),
    ],
  }
}

function accepted(name: string, sql: string, table: string, columns: string[]): Case {
  return {
    name: `schema: ${name}`,
    expected: columns.map((column) => `["${column}"]`),
    async run({ node }) {
      await apply(node, sql)
      return eventually(
        () => node.rows('SELECT name FROM pragma_table_info(?)', [table]),
        (rows) => rows.length === columns.length,
      )
    },
  }
}

/** The whole of the files is refused: no table of them is made. */
function refused(name: string, sql: string, message: string): Case {
  return {
    name: `schema: ${name}`,
    expected: [message],
    async run({ node }) {
      const tables = async () => (await node.rows('SELECT name FROM sqlite_schema')).toSorted()
      const before = { log: (await node.log()).length, tables: await tables() }
      await apply(node, `${sql};\nCREATE TABLE made (${id})`)
      const log = await eventually(
        async () => (await node.log()).slice(before.log),
        (text) => text.includes(message),
      )
      const said = log.includes(message) ? [message] : log.split('\n').filter(isError)
      const made = (await tables()).filter((table) => !before.tables.includes(table))
      return [...said, ...made.map((table) => `made: ${table}`)]
    },
  }
}

const isError = (line: string) => /error/i.test(line)

async function apply(node: World['node'], sql: string): Promise<void> {
  await node.kill('SIGKILL')
  await writeFile(join(node.schemaFolder, 'case.sql'), sql)
  await node.start()
}

/** An agent may answer before it has applied its files, so a look is not enough. */
async function eventually<T>(look: () => Promise<T>, isDone: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + logTimeoutMs
  for (;;) {
    const value = await look()
    if (isDone(value) || performance.now() > deadline) return value
    await wait(pollMs)
  }
}
