import type { ClusterView, ServerStatus } from '@corroport/bus'
import { expect, test } from '@jest/globals'
import { describeNats } from './nats-plane.ts'
import type { Reading } from './sampler.ts'

const server: ServerStatus = { server: 'n1', roundTripMs: 1, writeError: null, streams: [] }

function readingOf<T>(value: T): Reading<T> {
  return { state: 'found', ageMs: 0, error: null, value, lastFound: value }
}

/** Three servers, of which n1 is asked. */
function viewOf(up: number, leader: string | null): ClusterView {
  const meta = { leader, size: 3, hasQuorum: up > 0 }
  return { server: 'n1', cluster: 'test', routes: { expected: 2, up }, meta }
}

test.each([
  [viewOf(2, 'n2'), 'ok', null],
  [viewOf(1, 'n1'), 'degraded', '1 of 2 routes are up'],
  [viewOf(1, null), 'degraded', '1 of 2 routes are up; nobody leads the meta group'],
  [viewOf(0, null), 'degraded', '1 of 3 servers are in sight, too few to place a stream'],
])('a cluster of %j is %s: %j', (view, state, error) => {
  const plane = describeNats({
    server: readingOf(server),
    monitor: readingOf(view),
    isConnected: true,
    unconfirmedEvents: 0,
  })

  expect(plane).toMatchObject({ state, error, cluster: 'test', routes: view.routes })
})
