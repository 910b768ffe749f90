import type { Log } from '../log.ts'
import type { RememberedMember, Store } from '../store/store.ts'
import { toUuid } from '../uuid.ts'
import { type Address, parseAddress } from './address.ts'
import { type MemberRecord, memberStates } from './member-record.ts'
import type { Member, Membership } from './membership.ts'

/** Who was in the cluster, for the next start of this agent. */
export interface Memory {
  addresses(): Address[]
  close(): void
}

export interface MemoryOptions {
  store: Pick<Store, 'rememberedMembers' | 'rememberMembers'>
  membership: Pick<Membership, 'all' | 'merge'>
  everyMs: number
  log: Log
}

/** Tells `membership` what is remembered, and from then on remembers what it says. */
export function startMemory({ store, membership, everyMs, log }: MemoryOptions): Memory {
  let remembered = new Map(store.rememberedMembers().map((row) => [row.actorId, row]))
  for (const row of remembered.values()) {
    const record = recordOf(row)
    if (record !== undefined) membership.merge(record)
  }
  const remember = () => {
    const rows = rememberRows(membership.all(), remembered, new Date())
    const isSame =
      rows.length === remembered.size && rows.every((row) => remembered.get(row.actorId) === row)
    if (isSame) return
    try {
      store.rememberMembers(rows)
      remembered = new Map(rows.map((row) => [row.actorId, row]))
    } catch (error) {
      // The disk is full, or the file is held: the next round tries again.
      log.warn('members cannot be remembered', { error })
    }
  }
  const timer = setInterval(remember, everyMs)
  return {
    addresses: () =>
      [...remembered.values()]
        .map(({ address }) => parseAddress(address))
        .filter((address) => address !== undefined),
    close() {
      clearInterval(timer)
      remember()
    },
  }
}

/** The rows as they should be now; those that did not change keep their time. */
export function rememberRows(
  members: readonly Member[],
  before: ReadonlyMap<string, RememberedMember>,
  now: Date,
): RememberedMember[] {
  const updatedAt = now.toISOString().replace('T', ' ').replace('Z', '000000+00:00')
  return members.map((member) => {
    const { actorId, address } = member.identity
    const focaState = toFocaState(member)
    const rttMin = member.rttsMs.length === 0 ? null : Math.min(...member.rttsMs)
    const old = before.get(actorId)
    const isSame = old?.address === address && old.focaState === focaState && old.rttMin === rttMin
    return isSame ? old : { actorId, address, focaState, rttMin, updatedAt }
  })
}

/** Undefined when the row is not one that `rememberRows` made. */
export function recordOf({
  actorId,
  address,
  focaState,
}: RememberedMember): MemberRecord | undefined {
  const found =
    /"ts":(?<ts>\d{1,20}),"cluster_id":(?<clusterId>\d+),"member_id":(?<memberId>\d+|null)\},"incarnation":(?<incarnation>\d+),"state":"(?<state>\w+)"/.exec(
      focaState,
    )?.groups
  const state = memberStates.find((name) => name === found?.state)
  if (found === undefined || state === undefined) return undefined
  const { ts = '', clusterId, memberId, incarnation } = found
  return {
    identity: {
      actorId,
      address,
      ts: BigInt(ts),
      clusterId: Number(clusterId),
      memberId: memberId === 'null' ? null : Number(memberId),
    },
    incarnation: Number(incarnation),
    state,
  }
}

function toFocaState({ identity, incarnation, state }: MemberRecord): string {
  const { actorId, address, ts, clusterId, memberId } = identity
  const id = `{"id":"${toUuid(actorId)}","addr":"${address}","ts":${ts},"cluster_id":${clusterId},"member_id":${memberId}}`
  return `{"id":${id},"incarnation":${incarnation},"state":"${state}"}`
}
