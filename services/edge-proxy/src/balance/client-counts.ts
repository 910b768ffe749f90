import { addressWords, hashOf } from './client-address.ts'
import { withLock } from './lock.ts'
import { intAt } from './typed-arrays.ts'

/** Open connections of all threads, in all and by client address, each with its limit. */
export interface ClientCounts {
  readonly total: number
  /** Counts one more, before it is known whose it is, unless there are too many. */
  admit(): boolean
  /** Once for each that was admitted, after it has left. */
  dismiss(): void
  /** Of those that were admitted: counts one more of this client, unless it has too many. */
  enter(client: Int32Array): boolean
  /** Once for each that entered. */
  leave(client: Int32Array): void
}

const countField = 4
const fieldsOfEntry = 5
const headFields = 2
const ints = Int32Array.BYTES_PER_ELEMENT

/** Has room for twice as many clients as there may be connections. */
export function createClientCounts(mostConnections: number): SharedArrayBuffer {
  const entries = 2 ** Math.ceil(Math.log2(mostConnections * 2))
  return new SharedArrayBuffer((headFields + entries * fieldsOfEntry) * ints)
}

export interface ClientLimits {
  mostConnections: number
  /** 0: no limit. */
  mostOfClient: number
  /** Chosen at random at each start, so that nobody can fill one part of the table. */
  seed: number
}

/**
 * A hash table in memory that threads share, with linear probing. What leaves is closed up behind, so
 * that a search ends at the first empty entry.
 */
export function openClientCounts(buffer: SharedArrayBuffer, limits: ClientLimits): ClientCounts {
  const { mostConnections, mostOfClient, seed } = limits
  const lock = new Int32Array(buffer, 0, 1)
  const total = new Int32Array(buffer, ints, 1)
  const table = new Int32Array(buffer, headFields * ints)
  const entries = table.length / fieldsOfEntry
  const mask = entries - 1
  const moving = new Int32Array(addressWords)

  const isEmpty = (entry: number): boolean => intAt(table, entry * fieldsOfEntry + countField) === 0

  const isOf = (entry: number, client: Int32Array): boolean => {
    for (let word = 0; word < addressWords; word += 1) {
      if (intAt(table, entry * fieldsOfEntry + word) !== intAt(client, word)) return false
    }
    return true
  }

  const homeOf = (client: Int32Array): number => hashOf(client, seed) & mask

  /** The entry of the client, or the empty one where it would be. */
  const entryOf = (client: Int32Array): number => {
    let entry = homeOf(client)
    while (!isEmpty(entry) && !isOf(entry, client)) entry = (entry + 1) & mask
    return entry
  }

  const closeUp = (emptied: number): void => {
    let hole = emptied
    for (let entry = (hole + 1) & mask; !isEmpty(entry); entry = (entry + 1) & mask) {
      const from = entry * fieldsOfEntry
      for (let word = 0; word < addressWords; word += 1) moving[word] = intAt(table, from + word)
      const fromHome = (entry - homeOf(moving)) & mask
      const fromHole = (entry - hole) & mask
      if (fromHome < fromHole) continue
      table.copyWithin(hole * fieldsOfEntry, from, from + fieldsOfEntry)
      table[from + countField] = 0
      hole = entry
    }
  }

  return {
    get total() {
      return Atomics.load(total, 0)
    },

    admit() {
      if (Atomics.add(total, 0, 1) < mostConnections) return true
      Atomics.sub(total, 0, 1)
      return false
    },

    dismiss: () => void Atomics.sub(total, 0, 1),

    enter: (client) =>
      withLock(lock, () => {
        const at = entryOf(client) * fieldsOfEntry
        const count = intAt(table, at + countField)
        if (mostOfClient > 0 && count >= mostOfClient) return false
        if (count === 0) table.set(client, at)
        table[at + countField] = count + 1
        return true
      }),

    leave: (client) =>
      withLock(lock, () => {
        const entry = entryOf(client)
        const at = entry * fieldsOfEntry + countField
        table[at] = intAt(table, at) - 1
        if (intAt(table, at) === 0) closeUp(entry)
      }),
  }
}
