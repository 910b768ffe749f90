import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createTemporaryFolder, seededRandom, startRealAgent } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openStore } from '../src/store/open-store.ts'
import { packKey, unpackKey } from '../src/store/packed-key.ts'
import type { Changeset, Store } from '../src/store/store.ts'
import { CrSqlite } from './cr-sqlite.ts'
import {
  contentQueries,
  historySchema,
  pick,
  type Random,
  randomStatement,
} from './random-history.ts'

// A real agent unpacks the library with which it merges; here it is asked the same as our store.
let extension: string
let agent: Awaited<ReturnType<typeof startRealAgent>>

beforeAll(async () => {
  agent = await startRealAgent()
  const [unpacked] = readdirSync(agent.folder).filter((name) => name.startsWith('.tmp'))
  if (unpacked === undefined) throw new Error('the agent has unpacked nothing')
  extension = join(agent.folder, unpacked, 'crsqlite')
})

afterAll(async () => {
  await agent[Symbol.asyncDispose]()
})

/** One database of each kind, under the same actor id. */
class Site implements Disposable {
  readonly store: Store
  readonly real: CrSqlite
  readonly inbox: Changeset[] = []
  readonly #rows: DatabaseSync

  constructor(folder: string, now: () => bigint) {
    this.store = openStore({ path: join(folder, 'store.db'), now })
    this.store.applySchema(historySchema)
    this.real = new CrSqlite(join(folder, 'real.db'), {
      extension,
      actorId: this.store.actorId,
      schema: historySchema,
    })
    this.#rows = new DatabaseSync(this.store.path, { readOnly: true })
  }

  rows(sql: string): unknown[] {
    const statement = this.#rows.prepare(sql)
    statement.setReadBigInts(true)
    statement.setReturnArrays(true)
    return statement.all()
  }

  [Symbol.dispose](): void {
    this.#rows.close()
    this.store[Symbol.dispose]()
    this.real[Symbol.dispose]()
  }
}

test('any history ends as cr-sqlite ends it: rows, clocks and versions, in any order of delivery', () => {
  const seed = Number(process.env.CORROPORT_SEED ?? Date.now() % 1_000_000)
  const rounds = Number(process.env.CORROPORT_ROUNDS ?? 20)
  console.info(`seed of the random histories: CORROPORT_SEED=${seed}`)

  for (let round = 0; round < rounds; round++) {
    for (const { what, mine, real } of runHistory(seededRandom(seed + round))) {
      expect({ what, content: mine }).toEqual({ what, content: real })
    }
  }
})

/** After each step: what our store and cr-sqlite hold. */
function* runHistory(random: Random): Generator<{ what: string; mine: unknown; real: unknown }> {
  using folders = new DisposableStack()
  let ts = 7_710_626_758_632_279_096n
  const sites = [1, 2, 3].map(() => {
    const folder = folders.use(createTemporaryFolder())
    return folders.use(new Site(folder.path, () => ts))
  })
  for (let step = 0; step < 150; step++) {
    const site = pick(random, sites)
    if (random() < 0.6) {
      ts++
      const statements = Array.from({ length: pick(random, [1, 1, 1, 2, 3, 6]) }, () =>
        randomStatement(random),
      )
      const version = transactOf(site.store, statements)
      yield { what: statements.join('; '), mine: version, real: site.real.transact(statements, ts) }
      const written =
        version === null ? undefined : site.store.changeset(site.store.actorId, version)
      for (const other of sites) if (other !== site && written) other.inbox.push(written)
    } else if (site.inbox.length > 0) {
      const [changeset] = site.inbox.splice(Math.floor(random() * site.inbox.length), 1)
      if (!changeset) throw new Error('unreachable: nothing was taken')
      yield { what: 'failed', mine: site.store.apply([changeset]).failed, real: [] }
      site.real.apply(changeset)
    }
    for (const sql of contentQueries()) {
      yield { what: sql, mine: site.rows(sql), real: site.real.rows(sql) }
    }
  }
}

function transactOf(store: Store, statements: readonly string[]): number | null {
  return store.transact(statements.map((sql) => ({ sql, params: [] }))).version
}

test('a key is packed as cr-sqlite packs it, and unpacked again', () => {
  using folder = createTemporaryFolder()
  using site = new Site(folder.path, () => 1n)
  const integers = [0n, 1n, -1n, 127n, 255n, 256n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]
  const texts = ['', 'x', 'ü€😀', 'a'.repeat(300)]
  const blobs = [new Uint8Array(), Uint8Array.of(0, 255), new Uint8Array(70_000)]
  const values = [null, 0.5, -0.5, 1e300, integers, texts, blobs].flat()

  for (const value of values) {
    const packed = packKey([value, 'end'])
    expect(Buffer.from(packed).equals(site.real.pack(value, 'end'))).toBe(true)
    expect(unpackKey(packed)).toEqual([value, 'end'])
  }
})

test.each([[''], ['02'], ['0109'], ['010b05'], ['010b0178ff'], ['0107'], ['014901020304050607']])(
  'the key %s is refused',
  (hex) => {
    expect(() => unpackKey(Buffer.from(hex, 'hex'))).toThrow('a packed key')
  },
)
