import { expect, test } from '@jest/globals'
import { heard, memberOf, sources, swim, view } from '../../test/member-sources.ts'
import { describeSights } from './sights.ts'
import type { MemberSources } from './sources.ts'

/** node1 has all alive; node2 has node3 down, node3 has nobody, node4 does not see SWIM. */
const divided = (): MemberSources => {
  const blind = view(4, [], [])
  return sources({
    heard: [heard(1), heard(2), heard(3), heard(4), heard(5)],
    views: [
      view(1, [swim(2), swim(3)], []),
      view(2, [swim(1), swim(3, { state: 'down' })], []),
      view(3, [], []),
      { ...blind, view: { ...blind.view, swim: { ...blind.view.swim, source: 'none' } } },
    ],
  })
}

test('those that see a member are counted without itself, this node, and those without SWIM', () => {
  const seenBy = (nodeId: string) => memberOf(divided(), nodeId).swim.seen_by

  expect(seenBy('node1')).toEqual({ alive: 1, suspect: 0, down: 0, unlisted: 1 })
  expect(seenBy('node2')).toEqual({ alive: 0, suspect: 0, down: 0, unlisted: 1 })
  expect(seenBy('node3')).toEqual({ alive: 0, suspect: 0, down: 1, unlisted: 0 })
})

test('how every other node sees a member is told, this node first, with those that tell nothing', () => {
  expect(describeSights('node3', { ...divided(), nodeId: 'node2' })).toEqual([
    { node_id: 'node2', state: 'alive' },
    { node_id: 'node1', state: 'alive' },
    { node_id: 'node4', state: null },
    { node_id: 'node5', state: null },
  ])
  expect(describeSights('node1', divided())).toEqual([
    { node_id: 'node2', state: 'alive' },
    { node_id: 'node3', state: 'unlisted' },
    { node_id: 'node4', state: null },
    { node_id: 'node5', state: null },
  ])
  expect(describeSights('node9', divided())).toBeUndefined()
})

test('who has no SWIM at all does not say that a member is unlisted', () => {
  const swimOfNobody = { source: 'none', ageMs: null, members: [], isRecent: false }

  expect(describeSights('node2', sources({ swim: swimOfNobody, views: [] }))).toEqual([
    { node_id: 'node1', state: null },
    { node_id: 'node3', state: null },
  ])
})

test("what a node saw before its agent was lost is nobody's sight", () => {
  const lost = view(3, [swim(1), swim(2)], [])
  const before = '2026-01-15T09:59:54.000000Z'
  const change = {
    swim: { ...sources().swim, isRecent: false },
    views: [{ ...lost, view: { ...lost.view, swim: { ...lost.view.swim, takenAt: before } } }],
  }

  expect(describeSights('node2', sources(change))).toEqual([
    { node_id: 'node1', state: null },
    { node_id: 'node3', state: null },
  ])
  expect(memberOf(change, 'node2').swim.seen_by).toEqual({
    alive: 0,
    suspect: 0,
    down: 0,
    unlisted: 0,
  })
})
