import type {
  MessageDetail,
  NodeReply,
  NodeSummary,
  Reception,
  SendReply,
} from '@corroport/contracts'

// Answers of a gateway that is well; a test says only what it needs to be different.

export const timestamp = '2026-01-15T10:00:00.123456Z'

export function nodeSummary(number: number, change: Partial<NodeSummary> = {}): NodeSummary {
  return {
    node_id: `node${number}`,
    is_local: number === 1,
    is_declared: true,
    presence: 'present',
    announced_at: timestamp,
    age_ms: 400,
    region: 'iad',
    actor_id: String(number).repeat(32),
    agent_state: 'ready',
    agent_kind: 'real',
    agent_version: '0.1.4',
    api_endpoint: `127.0.0.1:400${number}`,
    peer_endpoint: `127.0.0.1:500${number}`,
    version: '0.1.0',
    ...change,
  }
}

export function nodeReply(change: Partial<NodeReply> = {}): NodeReply {
  return {
    node_id: 'node1',
    region: 'iad',
    version: '0.1.0',
    started_at: timestamp,
    agent: {
      url: 'http://127.0.0.1:8081',
      state: 'ready',
      actor_id: '1'.repeat(32),
      answered_in_ms: 0.5,
      error: null,
    },
    subscriptions: [
      { table: 'node_messages', state: 'live', since: timestamp, rows: 2, last_change_at: null },
    ],
    tracked_messages: 2,
    checks: [{ name: 'nats', ok: true }],
    timestamp,
    ...change,
  }
}

export function sendReply(change: Partial<SendReply['message']> = {}): SendReply {
  return {
    status: 'success',
    message: {
      pk: 'node1_01A',
      timestamp,
      node_id: 'node1',
      sequence: 1,
      transport: 'gossip',
      expected: ['node2', 'node3'],
      ...change,
    },
    node_id: 'node1',
    timestamp,
  }
}

/** The origin's view of a message that these nodes have acknowledged. */
export function messageDetail(
  acknowledgedBy: readonly string[],
  change: Partial<MessageDetail> = {},
): MessageDetail & { timestamp: string } {
  const expected = ['node2', 'node3']
  return {
    pk: 'node1_01A',
    node_id: 'node1',
    transport: 'gossip',
    status: 'accepted',
    reason: null,
    sent_at: timestamp,
    accepted_at: timestamp,
    expected: expected.map((node_id) => ({ node_id, was_present: true })),
    acks: acknowledgedBy.map((node_id, index) => ({
      node_id,
      round_trip_ms: 4.25 + index,
      acknowledged_at: timestamp,
      received_at: timestamp,
      via: 'updates',
      attempts: 1 + index,
    })),
    missing: expected.filter((nodeId) => !acknowledgedBy.includes(nodeId)),
    timestamp,
    ...change,
  }
}

export function reception(change: Partial<Reception> = {}): Reception {
  return {
    pk: 'node1_01A',
    node_id: 'node2',
    origin_node_id: 'node1',
    transport: 'gossip',
    via: 'updates',
    reception_count: 1,
    first_seen: timestamp,
    last_seen: timestamp,
    acknowledgement: 'confirmed',
    ...change,
  }
}
