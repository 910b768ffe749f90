import { type Bus, readPast } from '@corroport/bus'
import { fromTimestamp, nowMicroseconds, RecordsReply, Timestamp } from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import { silentStreams } from '../records/silent-streams.ts'
import { toStoredRecord } from '../records/stored-record.ts'
import { readFilters } from '../subject-filters.ts'
import { answeredBy, answers } from './responses.ts'

export interface RecordsDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
}

const defaultLimit = 200
const defaultRangeMs = 3_600_000
const timeoutMs = 3000

const RecordsQuery = Type.Object(
  {
    subjects: Type.Optional(
      Type.String({ maxLength: 2000, description: 'filters as of NATS, with commas' }),
    ),
    since: Type.Optional(Timestamp),
    until: Type.Optional(Timestamp),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, default: defaultLimit })),
  },
  { additionalProperties: false },
)

/** What still lies in the streams. */
export function registerRecords(app: App, { config, bus }: RecordsDeps): void {
  app.get(
    '/api/records',
    {
      config: { access: 'viewer' },
      schema: { querystring: RecordsQuery, response: answers(RecordsReply) },
    },
    async ({ query: { subjects = '', since, until, limit = defaultLimit } }) => {
      const end = until === undefined ? undefined : readTime('until', until)
      const endMs = end?.getTime() ?? nowMicroseconds() / 1000
      const start =
        since === undefined ? new Date(endMs - defaultRangeMs) : readTime('since', since)
      if (end && start >= end) throw new ProblemError(400, 'since is not before until')
      const filters = readFilters(subjects === '' ? 'corro.>' : subjects)
      const { records, isCut } = await readPast(bus, {
        filters,
        since: start,
        until: end,
        limit,
        timeoutMs,
      }).catch(silentStreams)
      return {
        records: records.map(toStoredRecord),
        count: records.length,
        is_cut: isCut,
        ...answeredBy(config.nodeId),
      }
    },
  )
}

function readTime(name: string, text: string): Date {
  const microseconds = fromTimestamp(text)
  if (microseconds === undefined) {
    throw new ProblemError(400, `${name} is a time that does not exist`)
  }
  return new Date(microseconds / 1000)
}
