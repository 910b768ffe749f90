import type { Answer } from './raw-http.ts'

/** Hides what differs from run to run, and numbers ids so that equal ones still look equal. */
export type Mask = (line: string) => string

export function createMask(): Mask {
  const numbers = new Map<string, string>()
  const numbered = (what: string) => (id: string) => {
    const known = numbers.get(id)
    if (known !== undefined) return known
    const count = [...numbers.values()].filter((name) => name.startsWith(`<${what} `)).length
    const name = `<${what} ${count + 1}>`
    numbers.set(id, name)
    return name
  }
  return (line) =>
    line
      .replace(/\b(?!0{8}-)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, numbered('id'))
      .replace(/(?<="actor_id":")[0-9a-f]{32}/g, numbered('actor'))
      .replace(/127\.0\.0\.1:\d+/g, numbered('address'))
      .replace(/(?<="time":)[\d.e-]+/g, '<time>')
      // NTP64: seconds since 1970, shifted by 32 bits.
      .replace(/\b[78]\d{18}\b/g, '<ts>')
      .replace(/(?<="ts":)\[[\d,]+\]/g, '<time>')
      .replace(/(?<="rtts":)\[[\d,]+\]/g, '[<ms>]')
      .replace(/(?<="(last_sync_ts|ring)":)(null|\d+|<ts>)/g, '<now>')
      .replace(/(?<="ms_per_sec_cost":)[\d.e-]+/g, '<ms>')
      .replace(/(?<="incarnation":)\d+/g, '<count>')
      .replace(/\["3\.\d+\.\d+"(?=,16,)/g, '["<sqlite>"')
}

/** Compared are status, every header but `date`, and each byte of the body. */
export function linesOf(answer: Answer): string[] {
  return [...headLinesOf(answer), ...bodyLines(answer.body)]
}

export function headLinesOf({
  status,
  headers,
  body,
}: Pick<Answer, 'status' | 'headers'> & { body?: string }): string[] {
  const lines = headers
    .filter(([name]) => name !== 'date')
    .map(([name, value]) => {
      if (name !== 'content-length' || body === undefined) return `${name}: ${value}`
      // Times and ids in the body make its length differ.
      const isRight = Number(value) === Buffer.byteLength(body)
      return isRight ? 'content-length: right' : `content-length: ${value}, which is wrong`
    })
  return [String(status), ...lines.toSorted()]
}

/** A line that is ended shows its `\n`. */
function bodyLines(body: string): string[] {
  const pieces = body.split('\n')
  const last = pieces.pop() ?? ''
  return [...pieces.map((piece) => `${piece}\\n`), ...(last === '' ? [] : [last])]
}
