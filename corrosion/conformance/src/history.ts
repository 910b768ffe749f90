import { seededRandom } from '@corroport/testing'

/**
 * apart: each node writes alone, none having seen what the others wrote.
 * together: one node writes while all run.
 * halted: one node writes while another is stopped by SIGSTOP.
 */
export interface Episode {
  kind: 'apart' | 'together' | 'halted'
  /** Of `halted`. */
  haltedNode: number
  /** By node: its transactions, each a list of statements. */
  transactions: readonly (readonly (readonly string[])[])[]
}

const nodeCount = 3
const keysOfKind = 5
const episodeCount = 6
const transactionsPerNode = 12

/** The mortal rows. */
export const firstRows = Array.from(
  { length: keysOfKind },
  (_, index) => keysOfKind + index,
).flatMap((id) => [
  `INSERT INTO plain(id, a, b) VALUES (${id}, 'a', 'b')`,
  `INSERT INTO composite VALUES ('k', ${id}, 0.5, x'01', 'v')`,
  `INSERT INTO keys_only VALUES ('k', ${id})`,
])

const upsert = 'ON CONFLICT(id) DO UPDATE SET a = excluded.a'

/**
 * Writes to few keys, so that most of them meet. The same seed gives the same history.
 *
 * A sentinel that arrives later than a cell of the same life sets that cell's version back to 0 on
 * real agents, so that rows which were brought back and then updated, or brought back by two nodes,
 * can end differently from node to node. Hence three kinds of keys: shared ones, that nobody deletes;
 * mortal ones, that anybody deletes and nobody writes again; owned ones, that one node alone deletes
 * and brings back, and others alone update, having seen them alive.
 */
export function createHistory(seed: number): Episode[] {
  const random = seededRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = (of: readonly [() => string, ...(() => string)[]]): string =>
    (of[below(of.length)] ?? of[0])()

  const value = (): string =>
    pick([
      () => `'v${below(50)}'`,
      () => String(below(100) - 50),
      () => `${below(100) - 50}.5`,
      () => `x'${below(256).toString(16).padStart(2, '0')}'`,
      () => 'NULL',
    ])
  const shared = (): string => {
    const id = below(keysOfKind)
    return pick([
      () => `INSERT OR IGNORE INTO plain(id, a, b) VALUES (${id}, ${value()}, ${value()})`,
      () => `INSERT INTO plain(id, a) VALUES (${id}, ${value()}) ${upsert}`,
      () => `UPDATE plain SET a = ${value()} WHERE id = ${id}`,
      () => `UPDATE plain SET b = ${value()}, n = n + 1 WHERE id = ${id}`,
      () => `UPDATE plain SET n = ${below(1000)} WHERE id BETWEEN ${id} AND ${keysOfKind - 1}`,
      () => `INSERT OR IGNORE INTO composite VALUES ('k', ${id}, 0.5, x'01', ${value()})`,
      () => `UPDATE composite SET v = ${value()} WHERE i = ${id}`,
      () => `INSERT OR IGNORE INTO keys_only VALUES ('k', ${id})`,
    ])
  }
  const mortal = (): string => {
    const id = keysOfKind + below(keysOfKind)
    return pick([
      () => `UPDATE plain SET a = ${value()} WHERE id = ${id}`,
      () => `UPDATE composite SET v = ${value()} WHERE i = ${id}`,
      () => `DELETE FROM plain WHERE id = ${id}`,
      () => `DELETE FROM composite WHERE i = ${id}`,
      () => `DELETE FROM keys_only WHERE b = ${id}`,
    ])
  }
  const owned = (node: number): string => {
    const idOf = (owner: number) => 2 * keysOfKind + nodeCount * below(keysOfKind) + owner
    const own = idOf(node)
    return pick([
      () => `INSERT OR IGNORE INTO plain(id, a) VALUES (${own}, ${value()})`,
      () => `INSERT OR REPLACE INTO plain(id, b) VALUES (${own}, ${value()})`,
      () => `UPDATE OR REPLACE plain SET id = ${idOf(node)} WHERE id = ${own}`,
      () => `DELETE FROM plain WHERE id = ${own}`,
      () => `INSERT OR REPLACE INTO composite VALUES ('k', ${own}, 0.5, x'01', ${value()})`,
      () => `DELETE FROM composite WHERE i = ${own}`,
      () => `INSERT OR REPLACE INTO keys_only VALUES ('k', ${own})`,
      () => `DELETE FROM keys_only WHERE b = ${own}`,
      () => `UPDATE plain SET a = ${value()} WHERE id = ${idOf((node + 1) % nodeCount)}`,
      () => `UPDATE composite SET v = ${value()} WHERE i = ${idOf((node + 1) % nodeCount)}`,
    ])
  }
  const statement = (node: number): string => pick([shared, mortal, () => owned(node)])
  const transactions = (node: number) =>
    Array.from({ length: transactionsPerNode }, () =>
      Array.from({ length: 1 + below(3) }, () => statement(node)),
    )
  return Array.from({ length: episodeCount }, (_, index): Episode => {
    const kind = (['apart', 'together', 'apart', 'halted'] as const)[index % 4] ?? 'apart'
    const writer = below(nodeCount)
    return {
      kind,
      haltedNode: (writer + 1 + below(nodeCount - 1)) % nodeCount,
      transactions: Array.from({ length: nodeCount }, (_node, node) =>
        kind === 'apart' || node === writer ? transactions(node) : [],
      ),
    }
  })
}
