import { setTimeout as wait } from 'node:timers/promises'
import { claimBucket, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from 'pino'
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
}

// It lapses after `claimBucket.ttlMs`.
const refreshEveryMs = 2000
const retryEveryMs = 300

/** Calls `onHeld` once the names are held, then keeps them. Resolves with the reason of a refusal. */
export async function keepClaim(
  nats: NatsConnection,
  claim: Claim,
  { log, signal, onHeld }: { log: Logger; signal: AbortSignal; onHeld: () => void },
): Promise<string | undefined> {
  let isHeld = false
  while (!signal.aborted) {
    try {
      const refusal = await refresh(nats, claim)
      if (refusal) return refusal
      if (!isHeld) onHeld()
      isHeld = true
    } catch (err) {
      if (!isHeld && !signal.aborted) log.warn({ err, names: claim.names }, 'name not claimed yet')
    }
    const restMs = isHeld ? refreshEveryMs : retryEveryMs
    await wait(restMs, undefined, { signal }).catch(() => undefined) // aborted: the loop ends
  }
  return undefined
}

/** Takes the names or refreshes them. Returns why not, when another instance holds one. */
async function refresh(nats: NatsConnection, claim: Claim): Promise<string | undefined> {
  const kv = await new Kvm(nats).open(claimBucket.name)
  for (const name of claim.names) {
    const taken = await take(kv, name, claim)
    if (taken) return taken
  }
  return undefined
}

async function take(kv: KV, name: string, claim: Claim): Promise<string | undefined> {
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
    return `${name} is in use by ${other.holder}, last seen ${other.refreshedAt}`
  }
  await kv.update(name, mine, entry.revision)
  return undefined
}
