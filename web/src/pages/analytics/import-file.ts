import type { Experiment, StoredEvent } from '@corroport/contracts'
import { isPassing, RefusedError } from '../../api/errors.ts'
import { experiments } from '../../api/experiments.ts'
import { formatBytes } from '../../format/number.ts'
import { headOf, type NumberedRecord, recordsOf } from './exported-records.ts'
import { createUlid, type ImportPage, pagesOf, withPlaces } from './import-pages.ts'
import { readLines } from './read-lines.ts'

interface Importing {
  signal: AbortSignal
  /** After each page. */
  onStored: (records: number) => void
}

// Its check takes 3 s for as much, and the page stands still meanwhile.
const mostJsonBytes = 32 * 1024 * 1024
const attempts = 20

/** Sends a file in pages; nothing of it can be seen before the last one is stored. */
export async function importFile(file: Blob, importing: Importing): Promise<Experiment> {
  const { experiment, records } = await open(file)
  const random = crypto.getRandomValues(new Uint8Array(16))
  let stored = 0
  for await (const page of pagesOf(experiment, records, createUlid(Date.now(), random))) {
    const reply = await send(page, importing.signal)
    stored += page.places.length
    importing.onStored(stored)
    if (page.request.is_last && reply.experiment) return reply.experiment
  }
  throw new Error('all pages were sent, but the last answer has no experiment')
}

/** A page may be sent again. */
async function send(page: ImportPage, signal: AbortSignal) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await experiments.importPage(page.request, signal)
    } catch (error) {
      if (page.request.page > 0 && attempt < attempts && isPassing(error)) {
        await new Promise((resolve) => setTimeout(resolve, 1000))
        continue
      }
      if (error instanceof RefusedError) {
        throw new Error(withPlaces(error.message, page), { cause: error })
      }
      throw error
    }
  }
}

interface Source {
  experiment: Experiment
  records: AsyncIterable<NumberedRecord>
}

async function open(file: Blob): Promise<Source> {
  const lines = readLines(file.stream())
  const { value: first } = await lines.next()
  if (first === undefined) throw new Error('the file is empty')
  const head = headOf(first.text)
  if (head) return { experiment: head, records: recordsOf(lines) }
  await lines.return(undefined)
  return openJsonExport(file)
}

async function openJsonExport(file: Blob): Promise<Source> {
  if (file.size > mostJsonBytes) {
    throw new Error(
      `a JSON export of ${formatBytes(file.size)} is too much for a page, which takes ${formatBytes(mostJsonBytes)}: corroport experiment import takes it`,
    )
  }
  const { readJsonExport } = await import('./json-export-source.ts')
  const { experiment, events } = readJsonExport(await file.text())
  return { experiment, records: numbered(events) }
}

/** Of what was made from a JSON export there are no lines, so its records are counted. */
async function* numbered(events: readonly StoredEvent[]): AsyncGenerator<NumberedRecord> {
  for (const [index, record] of events.entries()) yield { record, place: `record ${index + 1}` }
}
