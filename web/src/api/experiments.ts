import type {
  ComparisonReply,
  ExperimentReply,
  ExperimentRequest,
  ExperimentsReply,
  FiguresReply,
  ImportReply,
  ImportRequest,
  MessageEvent,
  MessageFiguresReply,
  PairsReply,
} from '@corroport/contracts'
import { ask, withQuery } from './http.ts'

const pathOf = (id: string) => `/api/experiments/${encodeURIComponent(id)}`
const exportOf = (id: string) => `/api/analytics/experiments/${encodeURIComponent(id)}/export`

/** The routes of experiments, beside those of `gateway`. */
export const experiments = {
  list: (before?: string, limit = 20) =>
    ask<ExperimentsReply>('/api/experiments', { query: { limit, before } }),
  create: (body: ExperimentRequest) => ask<ExperimentReply>('/api/experiments', { body }),
  one: (id: string) => ask<ExperimentReply>(pathOf(id)),
  steer: (id: string, verb: 'start' | 'stop') =>
    ask<ExperimentReply>(`${pathOf(id)}/${verb}`, { method: 'POST' }),
  remove: (id: string) => ask<unknown>(pathOf(id), { method: 'DELETE' }),
  figures: (id: string) => ask<FiguresReply>(`${pathOf(id)}/figures`),
  pairs: (id: string, after?: string) =>
    ask<PairsReply>(`${pathOf(id)}/pairs`, { query: { after } }),
  messages: (id: string, after?: string) =>
    ask<MessageFiguresReply>(`${pathOf(id)}/messages`, { query: { after } }),
  compare: (a: string, b: string) =>
    ask<ComparisonReply>('/api/experiments/compare', { query: { a, b }, timeoutMs: 60_000 }),
  /** A page of its acknowledgements, in the order of the messages' ids. */
  acks: (id: string, after = 'acked/', signal?: AbortSignal) =>
    ask<{ message_events: MessageEvent[]; next: string | null }>(
      `/api/analytics/experiments/${encodeURIComponent(id)}/events`,
      { query: { after }, signal },
    ),
  importPage: (body: ImportRequest, signal: AbortSignal) =>
    ask<ImportReply>('/api/experiments/import', { body, signal, timeoutMs: 120_000 }),
  /** Where its exports are. */
  files: (id: string) => ({
    records: `${pathOf(id)}/events`,
    json: exportOf(id),
    csv: withQuery(exportOf(id), { format: 'csv' }),
  }),
}
