import type { StoredEvent } from './analytics.ts'
import { maxContentBytes } from './content-size.ts'
import type { Experiment, ExperimentPlan } from './experiment.ts'
import {
  type ExportedMessage,
  type ExportedMessages,
  type JsonExport,
  readExportedMessages,
} from './exported-messages.ts'
import type { Transport } from './message.ts'
import { toTimestamp } from './timestamp.ts'

export interface ImportedExport {
  experiment: Experiment
  events: StoredEvent[]
}

/**
 * A JSON export with its raw events; its figures are left out, since they are computed anew. The
 * original recorded no receipts, no outcome of a write, no intended times and nobody who was expected:
 * a message counts as written, and every node that it tells of is expected to acknowledge each.
 */
export function fromJsonExport(told: JsonExport): ImportedExport {
  const measured = readExportedMessages(told)
  const { messages, acks, regions } = measured
  const experiment = toExperiment(told, measured)
  const { plan, expected } = experiment
  const sentOver = new Map<Transport, number>()
  return {
    experiment,
    events: [
      ...messages.flatMap((sent, number): StoredEvent[] => {
        const before = sentOver.get(sent.transport) ?? 0
        sentOver.set(sent.transport, before + 1)
        return [
          {
            kind: 'sent',
            event: {
              ...identify(sent),
              region: regions.get(sent.origin) ?? 'unknown',
              sizeBytes: Math.round(sent.sizeBytes ?? plan.payload_bytes),
              expected: expected
                .filter((nodeId) => nodeId !== sent.origin)
                .map((nodeId) => ({ nodeId, wasPresent: true })),
              sentAt: toTimestamp(sent.at),
              experiment: {
                id: experiment.id,
                number,
                isWarmup: before < plan.warmup,
                intendedAt: null,
                delayMs: 0,
              },
            },
          },
          {
            kind: 'accepted',
            event: {
              ...identify(sent),
              acceptedAt: toTimestamp(sent.at),
              tookMs: null,
              wasReadBack: true,
            },
          },
        ]
      }),
      ...acks.map(
        ({ sent, nodeId, receivedAt, roundTripMs, at }): StoredEvent => ({
          kind: 'acked',
          event: {
            ...identify(sent),
            ackNodeId: nodeId,
            // The original knew no other way to see a row.
            via: sent.transport === 'direct' ? 'direct' : 'subscription',
            attempts: 1,
            receivedAt,
            sentAt: null,
            arrivedAt: toTimestamp(at),
            roundTripMs,
            roundTripClock: 'wall',
          },
        }),
      ),
    ],
  }
}

function toExperiment(
  told: JsonExport,
  { messages, acks, regions, ignored }: ExportedMessages,
): Experiment {
  const { metadata, experiment, topology } = told
  const { id, status = 'finished', reason = null } = experiment
  if (!['finished', 'stopped', 'interrupted'].includes(status)) {
    throw new Error(`${id} was ${status} when it was exported: export it when it ended`)
  }
  const missing = `made from a JSON export (${metadata.exporter_version}): outcomes of writes, delays of the sender and clocks are not in it${
    ignored === 0 ? '' : `; ${ignored} repeated or unattached events were left out`
  }`
  const plan = experiment.plan ?? planOf(told, messages)
  const note = plan.note === '' ? missing : `${plan.note}\n${missing}`
  const origins = [...new Set(messages.map(({ origin }) => origin))]
  const expected = [...regions.keys()]
  const first = messages[0]?.at ?? 0
  const lastSent = messages.at(-1)?.at ?? first
  const last = acks.reduce((latest, { at }) => Math.max(latest, at), lastSent)
  return {
    id,
    plan: { ...plan, note: note.length > 2000 ? missing : note },
    status,
    reason,
    expected,
    environment: {
      versions: { exporter: metadata.exporter_version },
      nodes: expected.map((nodeId) => ({
        node_id: nodeId,
        region: regions.get(nodeId) ?? null,
        actor_id: null,
        agent_kind: null,
        agent_version: null,
        version: null,
        bootstrap: topology?.nodes.find(({ node_id }) => node_id === nodeId)?.bootstrap_peers ?? [],
        config_sha256: null,
        was_present: true,
      })),
      host: { platform: 'not known', cores: 0 },
    },
    shares: origins.map((origin) => {
      const { length: sent } = messages.filter((message) => message.origin === origin)
      const none = { failed: 0, skipped: 0, reason: null }
      return { node_id: origin, state: 'ended', planned: sent, sent, ...none }
    }),
    by: 'import',
    created_at: toTimestamp(first),
    started_at: toTimestamp(first),
    sending_ended_at: toTimestamp(lastSent),
    deadline_at: null,
    finished_at: toTimestamp(last),
    imported_from: 'a JSON export',
  }
}

/** What the original planned, as far as what it sent shows. */
function planOf(
  { experiment: { id, configuration } }: JsonExport,
  messages: readonly ExportedMessage[],
) {
  const ofTransport = Map.groupBy(messages, ({ transport }) => transport)
  const { transaction_size_bytes: bytes, transaction_frequency_ms: intervalMs } =
    configuration ?? {}
  return {
    name: id,
    note: '',
    transports: [...ofTransport.keys()],
    origins: [...new Set(messages.map(({ origin }) => origin))],
    count: Math.max(...[...ofTransport.values()].map(({ length }) => length)),
    interval_ms: within(intervalMs ?? medianGapMs(messages), 1, 3_600_000),
    payload_bytes: Math.round(within(bytes ?? messages[0]?.sizeBytes ?? 1, 1, maxContentBytes)),
    warmup: 0,
    seed: 0,
    repeat_of: null,
  } satisfies ExperimentPlan
}

const identify = ({ origin, messageId, transport }: ExportedMessage) => ({
  nodeId: origin,
  messageId,
  transport,
})

const within = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), most)

function medianGapMs(inOrder: readonly ExportedMessage[]): number {
  const gaps = inOrder
    .slice(1)
    .map(({ at }, index) => at - (inOrder[index]?.at ?? at))
    .toSorted((one, other) => one - other)
  return (gaps[Math.ceil(gaps.length / 2) - 1] ?? 1000) / 1000
}
