const mask = (1n << 64n) - 1n
const prime = 0x6eed0e9da4d94a4fn

/** SeaHash with its default seeds, 16 hex digits: how Corrosion names a subscription's statement. */
export function seaHash(text: string): string {
  const bytes = Buffer.from(text)
  const padded = Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)])
  let lanes: [bigint, bigint, bigint, bigint] = [
    0x16f11fe89b0d677cn,
    0xb480a793d8e6c86cn,
    0x6fe2e5aaf078ebc9n,
    0x14f994a4c5259381n,
  ]
  for (let at = 0; at < padded.length; at += 8) {
    const [first, second, third, fourth] = lanes
    lanes = [second, third, fourth, diffuse(first ^ padded.readBigUInt64LE(at))]
  }
  const [first, second, third, fourth] = lanes
  const hash = diffuse(first ^ second ^ third ^ fourth ^ BigInt(bytes.length))
  return hash.toString(16).padStart(16, '0')
}

function diffuse(value: bigint): bigint {
  const product = (value * prime) & mask
  return ((product ^ ((product >> 32n) >> (product >> 60n))) * prime) & mask
}
