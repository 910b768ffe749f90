import { loadTreeBytes } from './load-tree.ts'

/** So many backends fit; a power of two. */
export const mostBackends = 16_384

/** What all threads of a proxy know of its backends, by slot: a number that a backend keeps while it is used. */
export interface SharedBackends {
  readonly buffer: SharedArrayBuffer
  readonly lock: Int32Array
  /** Connections of this proxy, those that are being opened too. */
  readonly connections: Int32Array
  /** 0: unlimited. */
  readonly hardLimit: Int32Array
  readonly softLimit: Int32Array
  /** 0: takes none. */
  readonly weight: Int32Array
  /** Interned names of its app and region, and its country. */
  readonly app: Int32Array
  readonly region: Int32Array
  readonly country: Int32Array
  /** 1: its row says that it takes connections. */
  readonly isOffered: Int32Array
  /** What this proxy has found of it, a `Reach`. */
  readonly reach: Int32Array
  /** How often the slot was given to a backend: tells its new one from its old one. */
  readonly epoch: Int32Array
  /** In turn, since the last that was good. */
  readonly failures: Int32Array
  /** Milliseconds of the machine's steady clock. */
  readonly ejectedUntil: Float64Array
  /** Of the tree, by slot; -1: in none. */
  readonly placeOf: Int32Array
  readonly slotAt: Int32Array
  readonly heads: Int32Array
  readonly treeOffset: number
}

export const Reach = {
  open: 0,
  /** Failed here: takes nothing until its time is over. */
  ejected: 1,
  /** Its time is over: takes one connection, and what becomes of that decides. */
  trial: 2,
  trying: 3,
} as const

/** Places of `heads`: how many places of the tree are taken, and how often they were arranged. */
export const Head = { places: 0, arrangement: 1 } as const

const int32Fields = 13

export function createSharedBackends(): SharedArrayBuffer {
  const bytes =
    16 * Int32Array.BYTES_PER_ELEMENT +
    mostBackends * (int32Fields * Int32Array.BYTES_PER_ELEMENT + Float64Array.BYTES_PER_ELEMENT) +
    loadTreeBytes(mostBackends)
  return new SharedArrayBuffer(bytes)
}

export function openSharedBackends(buffer: SharedArrayBuffer): SharedBackends {
  let offset = 0
  const ints = (length: number): Int32Array => {
    const array = new Int32Array(buffer, offset, length)
    offset += array.byteLength
    return array
  }
  const lock = ints(1)
  const heads = ints(15)
  const ejectedUntil = new Float64Array(buffer, offset, mostBackends)
  offset += ejectedUntil.byteLength
  const treeOffset = offset
  offset += loadTreeBytes(mostBackends)
  return {
    buffer,
    lock,
    heads,
    ejectedUntil,
    treeOffset,
    connections: ints(mostBackends),
    hardLimit: ints(mostBackends),
    softLimit: ints(mostBackends),
    weight: ints(mostBackends),
    app: ints(mostBackends),
    region: ints(mostBackends),
    country: ints(mostBackends),
    isOffered: ints(mostBackends),
    reach: ints(mostBackends),
    epoch: ints(mostBackends),
    failures: ints(mostBackends),
    placeOf: ints(mostBackends),
    slotAt: ints(mostBackends),
  }
}
