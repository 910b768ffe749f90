import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RefusalError } from '@corroport/bus'
import {
  type CommandDefinition,
  configPlanned,
  configQueried,
  configRollbackRequested,
  rolloutStarted,
  rolloutSteered,
  rolloutsQueried,
} from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import type { Static, TSchema } from 'typebox'
import { registerConfig } from '../src/routes/config.ts'
import { routesOfFile } from './harness.ts'

const routes = routesOfFile(registerConfig)

/** What the catalogue shows as the answer of a command. */
function exampleOf<R extends TSchema>(
  command: CommandDefinition<string, TSchema, R>,
  name: string,
): Static<R> {
  const path = join(
    import.meta.dirname,
    `../../../packages/contracts/fixtures/command-config-manager-${name}.json`,
  )
  return command.parseReply(JSON.parse(readFileSync(path, 'utf8')).reply)
}

test('a plan is asked of this node, and applied by the one that made it', async () => {
  const { plan } = exampleOf(configPlanned, 'plan')
  const { rollout } = exampleOf(rolloutStarted, 'apply')
  const asked: unknown[] = []
  await using _planning = routes.bus.respond(configPlanned, { nodeId: 'node1' }, (request) => {
    asked.push(request)
    return { plan }
  })
  await using _applying = routes.bus.respond(rolloutStarted, { nodeId: 'node7' }, (request) => {
    asked.push(request)
    return { rollout }
  })
  const planId = 'node7_01KF0HNNTV9V8R7D2M5XNCJ4AT'

  const planned = await routes.post('/api/config/plan', {
    bootstrap: ['10.0.0.1:8787'],
    nodes: 'all',
  })
  const applied = await routes.post('/api/config/apply', { plan_id: planId, confirm: planId })
  const unconfirmed = await routes.post('/api/config/apply', { plan_id: planId, confirm: 'yes' })

  expect(planned.statusCode).toBe(200)
  expect(planned.json()).toMatchObject({ plan, node_id: 'node1' })
  expect(applied.statusCode).toBe(202)
  expect(applied.json()).toMatchObject({ rollout })
  expect(unconfirmed.statusCode).toBe(422)
  expect(asked).toEqual([
    { edit: { bootstrap: ['10.0.0.1:8787'] }, nodes: 'all', by: 'operator' },
    { planId, by: 'operator' },
  ])
})

test('every malformed host is in the one answer', async () => {
  const problems = ['"x:0": the port must be …', '"": is empty']
  await using _planning = routes.bus.respond(configPlanned, { nodeId: 'node1' }, () => {
    throw new RefusalError('invalid', '2 hosts are malformed', problems)
  })

  const answer = await routes.post('/api/config/plan', { bootstrap: ['x:0', ''], nodes: ['node2'] })

  expect(answer.statusCode).toBe(422)
  expect(answer.json()).toMatchObject({
    detail: '2 hosts are malformed',
    errors: problems.map((message) => ({ path: '', message })),
  })
})

test('rollouts are shown and steered, and one that does not exist is 404', async () => {
  const { rollouts } = exampleOf(rolloutsQueried, 'rollouts')
  const [rollout] = rollouts
  if (!rollout) throw new Error('the example has a rollout')
  await using _asking = routes.bus.respond(rolloutsQueried, { nodeId: 'node1' }, ({ id }) => ({
    rollouts: rollouts.filter((one) => id === undefined || one.id === id),
  }))
  await using _steering = routes.bus.respond(rolloutSteered, { nodeId: 'node1' }, ({ action }) => {
    if (action === 'resume') throw new RefusalError('conflict', 'it has ended')
    return { rollout: { ...rollout, reason: action } }
  })

  expect((await routes.get('/api/config/rollouts')).json()).toMatchObject({ rollouts })
  expect((await routes.get(`/api/config/rollouts/${rollout.id}`)).json()).toMatchObject({ rollout })
  expect((await routes.get('/api/config/rollouts/none')).statusCode).toBe(404)
  expect((await routes.post(`/api/config/rollouts/${rollout.id}/pause`)).json()).toMatchObject({
    rollout: { reason: 'pause' },
  })
  expect((await routes.post(`/api/config/rollouts/${rollout.id}/resume`)).statusCode).toBe(409)
})

test('a file is asked of its node, and rolled back there', async () => {
  const { file, changes } = exampleOf(configQueried, 'config')
  const begun = exampleOf(configRollbackRequested, 'rollback')
  await using _asking = routes.bus.respond(configQueried, { nodeId: 'node2' }, (request) => ({
    file,
    changes: changes.slice(0, request.changes),
  }))
  await using _rolling = routes.bus.respond(
    configRollbackRequested,
    { nodeId: 'node1' },
    () => begun,
  )

  const shown = await routes.get('/api/config?node=node2&changes=0')
  const back = await routes.post('/api/config/rollback')

  expect(shown.json()).toMatchObject({ file, changes: [], node_id: 'node1' })
  expect(back.statusCode).toBe(202)
  expect(back.json()).toMatchObject(begun)
})

test.each([
  ['GET', '/api/config', undefined],
  ['POST', '/api/config/plan', { bootstrap: [], nodes: 'all' }],
  ['POST', '/api/config/restore', { node_id: 'node3' }],
] as const)('%s %s is 503 while its config-manager is away', async (method, url, payload) => {
  const answer = method === 'GET' ? await routes.get(url) : await routes.post(url, payload)

  expect(answer.statusCode).toBe(503)
  expect(answer.json().detail).toMatch(/config-manager of node\d does not answer/)
})

test.each([
  ['/api/config/plan', { bootstrap: ['a:1'] }],
  ['/api/config/plan', { bootstrap: ['a:1'], nodes: [] }],
  ['/api/config/plan', { bootstrap: ['a:1'], nodes: 'all', setting: {} }],
  ['/api/config/apply', { plan_id: 'x' }],
  ['/api/config/rollback', { node_id: 'a.b' }],
])('POST %s with %j is 400', async (url, payload) => {
  expect((await routes.post(url, payload)).statusCode).toBe(400)
})
