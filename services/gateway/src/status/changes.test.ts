import {
  type ClusterChanged,
  ClusterStatus,
  clusterChanged,
  createParser,
} from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { createChangeTeller } from './changes.ts'
import { describeNats } from './nats-plane.ts'
import { describePostgres } from './postgres-plane.ts'

type Corrosion = ClusterStatus['planes']['corrosion']
type Stream = { leader: string | null; have: number }

const parse = createParser('a status', ClusterStatus)
let looks = 0

/** What a status says after one look. */
function statusOf(
  overall: ClusterStatus['overall'],
  corrosion: Corrosion['state'],
  { leader, have }: Stream = { leader: 'nats1', have: 3 },
): ClusterStatus {
  looks += 1
  const stream = {
    name: 'RECORDS' as const,
    exists: true,
    leader,
    replicas: { want: 3, have, current: have },
    maxLag: 0,
    messages: 0,
  }
  const value = { server: 'nats1', roundTripMs: 1, writeError: null, streams: [stream] }
  const server = { state: 'found' as const, ageMs: 0, error: null, value, lastFound: value }
  const nothing = { age_ms: null, error: null }
  const members = { expected: 1, alive: 1, suspect: 0, down: 0, source: null, age_ms: null }
  const replication = { gaps: 0, p99_lag_s: null, queue: null, heads: 0, needed_versions: 0 }
  return parse({
    node: {
      id: 'node1',
      version: '0.1.0',
      started_at: '2026-01-15T10:00:00Z',
      state: 'active',
      region: 'iad',
    },
    overall,
    observed_at: `2026-01-15T10:00:${String(looks).padStart(2, '0')}Z`,
    planes: {
      corrosion: {
        ...nothing,
        state: corrosion,
        agent: 'reachable',
        actor_id: null,
        cluster_id: 0,
        members,
        replication: { ...replication, age_ms: 0 },
        subscriptions: [],
      },
      nats: describeNats({ server, monitor: undefined, isConnected: true, unconfirmedEvents: 0 }),
      postgres: describePostgres(),
    },
    replication: [],
    members: [],
    disagreements: [],
  })
}

/** Told changes, as long as the state file takes them. */
function startTelling() {
  const told: ClusterChanged[] = []
  const counted: string[] = []
  const disk = { isFull: false }
  const look = createChangeTeller({
    nodeId: 'node1',
    state: {
      transaction(work) {
        if (disk.isFull) throw new Error('database or disk is full')
        return work((event, _parameters, payload) => {
          if (event.template === clusterChanged.template) told.push(clusterChanged.parse(payload))
        })
      },
    },
    log: pino({ level: 'silent' }),
    onChange: (what) => counted.push(what),
  })
  const lines = () =>
    told.splice(0).map(({ what, subject, from, to }) => `${what} ${subject} ${from} ${to}`)
  return { look, lines, counted, disk }
}

test('a change is told once, and what was not known before is none', () => {
  const { look, lines, counted } = startTelling()

  look(statusOf('degraded', 'unknown'))
  look(statusOf('ok', 'ok'))
  expect(lines()).toEqual([])

  look(statusOf('degraded', 'degraded'))
  look(statusOf('degraded', 'degraded'))
  look(statusOf('degraded', 'unknown'))
  expect(lines()).toEqual(['overall overall ok degraded', 'plane corrosion ok degraded'])
  expect(counted).toEqual(['overall', 'plane'])
})

test('a stream that loses its leader for good has lost its quorum', () => {
  const { look, lines } = startTelling()
  look(statusOf('ok', 'ok'))

  look(statusOf('ok', 'ok', { leader: null, have: 0 }))
  expect(lines()).toEqual(['plane nats ok degraded', 'stream-quorum RECORDS held lost'])
  look(statusOf('ok', 'ok', { leader: 'nats3', have: 2 }))
  expect(lines()).toEqual(['stream-leader RECORDS nats1 nats3', 'stream-quorum RECORDS lost held'])
})

test('what could not be kept is told after the next look', () => {
  const { look, lines, counted, disk } = startTelling()
  look(statusOf('ok', 'ok'))

  disk.isFull = true
  look(statusOf('degraded', 'unavailable'))
  disk.isFull = false
  expect(counted).toEqual([])

  look(statusOf('degraded', 'unavailable'))
  expect(lines()).toEqual(['overall overall ok degraded', 'plane corrosion ok unavailable'])
})
