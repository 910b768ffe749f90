import { setTimeout as wait } from 'node:timers/promises'
import { claimBucket, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

const ClaimRecord = Type.Object({
  instanceId: Type.String(),
  holder: Type.String(),
  refreshedAt: Type.String(),
})

/** A name that one instance at a time may use on NATS: a service of a node. */
export interface Claim {
  names: readonly string[]
  /** Equal for the same state folder, so that a process that was killed takes its claim back. */
  instanceId: string
  /** For the error of whoever comes second: host and process id. */
  holder: string
  /** Waits for a name that another holds; else it is refused for good. */
  waits?: boolean
}

// It lapses after `claimBucket.ttlMs`.
const refreshEveryMs = 2000
const retryEveryMs = 300

/** Calls `onHeld` once the names are held, then keeps them. Resolves with the reason of a refusal. */
export async function keepClaim(
  nats: NatsConnection,
  claim: Claim,
  options: { signal: AbortSignal; onHeld: () => void; onFailure: (err: unknown) => void },
): Promise<string | undefined> {
  const { signal, onHeld, onFailure } = options
  let isHeld = false
  while (!signal.aborted) {
    try {
      const refusal = await refresh(nats, claim)
      if (refusal && !claim.waits) return refusal.reason
      if (refusal) throw new Error(refusal.inUse)
      if (!isHeld) onHeld()
      isHeld = true
    } catch (err) {
      if (!isHeld) onFailure(err)
    }
    const restMs = isHeld ? refreshEveryMs : retryEveryMs
    await wait(restMs, undefined, { signal }).catch(() => undefined) // aborted: the loop ends
  }
  return undefined
}

interface Taken {
  /** The same as long as the same one holds it. */
  inUse: string
  reason: string
}

/** Takes the names or refreshes them. Returns why not, when another instance holds one. */
async function refresh(nats: NatsConnection, claim: Claim): Promise<Taken | undefined> {
  const kv = await new Kvm(nats).open(claimBucket.name)
  for (const name of claim.names) {
    const taken = await take(kv, name, claim)
    if (taken) return taken
  }
  return undefined
}

async function take(kv: KV, name: string, claim: Claim): Promise<Taken | undefined> {
  const { instanceId, holder } = claim
  const mine = JSON.stringify({ instanceId, holder, refreshedAt: toTimestamp(nowMicroseconds()) })
  const entry = await kv.get(name)
  // By revision: of two that start at once only one succeeds, the other sees it the next time.
  if (!entry || entry.operation !== 'PUT') {
    await kv.create(name, mine)
    return undefined
  }
  const other = Value.Parse(ClaimRecord, entry.json())
  if (other.instanceId !== instanceId) {
    const inUse = `${name} is in use by ${other.holder}`
    return { inUse, reason: `${inUse}, last seen ${other.refreshedAt}` }
  }
  await kv.update(name, mine, entry.revision)
  return undefined
}
