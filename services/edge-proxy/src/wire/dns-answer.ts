import { isIPv4, isIPv6 } from 'node:net'
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  encode,
  encodingLength,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet'

export interface DnsOptions {
  /** Lower case, without a dot at either end. */
  domain: string
  /** Of answers, and of the news that there is none. */
  ttlSeconds: number
  /**
   * Addresses of both families, in the order in which they are given out; undefined when there is no
   * such app, or none of it in that region. Names are in lower case, of `a-z`, `0-9`, `-` and `_`.
   */
  lookup(name: { app: string; region: string | undefined }): readonly string[] | undefined
}

const headBytes = 12
const questionTailBytes = 4
const recordTailBytes = 10
const mostNameBytes = 255
const mostLabelBytes = 63

/** Of an answer to a client that does not say how much it takes, and to one that takes more. */
const plainBytes = 512
const mostBytes = 1232

const Type = { A: 1, AAAA: 28, OPT: 41 } as const
const Class = { IN: 1, ANY: 255 } as const
const Rcode = { noError: 0, formatError: 1, noSuchName: 3, notImplemented: 4, refused: 5 } as const
const badVersion = 1 // The high bits of 16; its low ones are 0.

const responseBit = 0x80_00
const opcodeBits = 0x78_00
const dnssecOkBit = 0x80_00

interface Head {
  id: number
  flags: number
}

interface Question {
  bytes: Buffer
  /** As they were asked. */
  labels: string[]
  type: number
  class: number
  edns: Edns | undefined
}

interface Edns {
  udpBytes: number
  version: number
  isDnssecOk: boolean
}

interface Finding {
  rcode: number
  extendedRcode?: number
  /** Of a name within the domain. */
  isAuthoritative?: boolean
  answers?: Answer[]
  authorities?: Answer[]
}

/**
 * The answer to one UDP query for `<app>.<domain>` or `<region>.<app>.<domain>`. Undefined when there
 * should be none: to a response, whose sender might answer it again, and to less than a header.
 */
export function answerDns(query: Uint8Array, options: DnsOptions): Buffer | undefined {
  const bytes = Buffer.from(query.buffer, query.byteOffset, query.length)
  if (bytes.length < headBytes) return undefined
  const head = { id: bytes.readUInt16BE(0), flags: bytes.readUInt16BE(2) }
  if ((head.flags & responseBit) !== 0) return undefined
  if ((head.flags & opcodeBits) !== 0) return reply(head, { rcode: Rcode.notImplemented })
  const asked = readQuestion(bytes)
  if (!asked) return reply(head, { rcode: Rcode.formatError })
  if (asked.edns && asked.edns.version !== 0) {
    return reply(head, { rcode: Rcode.noError, extendedRcode: badVersion }, asked)
  }
  return reply(head, find(asked, options), asked)
}

function find(asked: Question, options: DnsOptions): Finding {
  const own = labelsWithin(options.domain, asked.labels)
  if (!own || (asked.class !== Class.IN && asked.class !== Class.ANY)) {
    return { rcode: Rcode.refused }
  }
  const none = (rcode: number): Finding => ({
    rcode,
    isAuthoritative: true,
    authorities: [authorityOf(options)],
  })
  if (own.length === 0) return none(Rcode.noError)
  const [app = '', region] = own.toReversed()
  const isName = own.length <= 2 && own.every((label) => /^[a-z0-9_-]+$/.test(label))
  const addresses = isName ? options.lookup({ app, region }) : undefined
  if (!addresses) return none(Rcode.noSuchName)

  const answers = answersOf(asked, addresses, options.ttlSeconds)
  if (answers.length === 0) return none(Rcode.noError)
  return { rcode: Rcode.noError, isAuthoritative: true, answers }
}

/** In lower case; undefined when the name is outside of the domain. */
function labelsWithin(domain: string, labels: readonly string[]): string[] | undefined {
  const lower = labels.map((label) => label.toLowerCase())
  const suffix = domain.split('.')
  const own = lower.splice(0, Math.max(0, lower.length - suffix.length))
  const isWithin = lower.length === suffix.length && suffix.every((part, at) => part === lower[at])
  return isWithin ? own : undefined
}

function answersOf(asked: Question, addresses: readonly string[], ttl: number): Answer[] {
  const name = asked.labels.join('.')
  if (asked.type === Type.A) {
    return addresses.filter(isIPv4).map((data) => ({ type: 'A', name, ttl, data }))
  }
  if (asked.type !== Type.AAAA) return []
  // An address with a zone means something on this machine only.
  return addresses
    .filter((address) => isIPv6(address) && !address.includes('%'))
    .map((data) => ({ type: 'AAAA', name, ttl, data }))
}

