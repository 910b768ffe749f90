const mask = (1n << 64n) - 1n
const prime = 0x6eed0e9da4d94a4fn

/** SeaHash with its default seeds, 16 hex digits: the name of a subscription's statement. */
export function seaHash(text: string): string {
  const bytes = Buffer.from(text)
  const words = Buffer.alloc(Math.ceil(bytes.length / 8) * 8)
  bytes.copy(words)
  let [a, b, c, d] = [
    0x16f11fe89b0d677cn,
    0xb480a793d8e6c86cn,
    0x6fe2e5aaf078ebc9n,
    0x14f994a4c5259381n,
  ]
  for (let at = 0; at < words.length; at += 8) {
    ;[a, b, c, d] = [b, c, d, diffuse(a ^ words.readBigUInt64LE(at))]
  }
  const hash = diffuse(a ^ b ^ c ^ d ^ BigInt(bytes.length))
  return hash.toString(16).padStart(16, '0')
}

function diffuse(value: bigint): bigint {
  const product = (value * prime) & mask
  return ((product ^ ((product >> 32n) >> (product >> 60n))) * prime) & mask
}
