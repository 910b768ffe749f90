import { type Static, Type } from 'typebox'
import { defineCommand } from './definition.ts'
import { Experiment, ExperimentPlan, ExperimentProgress } from './experiment.ts'
import { maxImportPageEvents } from './experiment-limits.ts'
import { ExperimentId } from './message.ts'
import { By } from './operation.ts'
import { Comparison, ExperimentFigures, MessageFigures, ReceiverFigures } from './statistics.ts'
import { Timestamp } from './timestamp.ts'
import { nullable, oneLine } from './values.ts'

const one = Type.Object({ experiment: Experiment, progress: ExperimentProgress })

export const experimentCreated = defineCommand(
  'corro.command.analytics.create',
  'Stores an experiment, and begins it where that is asked.',
  {
    request: Type.Object({
      id: Type.Optional(ExperimentId),
      plan: ExperimentPlan,
      by: By,
      start: Type.Boolean(),
    }),
    reply: one,
    timeoutMs: 10_000,
  },
)

export const experimentBegun = defineCommand(
  'corro.command.analytics.start',
  'Begins an experiment that was only stored.',
  { request: Type.Object({ id: ExperimentId, by: By }), reply: one, timeoutMs: 10_000 },
)

export const experimentEnded = defineCommand(
  'corro.command.analytics.stop',
  'Nothing more is sent; what was sent is counted.',
  { request: Type.Object({ id: ExperimentId, by: By }), reply: one, timeoutMs: 10_000 },
)

export const experimentDeleted = defineCommand(
  'corro.command.analytics.delete',
  'Forgets an experiment and its figures. Refused while it runs.',
  { request: Type.Object({ id: ExperimentId, by: By }), reply: Type.Object({}), timeoutMs: 30_000 },
)

export const experimentsListed = defineCommand(
  'corro.command.analytics.list',
  'Experiments, the newest first.',
  {
    request: Type.Object({
      limit: Type.Integer({ minimum: 1, maximum: 200 }),
      before: Type.Optional(Timestamp),
    }),
    reply: Type.Object({ experiments: Type.Array(one), next: nullable(Timestamp) }),
    timeoutMs: 5000,
  },
)

export const experimentQueried = defineCommand(
  'corro.command.analytics.experiment',
  'One experiment, and how far it is.',
  { request: Type.Object({ id: ExperimentId }), reply: one, timeoutMs: 5000 },
)

export const figuresQueried = defineCommand(
  'corro.command.analytics.figures',
  'The figures of an experiment: stored ones, or of what has arrived while it runs.',
  {
    request: Type.Object({ id: ExperimentId }),
    reply: Type.Object({ figures: ExperimentFigures }),
    timeoutMs: 10_000,
  },
)

/** Pages: `after` is the `next` of the page before. */
export const After = Type.String({
  maxLength: 300,
  pattern: oneLine,
  description: '`next` of the page before',
})
const page = { after: Type.Optional(After) }
const next = nullable(Type.String(), { description: '`after` of the next page; null on the last' })

export const pairsQueried = defineCommand(
  'corro.command.analytics.pairs',
  'Figures per pair of origin and receiver.',
  {
    request: Type.Object({ id: ExperimentId, ...page }),
    reply: Type.Object({ pairs: Type.Array(ReceiverFigures), next }),
    timeoutMs: 10_000,
  },
)

export const messagesQueried = defineCommand(
  'corro.command.analytics.messages',
  'Figures per message, in the order of sending.',
  {
    request: Type.Object({
      id: ExperimentId,
      limit: Type.Integer({ minimum: 1, maximum: 1000 }),
      ...page,
    }),
    reply: Type.Object({ messages: Type.Array(MessageFigures), next }),
    timeoutMs: 10_000,
  },
)

/** A stored record of an experiment, as it was told: what a bundle holds. */
export const StoredEvent = Type.Object({
  kind: Type.Union([
    Type.Literal('sent'),
    Type.Literal('accepted'),
    Type.Literal('failed'),
    Type.Literal('skipped'),
    Type.Literal('received'),
    Type.Literal('acked'),
    Type.Literal('clock'),
    Type.Literal('sample'),
    Type.Literal('audit'),
  ]),
  event: Type.Unknown({ description: 'the payload of the record of this kind' }),
})
export type StoredEvent = Static<typeof StoredEvent>

export const storedEventsQueried = defineCommand(
  'corro.command.analytics.events',
  'The raw records of an experiment, kind after kind, a page of at most 800 kB at a time. After `acked/` come the acknowledgements.',
  {
    request: Type.Object({ id: ExperimentId, ...page }),
    reply: Type.Object({ events: Type.Array(StoredEvent), next }),
    timeoutMs: 15_000,
  },
)

export const experimentImported = defineCommand(
  'corro.command.analytics.import',
  'A page of an experiment that was measured elsewhere. The last one makes it visible, with figures of our own.',
  {
    request: Type.Object({
      importId: Type.String({ pattern: '^[0-9A-HJKMNP-TV-Z]{26}$' }),
      page: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
      isLast: Type.Boolean(),
      experiment: Type.Optional(Experiment),
      events: Type.Array(StoredEvent, { maxItems: maxImportPageEvents }),
      by: By,
    }),
    reply: Type.Object({ stored: Type.Integer(), experiment: nullable(Experiment) }),
    timeoutMs: 60_000,
  },
)

export const experimentsCompared = defineCommand(
  'corro.command.analytics.compare',
  'Two sides, each an experiment or a series of like ones. Equal sides: halves of the same, A versus A.',
  {
    request: Type.Object({
      a: Type.Array(ExperimentId, { minItems: 1, maxItems: 100 }),
      b: Type.Array(ExperimentId, { minItems: 1, maxItems: 100 }),
      seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })),
    }),
    reply: Type.Object({ comparison: Comparison }),
    timeoutMs: 30_000,
  },
)
