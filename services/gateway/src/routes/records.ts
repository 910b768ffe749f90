import { type Bus, readPast } from '@corroport/bus'
import { nowMicroseconds, RecordsReply, Timestamp } from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import { silentStreams } from '../records/silent-streams.ts'
import { toStoredRecord } from '../records/stored-record.ts'
import { readFilters } from '../subject-filters.ts'
import { readTimeRange } from '../time-range.ts'
import { createTurns } from '../turns.ts'
import { answeredBy, answers } from './responses.ts'

export interface RecordsDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
}

const defaultLimit = 200
const defaultRangeMicroseconds = 3_600_000_000
const timeoutMs = 3000
// Each holds up to 16 MB of every stream for its time; the others wait.
const mostAtOnce = 4

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
  const turns = createTurns(mostAtOnce)

  app.get(
    '/api/records',
    {
      config: { access: 'viewer' },
      schema: { querystring: RecordsQuery, response: answers(RecordsReply) },
    },
    async ({ query }) => {
      const { subjects = '', limit = defaultLimit } = query
      const { since, until } = readTimeRange(query)
      const from = since ?? (until ?? nowMicroseconds()) - defaultRangeMicroseconds
      const filters = readFilters(subjects === '' ? 'corro.>' : subjects)
      using _turn = await turns.take()
      const { records, isCut } = await readPast(bus, {
        filters,
        since: new Date(from / 1000),
        until: until === undefined ? undefined : new Date(until / 1000),
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
