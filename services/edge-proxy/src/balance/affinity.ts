import { addressWords, hashOf } from './client-address.ts'
import { withLock } from './lock.ts'
import { intAt } from './typed-arrays.ts'

/** Which backend a client of an app was given: the same again, while it comes back in time. */
export interface Affinity {
  /** The slot that this client has; -1: none, or it is of an earlier epoch. Looking prolongs it. */
  find(app: number, client: Int32Array, nowSeconds: number): number
  /** As `find`, and nothing is prolonged. */
  peek(app: number, client: Int32Array, nowSeconds: number): number
  keep(app: number, client: Int32Array, slot: number, nowSeconds: number): void
  forget(app: number, client: Int32Array): void
  /** Those that are not over. Looks at all. */
  count(nowSeconds: number): number
}

// Of a set, the one that was not seen for longest makes room.
const waysOfSet = 8
// The words of the address, then these.
const field = { app: 4, slotAndOne: 5, epoch: 6, seenAt: 7 }
const fieldsOfEntry = 8
const ints = Int32Array.BYTES_PER_ELEMENT

export function createAffinity(entries: number): SharedArrayBuffer {
  return new SharedArrayBuffer((fieldsOfEntry + entries * fieldsOfEntry) * ints)
}

export interface AffinityOptions {
  /** Since the client was seen last. */
  ttlSeconds: number
  /** Of a slot: what was kept for an earlier one is over. */
  epochOf: (slot: number) => number
  /** Chosen at random at each start, so that nobody can aim at a set. */
  seed: number
}

/** A table of a fixed size in memory that threads share: of a power of two of entries. */
export function openAffinity(buffer: SharedArrayBuffer, options: AffinityOptions): Affinity {
  const { ttlSeconds, epochOf, seed } = options
  const lock = new Int32Array(buffer, 0, 1)
  const table = new Int32Array(buffer, fieldsOfEntry * ints)
  const sets = table.length / fieldsOfEntry / waysOfSet

  const isOver = (entry: number, now: number): boolean => {
    const slotAndOne = intAt(table, entry + field.slotAndOne)
    return (
      slotAndOne === 0 ||
      now - intAt(table, entry + field.seenAt) > ttlSeconds ||
      intAt(table, entry + field.epoch) !== epochOf(slotAndOne - 1)
    )
  }

  const setOf = (app: number, client: Int32Array): number =>
    (hashOf(client, seed + app) % sets) * waysOfSet * fieldsOfEntry

  const isOf = (entry: number, app: number, client: Int32Array): boolean => {
    if (intAt(table, entry + field.slotAndOne) === 0) return false
    for (let word = 0; word < addressWords; word += 1) {
      if (intAt(table, entry + word) !== intAt(client, word)) return false
    }
    return intAt(table, entry + field.app) === app
  }

  const entryOf = (app: number, client: Int32Array): number => {
    const first = setOf(app, client)
    for (let way = 0; way < waysOfSet; way += 1) {
      if (isOf(first + way * fieldsOfEntry, app, client)) return first + way * fieldsOfEntry
    }
    return -1
  }

  /** An entry that is over, or else the one that was seen least lately. */
  const roomFor = (app: number, client: Int32Array, now: number): number => {
    const first = setOf(app, client)
    let oldest = first
    for (let way = 0; way < waysOfSet; way += 1) {
      const entry = first + way * fieldsOfEntry
      if (isOver(entry, now)) return entry
      const isOlder = intAt(table, entry + field.seenAt) < intAt(table, oldest + field.seenAt)
      if (isOlder) oldest = entry
    }
    return oldest
  }

  return {
    find: (app, client, now) =>
      withLock(lock, () => {
        const entry = entryOf(app, client)
        if (entry < 0 || isOver(entry, now)) return -1
        table[entry + field.seenAt] = now
        return intAt(table, entry + field.slotAndOne) - 1
      }),

    peek: (app, client, now) =>
      withLock(lock, () => {
        const entry = entryOf(app, client)
        return entry < 0 || isOver(entry, now) ? -1 : intAt(table, entry + field.slotAndOne) - 1
      }),

    keep: (app, client, slot, now) =>
      withLock(lock, () => {
        const known = entryOf(app, client)
        const entry = known < 0 ? roomFor(app, client, now) : known
        table.set(client, entry)
        table[entry + field.app] = app
        table[entry + field.slotAndOne] = slot + 1
        table[entry + field.epoch] = epochOf(slot)
        table[entry + field.seenAt] = now
      }),

    forget: (app, client) =>
      withLock(lock, () => {
        const entry = entryOf(app, client)
        if (entry >= 0) table[entry + field.slotAndOne] = 0
      }),

    count: (now) =>
      withLock(lock, () => {
        let found = 0
        for (let entry = 0; entry < table.length; entry += fieldsOfEntry) {
          if (!isOver(entry, now)) found += 1
        }
        return found
      }),
  }
}
