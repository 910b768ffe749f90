import type { ByteReader, ByteWriter } from './bytes.ts'

/** One life of one agent: a restart makes a newer `ts`. */
export interface Identity {
  /** 32 hex digits. */
  actorId: string
  /** host:port at which the others reach it. */
  address: string
  /** NTP64 of its start, or of the moment when it had to begin anew. */
  ts: bigint
  clusterId: number
  memberId: number | null
}

export const memberStates = ['Alive', 'Suspect', 'Down'] as const
export type MemberState = (typeof memberStates)[number]

/** What one agent says about another, or about itself. */
export interface MemberRecord {
  identity: Identity
  /** Raised by the member itself, to contradict a suspicion. */
  incarnation: number
  state: MemberState
}

export function writeIdentity(writer: ByteWriter, identity: Identity): void {
  writer
    .raw(Buffer.from(identity.actorId, 'hex'))
    .text(identity.address)
    .u64(identity.ts)
    .count(identity.clusterId)
    .count(identity.memberId === null ? 0 : identity.memberId + 1)
}

export function readIdentity(reader: ByteReader): Identity {
  const actorId = reader.raw(16).toString('hex')
  const address = reader.text()
  const ts = reader.u64()
  const clusterId = reader.count()
  const memberId = reader.count()
  return { actorId, address, ts, clusterId, memberId: memberId === 0 ? null : memberId - 1 }
}

export function writeRecord(writer: ByteWriter, record: MemberRecord): void {
  writeIdentity(writer, record.identity)
  writer.count(record.incarnation).byte(memberStates.indexOf(record.state))
}

export function readRecord(reader: ByteReader): MemberRecord {
  const identity = readIdentity(reader)
  const incarnation = reader.count()
  const state = memberStates[reader.byte()]
  if (state === undefined) throw new RangeError('a member has an unknown state')
  return { identity, incarnation, state }
}
