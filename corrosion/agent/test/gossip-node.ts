import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { createTemporaryFolder } from '@corroport/testing'
import { createClock, type HybridClock } from '../src/clock.ts'
import { formatAddress } from '../src/gossip/address.ts'
import { type Gossip, type GossipOptions, startGossip } from '../src/gossip/gossip.ts'
import { type LinkSettings, unbent } from '../src/gossip/lab.ts'
import type { GossipTimings } from '../src/gossip/timings.ts'
import { createLog } from '../src/log.ts'
import { openStore } from '../src/store/open-store.ts'
import type { SqlRow, SqlValue } from '../src/store/sql-value.ts'
import type { Store } from '../src/store/store.ts'

const schema = `CREATE TABLE item (
  id INTEGER NOT NULL PRIMARY KEY, text TEXT NOT NULL DEFAULT '', bytes BLOB, real REAL, number INTEGER
);`

/** A cluster's life in a tenth of the time. */
export const fastTimings: Partial<GossipTimings> = {
  redialMs: 50,
  probeEveryMs: 400,
  probeAnswerMs: 200,
  suspicionMs: 800,
  membersEveryMs: 50,
  announceMinMs: 100,
  announceMaxMs: 400,
  announceToDownMs: 300,
  rememberEveryMs: 100,
  pushEveryMs: 50,
  pushAgainMs: 20,
  syncMinMs: 100,
  syncMaxMs: 300,
}

export type NodeOptions = Partial<Omit<GossipOptions, 'store' | 'clock' | 'lab'>> & {
  path?: string
  clusterId?: number
  everyLink?: Partial<LinkSettings>
}

export interface TestNode extends AsyncDisposable {
  gossip: Gossip
  store: Store
  clock: HybridClock
  address: string
  /** What the log said, one line each. */
  lines: string[]
  insert(
    id: number | bigint,
    values?: { text?: string; bytes?: Uint8Array; real?: number; number?: bigint },
  ): void
  select(sql: string): SqlRow[]
  ids(): number[]
  bend(link: string | null, settings: Partial<LinkSettings>): void
  /** Ends it without a word, as SIGKILL would. */
  stop(how?: 'leave'): Promise<void>
}

export async function startNode({
  path,
  clusterId,
  everyLink,
  ...options
}: NodeOptions = {}): Promise<TestNode> {
  const folder = path === undefined ? createTemporaryFolder() : undefined
  const clock = createClock()
  const store = openStore({
    path: path ?? join(folder!.path, 'corrosion.db'),
    now: () => clock.now(),
  })
  store.applySchema(schema)
  if (clusterId !== undefined) store.setClusterId(clusterId)
  const lines: string[] = []
  const log = createLog({
    format: 'plaintext',
    level: 'debug',
    write: (line) => void lines.push(line),
  })
  const gossip = await startGossip({
    store,
    clock,
    log,
    address: { host: '127.0.0.1', port: 0 },
    bootstrap: [],
    ...options,
    timings: { ...fastTimings, ...options.timings },
    lab: { ...unbent, everyLink: { ...unbent.everyLink, ...everyLink } },
  })
  const reader = new DatabaseSync(store.path, {
    readOnly: true,
    readBigInts: true,
    returnArrays: true,
  })
  let isStopped = false
  const node: TestNode = {
    gossip,
    store,
    clock,
    address: formatAddress(gossip.address),
    lines,
    insert(id, { text = `row ${id}`, bytes, real, number } = {}) {
      const params: SqlValue[] = [BigInt(id), text, bytes ?? null, real ?? null, number ?? null]
      store.transact([{ sql: 'INSERT INTO item VALUES (?, ?, ?, ?, ?)', params }])
    },
    select: (sql) => reader.prepare(sql).all() as unknown as SqlRow[],
    ids: () => node.select('SELECT id FROM item ORDER BY id').map(([id]) => Number(id)),
    bend: (link, settings) => gossip.setLab({ link, settings }),
    async stop(how) {
      if (isStopped) return
      isStopped = true
      // Cut off, its last word reaches nobody.
      if (how !== 'leave') gossip.setLab({ link: null, settings: { isCut: true } })
      await gossip.leave()
      reader.close()
      store[Symbol.dispose]()
    },
    async [Symbol.asyncDispose]() {
      await node.stop()
      folder?.[Symbol.dispose]()
    },
  }
  return node
}
