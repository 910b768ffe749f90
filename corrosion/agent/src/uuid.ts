/** 32 hex digits as a UUID is written: with hyphens. */
export function toUuid(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const blockStarts = [0, 9, 14, 19, 24] as const
const blockLengths = [8, 4, 4, 4, 12] as const

/** A UUID in any form that the Rust crate takes, as lower case with hyphens; else its complaint. */
export function parseUuid(text: string): { uuid: string } | { problem: string } {
  const bare = /^\{(.*)\}$/s.exec(text)?.[1] ?? (/^urn:uuid:(.*)$/s.exec(text)?.[1] || text)
  const isPrefixed = bare !== text
  const isHyphenated = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(bare)
  if (isHyphenated) return { uuid: bare.toLowerCase() }
  if (!isPrefixed && /^[0-9a-f]{32}$/i.test(text)) return { uuid: toUuid(text.toLowerCase()) }
  return { problem: `UUID parsing failed: ${problemOf(text, bare)}` }
}

function problemOf(text: string, bare: string): string {
  const offset = text.indexOf(bare)
  const wrong = /[^0-9a-f-]/iu.exec(bare)
  if (wrong) {
    const at = Buffer.byteLength(bare.slice(0, wrong.index)) + offset + 1
    return `invalid character: expected an optional prefix of \`urn:uuid:\` followed by [0-9a-fA-F-], found \`${wrong[0]}\` at ${at}`
  }
  const groups = bare.split('-')
  if (groups.length === 1 && bare === text) {
    return `invalid length: expected length 32 for simple format, found ${text.length}`
  }
  if (groups.length !== 5) return `invalid group count: expected 5, found ${groups.length}`
  const last = groups.findIndex((group, index) => group.length !== blockLengths[index])
  const group = last === -1 ? 4 : last
  const found = group === 4 ? text.length - blockStarts[4] : groups[group]?.length
  return `invalid group length in group ${group}: expected ${blockLengths[group]}, found ${found}`
}
