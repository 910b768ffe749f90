import { type Static, Type } from 'typebox'
import { StoredEvent } from './analytics.ts'
import { analyticsVacuumed, LedgerEntry } from './analytics-store.ts'
import { ClockState, clockSampled } from './clock.ts'
import { Experiment, ExperimentPlan, ExperimentProgress } from './experiment.ts'
import { experimentDefaults, maxImportPageEvents } from './experiment-limits.ts'
import { answered } from './http.ts'
import { ExperimentId, Transport } from './message.ts'
import { Propagation } from './propagation.ts'
import { Comparison, ExperimentFigures, MessageFigures, ReceiverFigures } from './statistics.ts'
import { nullable } from './values.ts'

// Bodies and answers of the routes about experiments. Lists come in pages: `next` of one is `after`
// of the following one, and null on the last. Failures are problem documents: 400 for what is malformed,
// 404 for an experiment that there is not, 409 where its id was used or its state forbids it, 422 for a
// plan, a page or an import that cannot be, 503 while analytics does not answer.

const closed = { additionalProperties: false }
const next = nullable(Type.String())
const { name, note, origins, count, interval_ms, payload_bytes, warmup, seed, repeat_of } =
  ExperimentPlan.properties

const defaulted = (schema: object, value: number) =>
  Type.Optional(Type.Unsafe<number>({ ...schema, default: value }))

/** `POST /api/experiments`: 201 with an `ExperimentReply`. Without `seed` one is drawn. */
export const ExperimentRequest = Type.Object(
  {
    id: Type.Optional(ExperimentId),
    name,
    note: Type.Optional(note),
    transport: Type.Optional(
      Type.Union([...Transport.anyOf, Type.Literal('both')], {
        default: experimentDefaults.transport,
      }),
    ),
    origins: Type.Optional(origins),
    count: defaulted(count, experimentDefaults.count),
    interval_ms: defaulted(interval_ms, experimentDefaults.interval_ms),
    payload_bytes: defaulted(payload_bytes, experimentDefaults.payload_bytes),
    warmup: defaulted(warmup, experimentDefaults.warmup),
    seed: Type.Optional(seed),
    repeat_of: Type.Optional(repeat_of),
    start: Type.Optional(
      Type.Boolean({
        default: experimentDefaults.start,
        description: 'false: stored, and begun by POST /api/experiments/{id}/start',
      }),
    ),
  },
  closed,
)
export type ExperimentRequest = Static<typeof ExperimentRequest>

const one = { experiment: Experiment, progress: ExperimentProgress }

/** Also 200 of `GET /api/experiments/{id}` and of `POST …/{id}/start|stop`. */
export const ExperimentReply = Type.Object({ ...one, ...answered })
export type ExperimentReply = Static<typeof ExperimentReply>

/** `GET /api/experiments?limit=&before=`, the newest first. `next` is `before` of the next page. */
export const ExperimentsReply = Type.Object({
  experiments: Type.Array(Type.Object(one)),
  next,
  ...answered,
})
export type ExperimentsReply = Static<typeof ExperimentsReply>

/** `DELETE /api/experiments/{id}`. */
export const ExperimentDeletedReply = Type.Object({ status: Type.Literal('success'), ...answered })

/** `GET /api/experiments/{id}/figures`. */
export const FiguresReply = Type.Object({ figures: ExperimentFigures, ...answered })
export type FiguresReply = Static<typeof FiguresReply>

/** `GET /api/experiments/{id}/pairs?after=`. */
export const PairsReply = Type.Object({ pairs: Type.Array(ReceiverFigures), next, ...answered })
export type PairsReply = Static<typeof PairsReply>

/** `GET /api/experiments/{id}/messages?limit=&after=`. */
export const MessageFiguresReply = Type.Object({
  messages: Type.Array(MessageFigures),
  next,
  ...answered,
})
export type MessageFiguresReply = Static<typeof MessageFiguresReply>

/**
 * `GET /api/experiments/{id}/events` as application/x-ndjson: the experiment, its raw records, and an
 * end, without which it was cut off.
 */
export const ExportLine = Type.Union([
  Type.Object({ experiment: Experiment }),
  StoredEvent,
  Type.Object({ end: Type.Object({ events: Type.Integer({ minimum: 0 }) }) }),
])
export type ExportLine = Static<typeof ExportLine>

/**
 * `POST /api/experiments/import`: a page. The first one has the experiment; the last one makes it
 * visible. A page may be sent again; none may be left out.
 */
export const ImportRequest = Type.Object(
  {
    import_id: Type.String({ pattern: '^[0-9A-HJKMNP-TV-Z]{26}$', description: 'a new ULID' }),
    page: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    is_last: Type.Boolean(),
    experiment: Type.Optional(Experiment),
    events: Type.Array(StoredEvent, { maxItems: maxImportPageEvents }),
  },
  closed,
)
export type ImportRequest = Static<typeof ImportRequest>
export const ImportReply = Type.Object({
  stored: Type.Integer(),
  experiment: nullable(Experiment, { description: 'on the last page' }),
  ...answered,
})
export type ImportReply = Static<typeof ImportReply>

/** `GET /api/experiments/compare?ids=a,b`, or `?a=a1,a2&b=b1,b2` for two series. */
export const ComparisonReply = Type.Object({ comparison: Comparison, ...answered })
export type ComparisonReply = Static<typeof ComparisonReply>

/** `GET /api/clocks?node=&hours=`. The history is of the named node. */
export const ClocksReply = Type.Object({
  reference: Type.String({ description: 'whose clock is 0' }),
  clocks: Type.Array(ClockState),
  history: Type.Array(clockSampled.schema),
  ...answered,
})
export type ClocksReply = Static<typeof ClocksReply>

/** `GET /api/propagation?table=&origin=&node=&hours=&after=`. */
export const PropagationReply = Type.Object({
  propagation: Type.Array(Propagation),
  next,
  ...answered,
})
export type PropagationReply = Static<typeof PropagationReply>

/** `POST /api/analytics/vacuum`. */
export const VacuumReply = Type.Object({ ...analyticsVacuumed.reply.properties, ...answered })
export type VacuumReply = Static<typeof VacuumReply>

/** `GET /api/analytics/ledger`. */
export const LedgerReply = Type.Object({
  is_balanced: Type.Boolean(),
  streams: Type.Array(LedgerEntry),
  ...answered,
})
export type LedgerReply = Static<typeof LedgerReply>
