import type { Experiment, StoredEvent } from '@corroport/contracts'

export interface NumberedRecord {
  record: StoredEvent
  /** `line 3`: where it stands in the file. */
  place: string
}

type Line = { text: string; line: number }

/** A line of an export of records, as far as it must be known to send it on. */
type Parsed = { experiment: Experiment } | StoredEvent | { end: { events: number } }

/** The experiment that an export of records begins with; undefined: it is no such export. */
export function headOf(text: string): Experiment | undefined {
  try {
    const value = JSON.parse(text) as Partial<{ experiment: Experiment; raw_events: unknown }>
    return value.raw_events === undefined && value.experiment?.plan ? value.experiment : undefined
  } catch {
    return undefined // a JSON export over many lines begins with a bare bracket
  }
}

/** The records after the head. Throws where a line is none, and where the end is missing. */
export async function* recordsOf(lines: AsyncIterable<Line>): AsyncGenerator<NumberedRecord> {
  let count = 0
  let isEnded = false
  for await (const { text, line } of lines) {
    if (isEnded) throw new Error(`line ${line}: stands after the end`)
    const value = parse(text, line)
    if ('end' in value) {
      isEnded = true
      if (value.end.events !== count) {
        throw new Error(
          `line ${line}: says ${value.end.events} records, but ${count} are in the file`,
        )
      }
    } else if ('kind' in value) {
      count += 1
      yield { record: value, place: `line ${line}` }
    } else {
      throw new Error(`line ${line}: is no record: it has no kind`)
    }
  }
  if (!isEnded) {
    throw new Error('the file is cut off: its last line should be the end; export it again')
  }
}

/** The gateway checks what is in a record; here only that it is one. */
function parse(text: string, line: number): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error(`line ${line}: is no JSON, damaged or cut short`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`line ${line}: is no record`)
  }
  return value as Parsed
}
