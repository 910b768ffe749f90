import {
  type Experiment,
  type ImportRequest,
  maxImportPageBytes,
  maxImportPageEvents,
} from '@corroport/contracts'
import type { NumberedRecord } from './exported-records.ts'

export interface ImportPage {
  request: ImportRequest
  /** Of each record, in the file. */
  places: string[]
}

// Names, commas and who asked stand around the records.
const envelopeBytes = 2000
const encoder = new TextEncoder()

/** Cuts an experiment into requests; the last one says so, since it makes the rest visible. */
export async function* pagesOf(
  experiment: Experiment,
  records: AsyncIterable<NumberedRecord>,
  importId: string,
): AsyncGenerator<ImportPage> {
  const firstBytes = envelopeBytes + sizeOf(experiment)
  let page = 0
  let bytes = firstBytes
  let events: ImportRequest['events'] = []
  let places: string[] = []
  const cut = (isLast: boolean): ImportPage => {
    const request = {
      import_id: importId,
      page,
      is_last: isLast,
      ...(page === 0 ? { experiment } : {}),
      events,
    }
    const done = { request, places }
    page += 1
    bytes = envelopeBytes
    events = []
    places = []
    return done
  }
  for await (const { record, place } of records) {
    const size = sizeOf(record) + 1
    if (size + firstBytes > maxImportPageBytes) throw new Error(`${place}: is too long`)
    if (bytes + size > maxImportPageBytes || events.length === maxImportPageEvents) yield cut(false)
    events.push(record)
    places.push(place)
    bytes += size
  }
  yield cut(true)
}

function sizeOf(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length
}

/** Refusals count records by page; a person looks for the place in the file. */
export function withPlaces(message: string, { request, places }: ImportPage): string {
  return message.replaceAll(/page (\d+), event (\d+)/g, (text, page, event) => {
    const place = places[Number(event)]
    return Number(page) === request.page && place !== undefined ? place : text
  })
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 48 bits of time and 80 of chance, in Crockford's base 32. */
export function createUlid(now: number, random: Uint8Array): string {
  const time = Array.from({ length: 10 }, (_, index) => Math.floor(now / 32 ** (9 - index)) % 32)
  const chance = Array.from({ length: 16 }, (_, index) => (random[index] ?? 0) % 32)
  return [...time, ...chance].map((digit) => alphabet[digit]).join('')
}
