import {
  type Bus,
  countRecords,
  deleteRecord,
  keptPayload,
  messageOf,
  type PastRecord,
  readOne,
  readPast,
  storeAgain,
} from '@corroport/bus'
import {
  type DeadLetter,
  type DeadLettered,
  deadLettered,
  matches,
  type StreamName,
  streams,
} from '@corroport/contracts'
import { ProblemError } from '../errors.ts'
import { silentStreams } from './silent-streams.ts'

const timeoutMs = 3000
const deadSubjects = streams
  .filter(({ name }) => name === 'DEAD')
  .flatMap(({ subjects }) => [...subjects])

/** Letters, newest first, before a sequence where one is given. */
export async function listLetters(
  bus: Bus,
  page: { before: number | undefined; limit: number },
): Promise<{ letters: DeadLetter[]; total: number; next: number | null }> {
  const [{ records, isCut }, total] = await Promise.all([
    readPast(bus, { ...page, filters: deadSubjects, timeoutMs }),
    countRecords(bus, 'DEAD', timeoutMs),
  ]).catch(silentStreams)
  const letters = records.map(describe)
  const next = isCut ? (letters.at(-1)?.sequence ?? null) : null
  return { letters, total, next }
}

export async function showLetter(bus: Bus, sequence: number): Promise<DeadLetter> {
  return describe(await findLetter(bus, sequence))
}

/**
 * Stores the refused record again, then takes the letter away. Who is too late for the letter finds
 * none, and who comes at the same time stores nothing: the record has one message id.
 */
export async function redrive(
  bus: Bus,
  sequence: number,
): Promise<{ subject: string; stream: StreamName; sequence: number }> {
  const letter = readLetter(await findLetter(bus, sequence))
  if (typeof letter === 'string') {
    throw new ProblemError(422, `${sequence} is no dead letter: ${letter}`)
  }
  const { subject, deadAt, data, isWhole } = letter
  const stream = streamOf(subject)
  if (!stream) {
    throw new ProblemError(
      422,
      `${JSON.stringify(subject)} is no subject of a record: only records can be redriven`,
    )
  }
  if (!isWhole) {
    throw new ProblemError(
      422,
      `only the first ${data.length} bytes of the record were kept: it cannot be redriven`,
    )
  }
  // The time tells it from the letter of this sequence in a stream that was made anew.
  const messageId = `redrive.${sequence}.${deadAt}`
  const stored = await storeAgain(bus, { stream, subject, messageId, data }, timeoutMs).catch(
    silentStreams,
  )
  await deleteRecord(bus, 'DEAD', sequence, timeoutMs).catch(silentStreams)
  return { subject, stream, sequence: stored.sequence }
}

export async function throwAway(bus: Bus, sequence: number): Promise<void> {
  const wasThere = await deleteRecord(bus, 'DEAD', sequence, timeoutMs).catch(silentStreams)
  if (!wasThere) throw noLetter(sequence)
}

async function findLetter(bus: Bus, sequence: number): Promise<PastRecord> {
  const record = await readOne(bus, 'DEAD', sequence, timeoutMs).catch(silentStreams)
  if (!record) throw noLetter(sequence)
  return record
}

function noLetter(sequence: number): ProblemError {
  return new ProblemError(
    404,
    `there is no dead letter ${sequence}: it was redriven, thrown away, or is too old`,
  )
}

type Letter = DeadLettered & ReturnType<typeof keptPayload>

/** The letter, or why it is none: anyone with access to NATS can store there. */
function readLetter({ data }: PastRecord): Letter | string {
  try {
    const letter = deadLettered.parse(JSON.parse(new TextDecoder().decode(data)))
    return { ...letter, ...keptPayload(letter) }
  } catch (error) {
    return messageOf(error)
  }
}

const subjectForm = /^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*$/

/** The stream of a record's subject; letters about letters are not told again. */
function streamOf(subject: string): StreamName | undefined {
  if (!subjectForm.test(subject)) return undefined
  return streams.find(
    ({ name, subjects }) =>
      name !== 'DEAD' && subjects.some((filter: string) => matches(filter, subject)),
  )?.name
}

function describe(record: PastRecord): DeadLetter {
  const { sequence, storedAt } = record
  const letter = readLetter(record)
  if (typeof letter === 'string') {
    return {
      sequence,
      service: record.subject.split('.').at(-1) ?? '',
      durable: '',
      stream: record.stream,
      subject: record.subject,
      reason: `no dead letter: ${letter}`,
      deliveries: 0,
      dead_at: storedAt,
      size_bytes: record.data.length,
      is_whole: false,
      ...readContent(record.data),
    }
  }
  const { service, durable, stream, subject, reason, deliveries, deadAt, sizeBytes } = letter
  return {
    sequence,
    service,
    durable,
    stream,
    subject,
    reason,
    deliveries,
    dead_at: deadAt,
    size_bytes: sizeBytes ?? letter.data.length,
    is_whole: letter.isWhole,
    ...readContent(letter.data),
  }
}

function readContent(data: Uint8Array): Pick<DeadLetter, 'payload' | 'text'> {
  const text = new TextDecoder().decode(data)
  try {
    return { payload: JSON.parse(text), text: null }
  } catch {
    return { payload: null, text } // the contract's word for what is no JSON
  }
}
