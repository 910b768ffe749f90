import { ByteReader, ByteWriter } from './bytes.ts'
import { type MemberRecord, readRecord, writeRecord } from './member-record.ts'
import type { Ranges } from './ranges.ts'

export type RangesByActor = ReadonlyMap<string, Ranges>

/** What a node has: heads, and what it misses below them. */
export interface Holdings {
  heads: ReadonlyMap<string, number>
  gaps: RangesByActor
}

export type Message =
  /** A new or returning agent asks for the members. */
  | { type: 'announce'; about: readonly MemberRecord[] }
  | { type: 'members'; about: readonly MemberRecord[] }
  | { type: 'ping'; probe: number; about: readonly MemberRecord[] }
  /** `isRelayed`: another agent asked in our name, so it tells nothing about the round trip. */
  | { type: 'ack'; probe: number; isRelayed: boolean; about: readonly MemberRecord[] }
  | { type: 'ping-request'; probe: number; targetId: string; about: readonly MemberRecord[] }
  | { type: 'push'; parts: readonly Uint8Array[] }
  | ({ type: 'sync-open'; session: number; clock: bigint } & Holdings)
  | ({ type: 'sync-state'; session: number; clock: bigint } & Holdings)
  | { type: 'sync-refused'; session: number }
  | { type: 'sync-want'; session: number; wanted: RangesByActor }
  | { type: 'sync-changes'; session: number; parts: readonly Uint8Array[] }
  /** All that was wanted and is held here has been sent. */
  | { type: 'sync-done'; session: number }
  | { type: 'sync-close'; session: number }

export type MessageOf<T extends Message['type']> = Extract<Message, { type: T }>

// Its place in this list is a message's first byte.
const types = [
  'announce',
  'members',
  'ping',
  'ack',
  'ping-request',
  'push',
  'sync-open',
  'sync-state',
  'sync-refused',
  'sync-want',
  'sync-changes',
  'sync-done',
  'sync-close',
] as const satisfies readonly Message['type'][]

export function encodeMessage(message: Message): Buffer {
  const writer = new ByteWriter().byte(types.indexOf(message.type))
  switch (message.type) {
    case 'announce':
    case 'members':
      writeRecords(writer, message.about)
      break
    case 'ping':
      writeRecords(writer.count(message.probe), message.about)
      break
    case 'ack':
      writeRecords(writer.count(message.probe).byte(message.isRelayed ? 1 : 0), message.about)
      break
    case 'ping-request':
      writeActor(writer.count(message.probe), message.targetId)
      writeRecords(writer, message.about)
      break
    case 'push':
      writeParts(writer, message.parts)
      break
    case 'sync-open':
    case 'sync-state':
      writer.count(message.session).u64(message.clock).count(message.heads.size)
      for (const [actorId, head] of message.heads) writeActor(writer, actorId).count(head)
      writeRanges(writer, message.gaps)
      break
    case 'sync-want':
      writeRanges(writer.count(message.session), message.wanted)
      break
    case 'sync-changes':
      writeParts(writer.count(message.session), message.parts)
      break
    case 'sync-refused':
    case 'sync-done':
    case 'sync-close':
      writer.count(message.session)
      break
    default:
      throw new Error(`unreachable: ${String(message satisfies never)}`)
  }
  return writer.finish()
}

/** Throws RangeError on anything that `encodeMessage` does not make. Parts are views of `bytes`. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes)
  const message = readMessage(reader)
  reader.end()
  return message
}

function readMessage(reader: ByteReader): Message {
  const type = types[reader.byte()]
  switch (type) {
    case 'announce':
    case 'members':
      return { type, about: readRecords(reader) }
    case 'ping':
      return { type, probe: reader.count(), about: readRecords(reader) }
    case 'ack':
      return {
        type,
        probe: reader.count(),
        isRelayed: reader.byte() === 1,
        about: readRecords(reader),
      }
    case 'ping-request':
      return {
        type,
        probe: reader.count(),
        targetId: readActor(reader),
        about: readRecords(reader),
      }
    case 'push':
      return { type, parts: reader.list(() => reader.bytes()) }
    case 'sync-open':
    case 'sync-state':
      return {
        type,
        session: reader.count(),
        clock: reader.u64(),
        heads: new Map(reader.list(() => [readActor(reader), reader.count()])),
        gaps: readRanges(reader),
      }
    case 'sync-want':
      return { type, session: reader.count(), wanted: readRanges(reader) }
    case 'sync-changes':
      return { type, session: reader.count(), parts: reader.list(() => reader.bytes()) }
    case 'sync-refused':
    case 'sync-done':
    case 'sync-close':
      return { type, session: reader.count() }
    case undefined:
      throw new RangeError('a message has an unknown type')
    default:
      throw new Error(`unreachable: ${String(type satisfies never)}`)
  }
}

function writeRecords(writer: ByteWriter, records: readonly MemberRecord[]): void {
  writer.count(records.length)
  for (const record of records) writeRecord(writer, record)
}

function readRecords(reader: ByteReader): MemberRecord[] {
  return reader.list(() => readRecord(reader))
}

function writeActor(writer: ByteWriter, actorId: string): ByteWriter {
  return writer.raw(Buffer.from(actorId, 'hex'))
}

function readActor(reader: ByteReader): string {
  return reader.raw(16).toString('hex')
}

function writeParts(writer: ByteWriter, parts: readonly Uint8Array[]): void {
  writer.count(parts.length)
  for (const part of parts) writer.bytes(part)
}

function writeRanges(writer: ByteWriter, byActor: RangesByActor): void {
  writer.count(byActor.size)
  for (const [actorId, ranges] of byActor) {
    writeActor(writer, actorId).count(ranges.length)
    for (const { start, end } of ranges) writer.count(start).count(end - start)
  }
}

function readRanges(reader: ByteReader): RangesByActor {
  return new Map(reader.list(() => [readActor(reader), readSorted(reader)]))
}

function readSorted(reader: ByteReader): Ranges {
  let previous = 0
  return reader.list(() => {
    const start = reader.count()
    const end = start + reader.count()
    if (start <= previous || !Number.isSafeInteger(end)) throw new RangeError('ranges out of order')
    previous = end
    return { start, end }
  })
}
