import type { Store, VersionRange } from '../store/store.ts'
import { toUuid } from '../uuid.ts'
import type { Assembly } from './assembly.ts'
import type { MemberRecord, MemberState } from './member-record.ts'
import { type Member, ringOf } from './membership.ts'
import { subtract } from './ranges.ts'

/** As the admin socket shows it. `ts` and `last_sync_ts` are NTP64. */
export interface ShownMember {
  id: string
  rtts: readonly number[] | null
  state: {
    addr: string
    cluster_id: number
    last_sync_ts: bigint | null
    member_id: number | null
    ring: number | null
    ts: bigint
  }
}

export interface MembershipState {
  id: { addr: string; cluster_id: number; id: string; member_id: number | null; ts: bigint }
  incarnation: number
  state: MemberState
}

export interface SyncState {
  actor_id: string
  heads: Record<string, number>
  last_cleared_ts: null
  need: Record<string, readonly VersionRange[]>
  partial_need: Record<string, Record<string, readonly VersionRange[]>>
}

export function showMember(member: Member): ShownMember {
  const { actorId, address, clusterId, memberId, ts } = member.identity
  return {
    id: toUuid(actorId),
    rtts: member.rttsMs.length === 0 ? null : member.rttsMs,
    state: {
      addr: address,
      cluster_id: clusterId,
      last_sync_ts: member.lastSyncTs,
      member_id: memberId,
      ring: ringOf(member),
      ts,
    },
  }
}

export function showState({ identity, incarnation, state }: MemberRecord): MembershipState {
  const { actorId, address, clusterId, memberId, ts } = identity
  return {
    id: { addr: address, cluster_id: clusterId, id: toUuid(actorId), member_id: memberId, ts },
    incarnation,
    state,
  }
}

/** Versions of which some parts are here are told apart from those that are missing whole. */
export function showSync(store: Store, assembly: Assembly): SyncState {
  const partial = assembly.missing()
  const need: SyncState['need'] = {}
  for (const [actorId, gaps] of store.gaps()) {
    const begun = [...(partial.get(actorId)?.keys() ?? [])].toSorted((a, b) => a - b)
    const ranges = begun.map((version) => ({ start: version, end: version }))
    const missing = subtract(gaps, ranges)
    if (missing.length > 0) need[toUuid(actorId)] = missing
  }
  return {
    actor_id: toUuid(store.actorId),
    heads: Object.fromEntries([...store.heads()].map(([id, head]) => [toUuid(id), head])),
    last_cleared_ts: null,
    need,
    partial_need: Object.fromEntries(
      [...partial].map(([id, versions]) => [toUuid(id), Object.fromEntries(versions)]),
    ),
  }
}
