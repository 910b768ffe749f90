/**
 * The `traceparent` of something that a person asks for. It begins a trace, and says that this one is
 * to be recorded, whatever share of all others is: people do few things, and want to know their fate.
 */
export function createTraceparent(): string {
  return `00-${randomHex(16)}-${randomHex(8)}-01`
}

function randomHex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
