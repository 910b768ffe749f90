import { type Bus, openDocuments } from '@corroport/bus'
import { createParser, NodeId, rolloutBucket } from '@corroport/contracts'
import type { Logger } from 'pino'
import { type Static, Type } from 'typebox'
import { repeat } from '../repeat.ts'

const Lease = Type.Object({
  holder: NodeId,
  epoch: Type.Integer({ minimum: 1 }),
  rolloutId: Type.String(),
  beat: Type.Integer(),
})
type Lease = Static<typeof Lease>

const key = 'lease'
const renewEveryMs = 1000
/** Nobody compares clocks: a lease is lost when it has not changed for so long on the watcher's. */
const lostAfterMs = 5000

export interface HeldLease extends AsyncDisposable {
  readonly epoch: number
  /** Aborted when another node has taken it. */
  readonly lost: AbortSignal
  /** Gives it back, so that nobody waits for it. */
  release(): Promise<void>
}

/** Who coordinates a rollout. Not what keeps two coordinators apart: that is the document. */
export interface LeaseWatch extends AsyncDisposable {
  /**
   * To be called again and again. Once the lease of this rollout has not changed for long: when it
   * was last seen to, by `performance.now()`.
   */
  lostSince(rolloutId: string): Promise<number | undefined>
  /** The next epoch in which it is held; undefined when somebody was faster. */
  take(rolloutId: string, atLeast: number): Promise<HeldLease | undefined>
}

export function watchLease(nodeId: string, bus: Bus, log: Logger): LeaseWatch {
  const documents = openDocuments(bus, rolloutBucket.name, createParser('lease', Lease))
  const held = new Set<HeldLease>()
  let seen: { name: string; since: number } | undefined

  // While NATS is away from this node nobody's renewals can be seen here.
  const connections = bus.onConnected(async () => {
    seen = undefined
  })

  const hold = (value: Lease, revision: number): HeldLease => {
    const losing = new AbortController()
    let current = { value, revision }
    const renew = async (): Promise<void> => {
      if (!bus.isConnected || losing.signal.aborted) return
      const next = { ...current.value, beat: current.value.beat + 1 }
      const renewed = await documents.update(key, next, current.revision)
      if (renewed !== undefined) {
        current = { value: next, revision: renewed }
        return
      }
      const found = await documents.get(key)
      if (!found) {
        // The store was lost.
        const created = await documents.create(key, next)
        if (created !== undefined) current = { value: next, revision: created }
      } else if (found.value.epoch === value.epoch && found.value.holder === nodeId) {
        current = found // an earlier write of ours, whose answer was lost
      } else if (found.value.epoch >= value.epoch) {
        losing.abort()
      } else {
        await documents.update(key, next, found.revision)
      }
    }
    const renewing = repeat(renewEveryMs, log, renew)
    const lease: HeldLease = {
      epoch: value.epoch,
      lost: losing.signal,
      async release() {
        await lease[Symbol.asyncDispose]()
        try {
          await documents.delete(key, current.revision)
        } catch (err) {
          log.debug({ err }, 'lease was not given back, it will be lost by itself')
        }
      },
      async [Symbol.asyncDispose]() {
        held.delete(lease)
        await renewing[Symbol.asyncDispose]()
      },
    }
    held.add(lease)
    return lease
  }

  return {
    async lostSince(rolloutId) {
      const found = await documents.get(key)
      const name = `${rolloutId} ${found?.revision}`
      if (seen?.name !== name) seen = { name, since: performance.now() }
      // A node runs once, so an earlier process of its own is gone.
      const isOwn = found?.value.holder === nodeId && found.value.rolloutId === rolloutId
      const { since } = seen
      return isOwn || performance.now() - since >= lostAfterMs ? since : undefined
    },
    async take(rolloutId, atLeast) {
      const found = await documents.get(key)
      const epoch = Math.max(atLeast, (found?.value.epoch ?? 0) + 1)
      const value = { holder: nodeId, epoch, rolloutId, beat: 0 }
      const revision = found
        ? await documents.update(key, value, found.revision)
        : await documents.create(key, value)
      return revision === undefined ? undefined : hold(value, revision)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...held].map((lease) => lease[Symbol.asyncDispose]()))
      await connections[Symbol.asyncDispose]()
      await documents[Symbol.asyncDispose]()
    },
  }
}
