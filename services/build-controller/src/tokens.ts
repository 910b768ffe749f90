import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 32 random bytes as base64url: 43 characters. */
export function createToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What is kept of a token. It has 256 random bits, so that nothing slower is needed. */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

export function isSameHash(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'

/**
 * 21 characters, as the clients know ids: 126 random bits. None begins with a dash, which a command line
 * would take for an option.
 */
export function createId(): string {
  const id = [...randomBytes(21)].map((byte) => alphabet[byte & 63]).join('')
  return id.startsWith('-') ? createId() : id
}
