import type { SqlRow, SqlValue } from './sql-value.ts'

// Count of values; then for each one byte (length << 3 | type), and its bytes, as cr-sqlite packs.
const integer = 1
const real = 2
const text = 3
const blob = 4
const nothing = 5

/** The values of a key as `crsql_changes.pk` has them: equal keys give equal bytes on every node. */
export function packKey(values: SqlRow): Uint8Array {
  return Buffer.concat([Uint8Array.of(values.length), ...values.map(pack)])
}

/** Throws on bytes that `packKey` does not make. */
export function unpackKey(packed: Uint8Array): SqlValue[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const values: SqlValue[] = []
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('a packed key ends early')
    at += length
    return bytes.subarray(at - length, at)
  }
  const count = take(1).readUInt8()
  for (let index = 0; index < count; index++) {
    const head = take(1).readUInt8()
    const length = head >> 3
    const type = head & 7
    if (type === nothing) values.push(null)
    else if (type === integer) values.push(toInteger(take(length)))
    else if (type === real) values.push(take(8).readDoubleBE())
    else if (type === text) values.push(take(toLength(take(length))).toString())
    else if (type === blob) values.push(Uint8Array.from(take(toLength(take(length)))))
    else throw new RangeError(`a packed key has a value of type ${type}`)
  }
  if (at !== bytes.length) throw new RangeError('a packed key goes on after its values')
  return values
}

function pack(value: SqlValue): Uint8Array {
  if (value === null) return Uint8Array.of(nothing)
  if (typeof value === 'bigint') {
    const bytes = shortest(BigInt.asUintN(64, value))
    return Buffer.concat([Uint8Array.of((bytes.length << 3) | integer), bytes])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9)
    bytes.writeUInt8(real)
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  const [type, bytes] = typeof value === 'string' ? [text, Buffer.from(value)] : [blob, value]
  const length = shortest(BigInt(bytes.length))
  return Buffer.concat([Uint8Array.of((length.length << 3) | type), length, bytes])
}

/** Big-endian, without leading zero bytes: none at all for 0, eight for a negative number. */
function shortest(unsigned: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(unsigned)
  const first = bytes.findIndex((byte) => byte !== 0)
  return bytes.subarray(first === -1 ? 8 : first)
}

function toInteger(bytes: Buffer): bigint {
  if (bytes.length > 8) throw new RangeError('a packed key has an integer of more than 8 bytes')
  const whole = Buffer.alloc(8)
  bytes.copy(whole, 8 - bytes.length)
  return whole.readBigInt64BE()
}

function toLength(bytes: Buffer): number {
  const length = toInteger(bytes)
  if (length < 0n || length > 0x7fff_ffffn) throw new RangeError('a packed key has a bad length')
  return Number(length)
}
