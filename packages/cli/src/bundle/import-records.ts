import { setTimeout } from 'node:timers/promises'
import {
  createParser,
  type Experiment,
  ImportReply,
  type ImportRequest,
  maxImportPageBytes,
  maxImportPageEvents,
  type StoredEvent,
} from '@corroport/contracts'
import { ulid } from 'ulid'
import { Failure } from '../failure.ts'
import { type Gateway, isPassing } from '../gateway-client.ts'

const parseReply = createParser('import', ImportReply)
// Names, commas and who asked stand around the records.
const envelopeBytes = 2000
const path = '/api/experiments/import'
const attempts = 20

export interface Import {
  experiment: Experiment
  records: AsyncIterable<StoredEvent> | Iterable<StoredEvent>
  /** Called after each page. */
  onStored: (records: number) => void
}

/** Sends an experiment in pages; nothing of it can be seen before the last one is stored. */
export async function importRecords(
  gateway: Gateway,
  { experiment, records, onStored }: Import,
): Promise<Experiment> {
  const importId = ulid()
  let page = 0
  let events: StoredEvent[] = []
  const firstBytes = envelopeBytes + sizeOf(experiment)
  let bytes = firstBytes
  let stored = 0

  const send = async (isLast: boolean): Promise<Experiment | null> => {
    const request: ImportRequest = {
      import_id: importId,
      page,
      is_last: isLast,
      ...(page === 0 && { experiment }),
      events,
    }
    const reply = await askPatiently(() => gateway.post(path, request, parseReply), page > 0)
    page += 1
    stored += events.length
    events = []
    bytes = envelopeBytes
    onStored(stored)
    return reply.experiment
  }

  for await (const record of records) {
    const size = sizeOf(record) + 1
    if (size + firstBytes > maxImportPageBytes) {
      throw new Failure(`record ${stored + events.length + 1} is too long for a page`)
    }
    if (bytes + size > maxImportPageBytes || events.length === maxImportPageEvents)
      await send(false)
    events.push(record)
    bytes += size
  }
  const imported = await send(true)
  if (!imported) throw new Failure('all pages were sent, but the last answer has no experiment')
  return imported
}

/** A page may be sent again. The last one of millions of records is answered after some minutes. */
async function askPatiently<T>(ask: () => Promise<T>, hasBegun: boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask()
    } catch (error) {
      if (!hasBegun || attempt === attempts || !isPassing(error)) throw error
      await setTimeout(1000)
    }
  }
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
