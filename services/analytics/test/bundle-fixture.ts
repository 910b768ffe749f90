import {
  type Experiment,
  type StoredEvent,
  type Transport,
  toTimestamp,
} from '@corroport/contracts'
import { recordOfKind } from '../src/bundle/stored-kinds.ts'
import { insertExperiment } from '../src/experiments/experiment-rows.ts'
import { toRow } from '../src/ingest/rows.ts'
import type { Db } from '../src/store/database.ts'
import { storeFacts } from '../src/store/store-facts.ts'

const began = Date.UTC(2026, 10, 20, 10) * 1000
export const nodeIds = ['node1', 'node2', 'node3']

const iso = (second: number): string => toTimestamp(began + Math.round(second * 1e6))

export function finishedExperiment(over: Partial<Experiment> = {}): Experiment {
  return {
    id: 'baseline',
    plan: {
      name: 'Baseline',
      note: '',
      transports: ['gossip'],
      origins: ['node1'],
      count: 40,
      interval_ms: 100,
      payload_bytes: 64,
      warmup: 0,
      seed: 1,
      repeat_of: null,
    },
    status: 'finished',
    reason: null,
    expected: nodeIds,
    environment: null,
    shares: [
      {
        node_id: 'node1',
        state: 'ended',
        planned: 40,
        sent: 40,
        failed: 0,
        skipped: 0,
        reason: null,
      },
    ],
    by: 'operator',
    created_at: iso(-1),
    started_at: iso(0),
    sending_ended_at: iso(10),
    deadline_at: iso(40),
    finished_at: iso(41),
    imported_from: null,
    ...over,
  }
}

/** What an experiment of one origin tells; each round trip takes `ms(message)`. */
export function simulateEvents(options: {
  id?: string
  messages?: number
  ms?: (message: number) => number
  transport?: Transport
}): StoredEvent[] {
  const {
    id = 'baseline',
    messages = 40,
    ms = (n) => 4 + (n % 7) / 3,
    transport = 'gossip',
  } = options
  const via = transport === 'gossip' ? 'updates' : 'direct'
  const perMessage = Array.from({ length: messages }, (_, number): StoredEvent[] => {
    const messageId = `node1_${id}/${String(number).padStart(4, '0')}`
    const sentAt = number / 10
    const message = { messageId, transport }
    const sent = {
      ...message,
      nodeId: 'node1',
      region: 'iad',
      sizeBytes: 64,
      expected: ['node2', 'node3'].map((nodeId) => ({ nodeId, wasPresent: true })),
      sentAt: iso(sentAt),
      experiment: { id, number, isWarmup: number < 2, intendedAt: iso(sentAt), delayMs: 0.071 },
    }
    if (number === 5) {
      const failed = {
        ...message,
        nodeId: 'node1',
        reason: 'agent away',
        failedAt: iso(sentAt + 1),
      }
      return [
        { kind: 'sent', event: sent },
        { kind: 'failed', event: failed },
      ]
    }
    const accepted = {
      ...message,
      nodeId: 'node1',
      ...(number % 2 === 0 && { actorId: '0'.repeat(31).concat('1'), dbVersion: `${number}` }),
      acceptedAt: iso(sentAt + 0.0012),
      tookMs: number % 2 === 0 ? 1.234 : null,
      wasReadBack: number % 2 === 1,
    }
    const acks = ['node2', 'node3'].flatMap((nodeId, receiver): StoredEvent[] => {
      if (number === 7 && receiver === 1) return []
      const roundTripMs = Math.round((ms(number) + receiver / 8) * 1000) / 1000
      const receivedAt = iso(sentAt + roundTripMs / 2000)
      return [
        {
          kind: 'received',
          event: { ...message, nodeId, originNodeId: 'node1', via, receivedAt },
        },
        {
          kind: 'acked',
          event: {
            ...message,
            nodeId: 'node1',
            ackNodeId: nodeId,
            via,
            attempts: 1 + (number % 3 === 0 ? 1 : 0),
            receivedAt,
            sentAt: receivedAt,
            arrivedAt: iso(sentAt + roundTripMs / 1000),
            roundTripMs,
            roundTripClock: 'monotonic',
          },
        },
      ]
    })
    return [{ kind: 'sent', event: sent }, { kind: 'accepted', event: accepted }, ...acks]
  })
  const clocks = nodeIds.flatMap((nodeId, index) =>
    [-5, 5, 15].map(
      (second): StoredEvent => ({
        kind: 'clock',
        event: {
          nodeId,
          at: iso(second),
          offsetMs: index * 1.25 + second / 1000,
          boundMs: 0.2,
          roundTripMs: 0.4,
          probes: 8,
          driftPpm: 1.5,
        },
      }),
    ),
  )
  return [
    ...perMessage.flat(),
    ...clocks,
    {
      kind: 'skipped',
      event: {
        nodeId: 'node1',
        experimentId: id,
        transport: 'gossip',
        numbers: [40, 41],
        reason: 'gateway was down',
        at: iso(9),
      },
    },
  ]
}

export async function storeExperiment(
  db: Db,
  experiment: Experiment,
  events: readonly StoredEvent[],
): Promise<void> {
  await storeFacts(
    db,
    events.map(({ kind, event }) => toRow(recordOfKind[kind].wildcard, event)),
  )
  await insertExperiment(db, experiment)
}
