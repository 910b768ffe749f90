import { createParser, type Plan, Rollout, type StepReport } from '@corroport/contracts'
import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  beginRollout,
  hasEnded,
  nextAction,
  type Observation,
  observe,
  refuseSteering,
} from './rollout-machine.ts'

const at = '2026-01-15T10:00:00.000000Z'
const by = 'operator'
const before = 'a'.repeat(64)
const after = 'b'.repeat(64)

function plan(...nodeIds: string[]): Plan {
  return {
    id: 'node1_01',
    edit: { bootstrap: ['127.0.0.1:8787'] },
    node_ids: nodeIds,
    nodes: nodeIds.map((node_id) => ({
      node_id,
      diff: '',
      sha256_before: before,
      sha256_after: after,
      bootstrap_before: [],
      bootstrap_after: [],
      gossip_address_before: null,
      gossip_address_after: null,
      resolved: [],
      problems: [],
      warnings: [],
      agent: { state: 'ready', actor_id: null },
      clock: at,
    })),
    graph: { components: [], single_points_of_failure: [], unknown_seeds: [] },
    problems: [],
    warnings: [],
    by,
    created_at: at,
    expires_at: at,
  }
}

const begun = (...nodeIds: string[]): Rollout =>
  beginRollout(plan(...nodeIds), { coordinator: 'node1', epoch: 1, by, at })

const reported = (
  nodeId: string,
  state: StepReport['state'],
  reason: string | null = null,
): Observation => ({ kind: 'reported', nodeId, report: { state, reason, stepsMs: { [state]: 1 } } })
const passed = (nodeId: string): Observation => ({
  kind: 'checked',
  nodeId,
  failure: null,
  stepsMs: { members: 2 },
})
const gateFailed = (nodeId: string): Observation => ({
  kind: 'checked',
  nodeId,
  failure: 'unseen',
  stepsMs: {},
})
const silent = (nodeId: string): Observation => ({ kind: 'silent', nodeId, reason: 'no answer' })
const steered = (action: 'pause' | 'resume' | 'abort'): Observation => ({
  kind: 'steered',
  action,
  by,
})
const takenOver = (epoch: number): Observation => ({
  kind: 'taken-over',
  coordinator: 'node3',
  epoch,
})

const after2 = (...observations: Observation[]): Rollout =>
  observations.reduce((rollout, one) => observe(rollout, one, at), begun('node2', 'node1'))

const shapeOf = ({ state, nodes }: Rollout): string =>
  `${state}: ${nodes.map((step) => step.state).join(' ')}`

const applied = [reported('node2', 'applied'), passed('node2')]

test.each<[string, Observation[], string]>([
  ['it begins with the first node', [], 'running: applying waiting'],
  ['an applied node is checked', [reported('node2', 'applied')], 'running: checking waiting'],
  ['after a checked one the next begins', applied, 'running: done applying'],
  [
    'it succeeds with the last',
    [...applied, reported('node1', 'applied'), passed('node1')],
    'succeeded: done done',
  ],
  ['a node that runs changes nothing', [reported('node2', 'running')], 'running: applying waiting'],
  [
    'a node that undid it by itself stops it',
    [reported('node2', 'rolled-back', 'no bind')],
    'stopped: rolled-back skipped',
  ],
  [
    'a node that could not begin stops it',
    [reported('node2', 'failed', 'file changed')],
    'stopped: failed skipped',
  ],
  [
    'a node that fails a gate is rolled back',
    [reported('node2', 'applied'), gateFailed('node2')],
    'running: rolling-back waiting',
  ],
  [
    'and the rest is left alone',
    [reported('node2', 'applied'), gateFailed('node2'), reported('node2', 'rolled-back')],
    'stopped: rolled-back skipped',
  ],
  [
    'a roll back that fails is said',
    [reported('node2', 'applied'), gateFailed('node2'), reported('node2', 'failed', 'no file')],
    'stopped: failed skipped',
  ],
  ['a silent node is to undo it', [silent('node2')], 'running: rolling-back waiting'],
  [
    'and failed when it stays silent',
    [silent('node2'), silent('node2')],
    'stopped: failed skipped',
  ],
  [
    'a later node that fails leaves the earlier ones changed',
    [...applied, reported('node1', 'rolled-back', 'x')],
    'stopped: done rolled-back',
  ],
  ['a pause lets the node end', [steered('pause')], 'pausing: applying waiting'],
  ['a pause begins between nodes', [steered('pause'), ...applied], 'paused: done waiting'],
  [
    'a resumed one goes on',
    [steered('pause'), ...applied, steered('resume')],
    'running: done applying',
  ],
  ['a pause can be taken back', [steered('pause'), steered('resume')], 'running: applying waiting'],
  [
    'a pause with the last node ends it',
    [...applied, steered('pause'), reported('node1', 'applied'), passed('node1')],
    'succeeded: done done',
  ],
  [
    'an abort lets the node end and leaves out the rest',
    [steered('abort'), ...applied],
    'aborted: done skipped',
  ],
  [
    'an abort while paused is at once',
    [steered('pause'), ...applied, steered('abort')],
    'aborted: done skipped',
  ],
  [
    'an abort with the last node comes too late',
    [...applied, steered('abort'), reported('node1', 'applied'), passed('node1')],
    'succeeded: done done',
  ],
  [
    'a node that fails while it is aborted is named',
    [steered('abort'), reported('node2', 'rolled-back', 'x')],
    'stopped: rolled-back skipped',
  ],
  [
    'an aborted one cannot be resumed',
    [steered('abort'), steered('resume')],
    'aborting: applying waiting',
  ],
  [
    'a report of another node is ignored',
    [reported('node1', 'applied')],
    'running: applying waiting',
  ],
  [
    'gates of a node that is not checked are ignored',
    [passed('node2')],
    'running: applying waiting',
  ],
  [
    'a late report does not undo what was checked',
    [...applied, reported('node2', 'failed')],
    'running: done applying',
  ],
  ['a take-over changes no step', [takenOver(2)], 'running: applying waiting'],
])('%s', (_, observations, shape) => {
  const rollout = after2(...observations)

  expect(shapeOf(rollout)).toBe(shape)
  expect(createParser('rollout', Rollout)(rollout)).toBe(rollout)
})