function authorityOf({ domain, ttlSeconds }: DnsOptions): Answer {
  const times = { refresh: 3600, retry: 600, expire: 86_400, minimum: ttlSeconds }
  const data = { mname: domain, rname: `hostmaster.${domain}`, serial: 1, ...times }
  return { type: 'SOA', name: domain, ttl: ttlSeconds, data }
}

function reply(head: Head, finding: Finding, asked?: Question): Buffer {
  const { rcode, isAuthoritative = false, answers = [], authorities = [] } = finding
  const edns = asked?.edns
  const additionals = edns ? [optOf(edns, finding.extendedRcode ?? 0)] : []
  const question = asked?.bytes ?? Buffer.alloc(0)
  const limit = Math.min(mostBytes, Math.max(plainBytes, edns?.udpBytes ?? 0))
  let room = limit - question.length - encodingLength({ additionals })
  const cut = (records: readonly Answer[]): Answer[] => {
    const end = records.findIndex((record) => {
      room -= encodingLength({ answers: [record] }) - headBytes
      return room < 0
    })
    return end === -1 ? [...records] : records.slice(0, end)
  }
  const kept = { answers: cut(answers), authorities: cut(authorities) }

  const flags =
    (head.flags & RECURSION_DESIRED) |
    (head.flags & opcodeBits) |
    (isAuthoritative ? AUTHORITATIVE_ANSWER : 0) |
    (room < 0 ? TRUNCATED_RESPONSE : 0) |
    rcode
  const packet = encode({ type: 'response', id: head.id, flags, ...kept, additionals })
  if (!asked) return packet
  // Byte for byte what was asked: the library would write other bytes for some names.
  packet.writeUInt16BE(1, 4)
  return Buffer.concat([packet.subarray(0, headBytes), question, packet.subarray(headBytes)])
}

function optOf(edns: Edns, extendedRcode: number): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: mostBytes,
    extendedRcode,
    ednsVersion: 0,
    flags: edns.isDnssecOk ? dnssecOkBit : 0,
    flag_do: edns.isDnssecOk,
    options: [],
  }
}

/**
 * Undefined when the packet is malformed or asks anything but one question. Not by the library, whose
 * decoder follows pointers and lengths of a hostile packet for as long as it likes.
 */
function readQuestion(bytes: Buffer): Question | undefined {
  const labels = readLabels(bytes, headBytes)
  if (bytes.readUInt16BE(4) !== 1 || !labels) return undefined
  const tail = headBytes + labels.reduce((sum, label) => sum + 1 + label.length, 1)
  const end = tail + questionTailBytes
  if (end > bytes.length) return undefined
  const records = readRecords(bytes, end)
  if (!records) return undefined
  return {
    bytes: bytes.subarray(headBytes, end),
    labels,
    type: bytes.readUInt16BE(tail),
    class: bytes.readUInt16BE(tail + 2),
    edns: records.edns,
  }
}

/** Without pointers: before a question there is nothing to point to. */
function readLabels(bytes: Buffer, start: number): string[] | undefined {
  const labels: string[] = []
  for (let at = start; at - start < mostNameBytes; ) {
    const length = bytes[at]
    if (length === 0) return labels
    if (length === undefined || length > mostLabelBytes) return undefined
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return undefined
}

/** Of all that follows the question only EDNS counts, but it must all be there. */
function readRecords(bytes: Buffer, start: number): { edns: Edns | undefined } | undefined {
  const others = bytes.readUInt16BE(6) + bytes.readUInt16BE(8)
  const count = others + bytes.readUInt16BE(10)
  let edns: Edns | undefined
  let at = start
  for (let record = 0; record < count; record += 1) {
    const tail = endOfName(bytes, at)
    if (tail === undefined || tail + recordTailBytes > bytes.length) return undefined
    const end = tail + recordTailBytes + bytes.readUInt16BE(tail + 8)
    if (end > bytes.length) return undefined
    if (bytes.readUInt16BE(tail) === Type.OPT) {
      // One only, of no name, and among the additional ones.
      if (edns || tail !== at + 1 || record < others) return undefined
      edns = {
        udpBytes: bytes.readUInt16BE(tail + 2),
        version: bytes.readUInt8(tail + 5),
        isDnssecOk: (bytes.readUInt16BE(tail + 6) & dnssecOkBit) !== 0,
      }
    }
    at = end
  }
  return { edns }
}

function endOfName(bytes: Buffer, start: number): number | undefined {
  for (let at = start; at - start < mostNameBytes; ) {
    const length = bytes[at]
    if (length === undefined) return undefined
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    if (length > mostLabelBytes) return undefined
    at += 1 + length
  }
  return undefined
}
