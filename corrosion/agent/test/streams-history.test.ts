import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createTemporaryFolder, seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { createClock } from '../src/clock.ts'
import { openStore } from '../src/store/open-store.ts'
import type { Changeset, Store } from '../src/store/store.ts'
import { moreTables, setUpStreams } from './streams-setup.ts'

const queries = [
  'SELECT a, b, v, w FROM pair',
  "SELECT v || ':' || b, w FROM pair AS p WHERE p.a % 2 = 0 AND v > 'c'",
  'SELECT g, a FROM pair WHERE w IS NOT NULL OR b = ?',
]
const rounds = 40

test.each([1, 2, 3])(
  'rows, events and a fresh query agree after each flush (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const pick = <T>(...choices: [T, ...T[]]): T =>
      choices[Math.floor(random() * choices.length)] ?? choices[0]
    using setup = setUpStreams({ flushMs: 5 })
    using folder = createTemporaryFolder()
    const clock = createClock()
    using other = openStore({ path: join(folder.path, 'other.db'), now: () => clock.now() })
    other.applySchema(moreTables)
    const fromHere = collect(setup.store)
    const fromThere = collect(other)

    const followed = []
    for (const sql of queries) {
      const params = sql.includes('?') ? ['k1'] : []
      const reader = setup.subscribe({ sql, params })
      followed.push({ reader, sql, params, state: replay(new Map(), await reader.snapshot()) })
    }

    for (let round = 0; round < rounds; round++) {
      for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
        const statements = Array.from({ length: 1 + Math.floor(random() * 4) }, () => write(pick))
        const writes = statements.map((sql) => ({ sql, params: [] }))
        pick(setup.store, setup.store, other).transact(writes)
      }
      if (random() < 0.5) setup.store.apply(fromThere.splice(0))
      if (random() < 0.3) other.apply(fromHere.splice(0))
      // One that every query selects anew: its event tells that the round is flushed.
      setup.transact(
        `INSERT OR REPLACE INTO pair(a, b, v, w) VALUES (1000, 'mark', 'mark${round}', ${round})`,
      )
      for (const { reader, sql, params, state } of followed) {
        for (let text = ''; !text.includes(`mark${round}`); ) {
          const lines = await reader.lines(1)
          text = lines.join('').toLowerCase()
          replayInto(state, lines)
        }
        const snapshot = setup.resume(reader.stream.id)
        const { rows, changeId } = replay(new Map(), await snapshot.snapshot())
        snapshot.leave()
        while (state.changeId < changeId) replayInto(state, await reader.lines(1))
        expect(state.rows).toEqual(rows)
        expect([...rows.values()].toSorted()).toEqual(fresh(setup.store, sql, params))
      }
    }
  },
)

interface State {
  rows: Map<number, string>
  changeId: number
}

function replay(rows: Map<number, string>, lines: readonly string[]): State {
  const state = { rows, changeId: 0 }
  replayInto(state, lines)
  return state
}

function replayInto(state: State, lines: readonly string[]): void {
  for (const line of lines) {
    const { row, change, eoq } = JSON.parse(line.replace(':T,', ':0,'))
    if (row) state.rows.set(row[0], JSON.stringify(row[1]))
    if (eoq) state.changeId = eoq.change_id
    if (!change) continue
    const [type, rowId, cells, id] = change
    expect(id).toBe(state.changeId + 1)
    expect(state.rows.has(rowId)).toBe(type !== 'insert')
    const text = JSON.stringify(cells)
    expect(type === 'delete' ? state.rows.get(rowId) : text).toBe(text)
    state.changeId = id
    if (type === 'delete') state.rows.delete(rowId)
    else state.rows.set(rowId, text)
  }
}

function fresh(store: Store, sql: string, params: readonly string[]): string[] {
  using db = new DatabaseSync(store.path, { readOnly: true })
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement
    .all(...params)
    .map((row) => JSON.stringify(row))
    .toSorted()
}

function collect(store: Store): Changeset[] {
  const changesets: Changeset[] = []
  store.onCommit(({ origin, changesets: its }) => {
    if (origin === 'local') changesets.push(...its)
  })
  return changesets
}

function write(pick: <T>(...choices: [T, ...T[]]) => T): string {
  const a = pick(1, 2, 3, 4)
  const b = pick('k1', 'k2', 'k3')
  const v = pick('a', 'b', 'd', 'e')
  const w = pick('NULL', '1', '2', "'t'")
  return pick(
    `INSERT OR REPLACE INTO pair(a, b, v, w) VALUES (${a}, '${b}', '${v}', ${w})`,
    `INSERT INTO pair(a, b, v) VALUES (${a}, '${b}', '${v}') ON CONFLICT DO UPDATE SET w = ${w}`,
    `UPDATE pair SET v = '${v}' WHERE a = ${a}`,
    `UPDATE pair SET w = ${w} WHERE b = '${b}' AND a < 100`,
    `DELETE FROM pair WHERE a = ${a} AND b = '${b}'`,
    `UPDATE OR REPLACE pair SET b = '${b}' WHERE a = ${a} AND v = '${v}'`,
  )
}
