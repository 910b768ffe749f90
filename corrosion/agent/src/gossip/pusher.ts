import type { Changeset } from '../store/change.ts'
import { createBreather } from './breather.ts'
import { encodeParts } from './changeset-part.ts'
import { type Membership, ringOf } from './membership.ts'
import { encodeMessage } from './message.ts'
import { pick } from './swim.ts'
import type { GossipTimings } from './timings.ts'

export interface PusherOptions {
  membership: Membership
  timings: GossipTimings
  actorId: string
  /** Too much waits: the oldest was dropped. */
  overflowed: () => void
  /** May be lost. */
  push: (actorId: string, payload: Uint8Array) => void
}

/** Tells the others what is new: near ones at once, the rest in batches, each to a few. */
export interface Pusher {
  /** `sender` is undefined for what was written here. */
  add(changesets: readonly Changeset[], sender?: (changeset: Changeset) => string): void
  close(): void
}

interface Item {
  part: Uint8Array
  /** They have it: they made it, sent it, or were sent it. */
  knowing: Set<string>
  timesSent: number
  dueAtMs: number
}

const batchBytes = 64 * 1024
const maxPendingBytes = 16 * 1024 * 1024
const fanout = 3

export function startPusher({
  membership,
  timings,
  actorId,
  overflowed,
  push,
}: PusherOptions): Pusher {
  const encoding: { changeset: Changeset; sender: string | undefined }[] = []
  let pending: Item[] = []
  let freshBytes = 0
  let near = noneNear()
  let running: Promise<void> | undefined

  async function encode(): Promise<void> {
    const breathe = createBreather()
    for (let next = encoding.shift(); next !== undefined; next = encoding.shift()) {
      for (const part of encodeParts(next.changeset)) {
        const isLocal = next.sender === undefined
        const knowing = new Set([next.changeset.actorId, next.sender ?? actorId])
        if (isLocal) for (const nearId of putNear(part)) knowing.add(nearId)
        pending.push({ part, knowing, timesSent: 0, dueAtMs: 0 })
        freshBytes += part.length
        if (near.bytes >= batchBytes) pushNear()
        if (freshBytes >= batchBytes) pushFar()
        await breathe()
      }
    }
    pushNear()
    running = undefined
  }

  /** Gives those that hear of it at once. */
  function putNear(part: Uint8Array): readonly string[] {
    if (near.parts.length === 0) {
      const ids = membership.present().filter((member) => ringOf(member) === 0)
      near = { parts: [], bytes: 0, ids: ids.map(({ identity }) => identity.actorId) }
    }
    near.parts.push(part)
    near.bytes += part.length
    return near.ids
  }

  function pushNear(): void {
    const { parts, ids } = near
    near = noneNear()
    if (parts.length === 0 || ids.length === 0) return
    const payload = encodeMessage({ type: 'push', parts })
    for (const id of ids) push(id, payload)
  }

  function newest(): readonly Item[] {
    let bytes = pending.reduce((sum, { part }) => sum + part.length, 0)
    return pending.filter(({ part }) => {
      const isOld = bytes > maxPendingBytes
      bytes -= isOld ? part.length : 0
      if (isOld) overflowed()
      return !isOld
    })
  }

  function pushFar(): void {
    const nowMs = performance.now()
    const present = membership.present()
    // So many rounds reach everyone, with the others passing it on as well.
    const rounds = Math.max(2, Math.floor(4 * Math.log10(present.length + 2)))
    const batches = new Map<string, Uint8Array[]>()
    const later: Item[] = []
    for (const item of newest()) {
      if (item.dueAtMs > nowMs) {
        later.push(item)
        continue
      }
      const unaware = present.filter(({ identity }) => !item.knowing.has(identity.actorId))
      for (const { identity } of pick(unaware, fanout)) {
        item.knowing.add(identity.actorId)
        const batch = batches.get(identity.actorId) ?? []
        batch.push(item.part)
        batches.set(identity.actorId, batch)
      }
      item.timesSent++
      item.dueAtMs = nowMs + timings.pushAgainMs * item.timesSent
      if (item.timesSent < rounds && unaware.length > fanout) later.push(item)
    }
    pending = later
    freshBytes = 0
    for (const [to, parts] of batches) {
      for (const some of cut(parts)) push(to, encodeMessage({ type: 'push', parts: some }))
    }
  }

  const clock = setInterval(pushFar, timings.pushEveryMs)

  return {
    add(changesets, sender) {
      if (membership.present().length === 0) return
      for (const changeset of changesets) encoding.push({ changeset, sender: sender?.(changeset) })
      // Not within the transaction's own turn: its answer goes out first.
      running ??= new Promise<void>((resolve) => setImmediate(resolve)).then(encode)
    },
    close() {
      clearInterval(clock)
    },
  }
}

function noneNear(): { parts: Uint8Array[]; bytes: number; ids: readonly string[] } {
  return { parts: [], bytes: 0, ids: [] }
}

function* cut(parts: readonly Uint8Array[]): Generator<Uint8Array[]> {
  let some: Uint8Array[] = []
  let bytes = 0
  for (const part of parts) {
    some.push(part)
    bytes += part.length
    if (bytes < batchBytes) continue
    yield some
    some = []
    bytes = 0
  }
  if (some.length > 0) yield some
}
