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
}

/** How often a claim has to be refreshed; it lapses after `claimBucket.ttlMs`. */
export const refreshClaimMs = 2000

/** Takes the names or refreshes them. Returns why not, when another instance holds one. */
export async function refreshClaim(
  nats: NatsConnection,
  claim: Claim,
): Promise<string | undefined> {
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
