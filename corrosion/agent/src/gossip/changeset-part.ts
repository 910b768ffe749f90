import type { Change, Changeset } from '../store/change.ts'
import type { SqlValue } from '../store/sql-value.ts'
import { ByteReader, ByteWriter } from './bytes.ts'

/** Some of a version's changes; all the parts of it together cover `seq` 0 to `lastSeq`. */
export interface ChangesetPart extends Changeset {
  startSeq: number
  endSeq: number
}

const partBytes = 48 * 1024
const valueTypes = ['null', 'integer', 'real', 'text', 'blob'] as const

/** The parts of a changeset, made one at a time: a large transaction must not hold up the process. */
export function* encodeParts(changeset: Changeset): Generator<Buffer> {
  const { changes, lastSeq } = changeset
  let startSeq = 0
  let from = 0
  do {
    const body = new ByteWriter()
    const names = new Map<string, number>()
    let to = from
    while (to < changes.length && body.length < partBytes) writeChange(body, names, changes[to++]!)
    const isLast = to >= changes.length
    // Versions that came later may have replaced the changes with the highest seqs.
    const endSeq = isLast ? lastSeq : changes[to - 1]!.seq
    yield new ByteWriter()
      .raw(Buffer.from(changeset.actorId, 'hex'))
      .count(changeset.version)
      .count(lastSeq)
      .u64(changeset.ts)
      .count(startSeq)
      .count(endSeq)
      .count(to - from)
      .raw(body.finish())
      .finish()
    startSeq = endSeq + 1
    from = to
  } while (from < changes.length)
}

/** Throws RangeError. */
export function decodePart(bytes: Uint8Array): ChangesetPart {
  const reader = new ByteReader(bytes)
  const actorId = reader.raw(16).toString('hex')
  const version = reader.count()
  const lastSeq = reader.count()
  const ts = reader.u64()
  const startSeq = reader.count()
  const endSeq = reader.count()
  const names: string[] = []
  const changes = reader.list(() => readChange(reader, names))
  reader.end()
  if (version === 0 || startSeq > endSeq || endSeq > lastSeq) {
    throw new RangeError('a part of a changeset has impossible bounds')
  }
  let previous = startSeq - 1
  for (const { seq } of changes) {
    if (seq <= previous || seq > endSeq) throw new RangeError('changes are out of order')
    previous = seq
  }
  return { actorId, version, lastSeq, ts, startSeq, endSeq, changes }
}

function writeChange(writer: ByteWriter, names: Map<string, number>, change: Change): void {
  writeName(writer, names, change.table)
  writeName(writer, names, change.cid)
  writer.bytes(change.pk).count(change.colVersion).count(change.cl).count(change.seq)
  writeValue(writer, change.val)
}

function readChange(reader: ByteReader, names: string[]): Change {
  const table = readName(reader, names)
  const cid = readName(reader, names)
  const pk = Uint8Array.from(reader.bytes())
  const colVersion = reader.count()
  const cl = reader.count()
  const seq = reader.count()
  return { table, pk, cid, val: readValue(reader), colVersion, cl, seq }
}

/** A name is written out once in a part, and after that by its place. */
function writeName(writer: ByteWriter, names: Map<string, number>, name: string): void {
  const known = names.get(name)
  writer.count(known ?? names.size)
  if (known !== undefined) return
  names.set(name, names.size)
  writer.text(name)
}

function readName(reader: ByteReader, names: string[]): string {
  const place = reader.count()
  if (place > names.length) throw new RangeError('a name is used before it is given')
  const known = names[place]
  if (known !== undefined) return known
  const name = reader.text()
  names.push(name)
  return name
}

function writeValue(writer: ByteWriter, value: SqlValue): void {
  if (value === null) writer.byte(valueTypes.indexOf('null'))
  else if (typeof value === 'bigint') writer.byte(valueTypes.indexOf('integer')).i64(value)
  else if (typeof value === 'number') writer.byte(valueTypes.indexOf('real')).real(value)
  else if (typeof value === 'string') writer.byte(valueTypes.indexOf('text')).text(value)
  else writer.byte(valueTypes.indexOf('blob')).bytes(value)
}

function readValue(reader: ByteReader): SqlValue {
  const type = valueTypes[reader.byte()]
  switch (type) {
    case 'null':
      return null
    case 'integer':
      return reader.i64()
    case 'real':
      return reader.real()
    case 'text':
      return reader.text()
    case 'blob':
      return Uint8Array.from(reader.bytes())
    case undefined:
      throw new RangeError('a value has an unknown type')
    default:
      throw new Error(`unreachable: ${String(type satisfies never)}`)
  }
}
