import type { Parse } from '@corroport/contracts'
import { JetStreamApiError, jetstream } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import type { TSchema } from 'typebox'
import type { Bus } from './bus.ts'

export interface Document<T> {
  value: T
  /** Names this state of the document; goes up with every write of the bucket. */
  revision: number
}

/**
 * What several processes write in turn: a write names the revision that it was made from, and is
 * refused when there is another one. All of it throws while NATS is away; a write that threw may
 * have been done.
 */
export interface Documents<T> extends AsyncDisposable {
  get(key: string): Promise<Document<T> | undefined>
  /** The new revision; undefined when there is such a document. */
  create(key: string, value: T): Promise<number | undefined>
  /** The new revision; undefined when somebody was faster. */
  update(key: string, value: T, revision: number): Promise<number | undefined>
  /** False when somebody was faster. */
  delete(key: string, revision: number): Promise<boolean>
}

const timeoutMs = 2000

/** Documents of one shape in a KV bucket, each checked on its way in and out. */
export function openDocuments<S extends TSchema>(
  bus: Bus,
  bucket: string,
  parse: Parse<S>,
): Documents<ReturnType<Parse<S>>> {
  let open: KV | undefined
  const worker = bus.onConnected(async ({ nats }, signal) => {
    // Bound and not looked up: reads go to the leader of the bucket, and never to a replica that
    // is behind it.
    const kv = await new Kvm(jetstream(nats, { timeout: timeoutMs })).open(bucket)
    if (signal.aborted) return
    open = kv
    signal.addEventListener('abort', () => {
      if (open === kv) open = undefined
    })
  })
  const kv = (): KV => {
    if (!open) throw new Error('nats is not connected')
    return open
  }

  return {
    async get(key) {
      const entry = await kv().get(key)
      if (!entry || entry.operation !== 'PUT') return undefined
      return { value: parse(entry.json()), revision: entry.revision }
    },
    async create(key, value) {
      return unlessFaster(kv().create(key, JSON.stringify(parse(value))))
    },
    async update(key, value, revision) {
      return unlessFaster(kv().update(key, JSON.stringify(parse(value)), revision))
    },
    async delete(key, revision) {
      const deleted = kv().delete(key, { previousSeq: revision })
      return (await unlessFaster(deleted.then(() => true))) ?? false
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  }
}

// The second is what a server of a cluster says when it cannot tell the last sequence.
const wrongLastSequence: readonly number[] = [10071, 10164]

/** Undefined where somebody else wrote between. */
export async function unlessFaster<T>(written: Promise<T>): Promise<T | undefined> {
  try {
    return await written
  } catch (error) {
    if (error instanceof JetStreamApiError && wrongLastSequence.includes(error.code)) {
      return undefined
    }
    throw error
  }
}
