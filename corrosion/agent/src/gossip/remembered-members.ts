import { type MemberRecord, memberStates, toUuid } from './member-record.ts'
import type { Member } from './membership.ts'

/** A row of `__corro_members`. */
export interface RememberedMember {
  /** 32 hex digits. */
  actorId: string
  address: string
  /** JSON; its `ts` is beyond 2^53. */
  focaState: string
  rttMin: number | null
  updatedAt: string
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