test('what changes nothing gives the same document, what does goes one version on', () => {
  const rollout = begun('node2', 'node1')

  expect(observe(rollout, passed('node1'), at)).toBe(rollout)
  expect(observe(rollout, takenOver(1), at)).toBe(rollout)
  expect(observe(rollout, takenOver(2), at)).toMatchObject({
    version: rollout.version + 1,
    epoch: 2,
    coordinator: 'node3',
  })
})

test('the reason of a node is kept, and is the reason of the rollout', () => {
  const rollout = after2(
    reported('node2', 'applied'),
    gateFailed('node2'),
    reported('node2', 'rolled-back'),
  )

  expect(rollout.reason).toBe('node2: unseen')
  expect(rollout.nodes[0]).toMatchObject({
    reason: 'unseen',
    steps_ms: { applied: 1, 'rolled-back': 1 },
    finished_at: at,
  })
  expect(refuseSteering(rollout, 'pause')).toContain('has ended: stopped')
})

test('whatever comes in whatever order, one node at a time is under way and it ends', () => {
  const seed = Number(process.env.CORROPORT_SEED ?? Math.floor(Math.random() * 2 ** 31))
  process.stdout.write(`seed ${seed}\n`)
  const random = seededRandom(seed)
  const pick = <T>(list: readonly T[]): T => {
    const picked = list[Math.floor(random() * list.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }
  const nodeIds = ['node2', 'node3', 'node4', 'node1']
  const anything = (epoch: number): Observation => {
    const nodeId = pick(nodeIds)
    return pick<() => Observation>([
      () => reported(nodeId, pick(['running', 'applied', 'rolled-back', 'failed'])),
      () => silent(nodeId),
      () => passed(nodeId),
      () => gateFailed(nodeId),
      () => steered(pick(['pause', 'resume', 'abort'])),
      () => takenOver(epoch + pick([-1, 0, 1])),
    ])()
  }
  const fitting = (rollout: Rollout): Observation => {
    const action = nextAction(rollout)
    if (action.kind === 'check') return pick([passed, passed, gateFailed])(action.step.node_id)
    if (action.kind !== 'execute') return steered(pick(['resume', 'abort']))
    return reported(
      action.step.node_id,
      pick(
        action.action === 'apply'
          ? ['applied', 'applied', 'rolled-back', 'failed']
          : ['rolled-back', 'failed'],
      ),
    )
  }

  for (let run = 0; run < 500; run += 1) {
    let rollout = begun(...nodeIds)
    for (let count = 0; !hasEnded(rollout); count += 1) {
      // Disorder first, and only then what a coordinator would really see.
      const observation = count < 20 ? anything(rollout.epoch) : fitting(rollout)
      const next = observe(rollout, observation, at)

      const underWay = next.nodes.filter((step) =>
        ['applying', 'checking', 'rolling-back'].includes(step.state),
      )
      expect(underWay.length).toBeLessThanOrEqual(1)
      expect(next.version).toBe(next === rollout ? rollout.version : rollout.version + 1)
      expect(next.epoch).toBeGreaterThanOrEqual(rollout.epoch)
      // A node that has ended its step never moves again.
      const ended = rollout.nodes.filter((step) => step.finished_at !== null)
      expect(next.nodes).toEqual(expect.arrayContaining(ended))
      rollout = next
      expect(count).toBeLessThan(60)
    }
    expect(rollout.nodes.every((step) => step.state !== 'waiting')).toBe(true)
    expect(nextAction(rollout)).toEqual({ kind: 'end' })
  }
})
