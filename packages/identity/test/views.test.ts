import { connectBus } from '@corroport/bus'
import { type NodeViewed, nodeViewed } from '@corroport/contracts'
import { openViews } from '@corroport/identity'
import { startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'

const log = pino({ level: 'silent' })

const view = (nodeId: string, at: string): NodeViewed => ({
  nodeId,
  at,
  swim: { source: 'none', takenAt: null, error: null, members: [] },
  sync: null,
  replication: null,
  canaries: [],
  canaryIntervalMs: null,
  declared: { source: 'static', nodes: [], takenAt: null, error: null },
})

test('of each node there is the view that it said last, with its age', async () => {
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await using views = openViews({ bus })
  const say = (said: NodeViewed) => bus.hint(nodeViewed, { nodeId: said.nodeId }, said)

  await until(() => say(view('node1', '2026-01-15T10:00:00Z')) && views.get('node1'))
  say(view('node2', '2026-01-15T10:00:00Z'))
  say(view('node1', '2026-01-15T10:00:01Z'))

  await until(() => views.get('node1')?.view.at === '2026-01-15T10:00:01Z')
  expect(
    views
      .all()
      .map((heard) => heard.view.nodeId)
      .toSorted(),
  ).toEqual(['node1', 'node2'])
  expect(views.get('node1')?.ageMs()).toBeLessThan(30_000)
  expect(views.get('node3')).toBeUndefined()
})
