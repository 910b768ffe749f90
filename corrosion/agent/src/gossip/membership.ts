import type { Identity, MemberRecord } from './member-record.ts'

export interface Member extends MemberRecord {
  /** Milliseconds, newest first. */
  rttsMs: number[]
  lastSyncTs: bigint | null
  /** When its state became what it is. */
  sinceMs: number
}

export interface Membership {
  /** This agent, as it tells the others. */
  self(): MemberRecord
  /** What another agent says; also about this one, which then contradicts. */
  merge(record: MemberRecord): void
  suspect(actorId: string): void
  get(actorId: string): Member | undefined
  /** All but this agent, those that are Down among them. */
  all(): Member[]
  /** Alive or Suspect: those to talk to. */
  present(): Member[]
  addRtt(actorId: string, rttMs: number): void
  /** Something was missing here and came from that agent. */
  synced(actorId: string): void
  /** Suspects that stayed silent become Down; those long Down are forgotten. */
  age(suspicionMs: number, forgetDownMs: number): void
  /** A new life of this agent: a newer ts, perhaps in another cluster. */
  renew(clusterId?: number): void
  /** This agent's last word. */
  leave(): MemberRecord
}

export interface MembershipOptions {
  identity: Identity
  timestamp: () => bigint
  nowMs: () => number
  /** Something that the others should hear of; `before` is undefined for a new member. */
  changed: (record: MemberRecord, before: MemberRecord | undefined) => void
}

const maxRtts = 20
const ringEndsMs = [6, 15, 50, 100, 200]

/** 0 to 5 by the mean round trip; null before the first sample. */
export function ringOf({ rttsMs }: Pick<Member, 'rttsMs'>): number | null {
  if (rttsMs.length === 0) return null
  const mean = Math.floor(rttsMs.reduce((sum, rtt) => sum + rtt, 0) / rttsMs.length)
  const ring = ringEndsMs.findIndex((end) => mean < end)
  return ring === -1 ? ringEndsMs.length : ring
}

/** SWIM's view of the cluster: which word about a member overrides which. Time is passed in. */
export function createMembership(options: MembershipOptions): Membership {
  const { timestamp, nowMs, changed } = options
  const members = new Map<string, Member>()
  let { identity } = options
  let incarnation = 0

  let hasLeft = false

  const self = (): MemberRecord => ({ identity, incarnation, state: hasLeft ? 'Down' : 'Alive' })

  function set(record: MemberRecord): void {
    const known = members.get(record.identity.actorId)
    const sinceMs =
      known?.state === record.state && known.identity.ts === record.identity.ts
        ? known.sinceMs
        : nowMs()
    members.set(record.identity.actorId, {
      ...record,
      rttsMs: known?.rttsMs ?? [],
      lastSyncTs: known?.lastSyncTs ?? null,
      sinceMs,
    })
    if (record.state === 'Alive') retireOthersAt(record.identity)
    changed(record, known)
  }

  /** A wiped agent comes back under another id at the same address: the older id is gone. */
  function retireOthersAt({ address, actorId, ts }: Identity): void {
    for (const other of members.values()) {
      const isOlder = other.identity.address === address && other.identity.ts < ts
      if (isOlder && other.identity.actorId !== actorId && other.state !== 'Down') {
        set({ identity: other.identity, incarnation: other.incarnation, state: 'Down' })
      }
    }
  }

  function contradict({ identity: said, incarnation: saidIncarnation, state }: MemberRecord): void {
    if (said.ts !== identity.ts || state === 'Alive' || hasLeft) return
    if (state === 'Suspect') {
      if (saidIncarnation < incarnation) return
      incarnation = saidIncarnation + 1
    } else {
      // Down is final for an identity: this agent goes on as a newer one.
      identity = { ...identity, ts: timestamp() }
      incarnation = 0
    }
    changed(self(), undefined)
  }

  function overrides(record: MemberRecord, known: Member | undefined): boolean {
    if (known === undefined) return record.state !== 'Down'
    if (record.identity.ts !== known.identity.ts) return record.identity.ts > known.identity.ts
    if (known.state === 'Down') return false
    if (record.state === 'Down') return true
    if (record.incarnation !== known.incarnation) return record.incarnation > known.incarnation
    return record.state === 'Suspect' && known.state === 'Alive'
  }

  return {
    self,
    merge({ identity: said, incarnation: saidIncarnation, state }) {
      if (said.clusterId !== identity.clusterId) return
      const record = { identity: said, incarnation: saidIncarnation, state }
      if (said.actorId === identity.actorId) contradict(record)
      else if (overrides(record, members.get(said.actorId))) set(record)
    },
    suspect(actorId) {
      const known = members.get(actorId)
      if (known?.state !== 'Alive') return
      set({ identity: known.identity, incarnation: known.incarnation, state: 'Suspect' })
    },
    get: (actorId) => members.get(actorId),
    all: () => [...members.values()],
    present: () => members.values().filter(isPresent).toArray(),
    addRtt(actorId, rttMs) {
      const known = members.get(actorId)
      if (known !== undefined) known.rttsMs = [Math.floor(rttMs), ...known.rttsMs].slice(0, maxRtts)
    },
    synced(actorId) {
      const known = members.get(actorId)
      if (known !== undefined) known.lastSyncTs = timestamp()
    },
    age(suspicionMs, forgetDownMs) {
      const count = members.values().filter(isPresent).toArray().length + 1
      const patienceMs = Math.max(1, Math.log10(count)) * suspicionMs
      for (const member of members.values()) {
        const silentMs = nowMs() - member.sinceMs
        if (member.state === 'Suspect' && silentMs >= patienceMs) {
          set({ identity: member.identity, incarnation: member.incarnation, state: 'Down' })
        } else if (member.state === 'Down' && silentMs >= forgetDownMs) {
          members.delete(member.identity.actorId)
        }
      }
    },
    renew(clusterId = identity.clusterId) {
      if (clusterId !== identity.clusterId) members.clear()
      identity = { ...identity, ts: timestamp(), clusterId }
      incarnation = 0
      changed(self(), undefined)
    },
    leave() {
      hasLeft = true
      return self()
    },
  }
}

function isPresent(member: Member): boolean {
  return member.state !== 'Down'
}
