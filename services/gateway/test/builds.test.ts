// A build controller behind the gateway's API; what it answers is what the catalogue shows.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RefusalError } from '@corroport/bus'
import {
  type BuildControllerAnnounced,
  buildCommands,
  buildControllerAnnounced,
  type CommandDefinition,
} from '@corroport/contracts'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Heard, openHeard } from '../src/heard.ts'
import { registerBuilds } from '../src/routes/builds.ts'
import { routesOfFile } from './harness.ts'

const fixture = (name: string) => {
  const folder = join(import.meta.dirname, '../../../packages/contracts/fixtures')
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
}
const replyOf = (name: string) => fixture(`command-build-controller-${name}`).reply
const answeredBy = { node_id: 'node1', timestamp: expect.any(String) }

let buildControllers: Heard<BuildControllerAnnounced>
const stack = new AsyncDisposableStack()
const routes = routesOfFile((app, { bus, config }) => {
  buildControllers = stack.use(
    openHeard(
      (take) => bus.hear(buildControllerAnnounced, take),
      ({ controllerId }) => controllerId,
    ),
  )
  registerBuilds(app, { bus, config, buildControllers })
})
afterAll(() => stack.disposeAsync())

test('where no controller answers, it says so', async () => {
  const { status, body } = await ask('GET', '/api/builds')

  expect(status).toBe(503)
  expect(body).toMatchObject({
    detail: expect.stringContaining('a build controller does not answer'),
  })
})

async function ask(method: 'GET' | 'POST', url: string) {
  const answer = await routes.inject({ method, url })
  const body: unknown = answer.json()
  return { status: answer.statusCode, body }
}

const asked: { command: string; request: unknown }[] = []

/** From here on one is there. */
async function startAnswering(): Promise<void> {
  const commands: readonly CommandDefinition[] = buildCommands
  for (const command of commands) {
    const name = command.template.split('.')[3] ?? ''
    const answer = (request: unknown): unknown => {
      asked.push({ command: name, request })
      const text = JSON.stringify(request)
      if (text.includes('"ended"')) throw new RefusalError('conflict', 'the build is dead already')
      if (name === 'build' && text.includes('"nobody"')) return { build: null, events: [] }
      if (name === 'log' && text.includes('"nobody"')) return { lines: [], status: null }
      return replyOf(name)
    }
    stack.use(routes.bus.respond(command, {}, answer))
  }
  await until(async () => (await ask('GET', '/api/builds')).status === 200)
}

describe('where one answers', () => {
  beforeAll(startAnswering)

  test.each([
    [
      'GET',
      '/api/builds?status=failed&worker=w1&limit=5',
      'builds',
      { status: 'failed', workerId: 'w1', limit: 5 },
    ],
    ['GET', '/api/builds/workers', 'workers', { limit: 1000 }],
    ['GET', '/api/builds/throughput', 'throughput', { hours: 24 }],
    ['GET', '/api/builds/b1', 'build', { id: 'b1' }],
    ['GET', '/api/builds/b1/log?after=7', 'log', { id: 'b1', after: 7, limit: 1000 }],
    ['POST', '/api/builds/b1/cancel', 'steer', { id: 'b1', to: 'cancel' }],
    ['POST', '/api/builds/b1/retry', 'steer', { id: 'b1', to: 'retry' }],
    ['POST', '/api/builds/workers/w1/drain', 'steer-worker', { id: 'w1', to: 'draining' }],
    ['POST', '/api/builds/workers/w1/resume', 'steer-worker', { id: 'w1', to: 'here' }],
  ] as const)('%s %s asks a controller for %s', async (method, path, command, request) => {
    const { status, body } = await ask(method, path)

    expect(status).toBe(200)
    expect(body).toEqual({ ...replyOf(command), ...answeredBy })
    expect(asked.at(-1)).toEqual({ command, request })
  })

  test.each([
    ['/api/builds/nobody', 404],
    ['/api/builds/nobody/log', 404],
    ['/api/builds?status=lost', 400],
    ['/api/builds?limit=501', 400],
    ['/api/builds/..%2f..%2fx', 400],
  ])('GET %s is answered %d', async (path, status) => {
    expect((await ask('GET', path)).status).toBe(status)
  })

  test('what a controller refuses is refused', async () => {
    const { status, body } = await ask('POST', '/api/builds/ended/cancel')

    expect(status).toBe(409)
    expect(body).toMatchObject({ detail: 'the build is dead already' })
  })

  test('controllers are shown with what they said last', async () => {
    const said = buildControllerAnnounced.parse(fixture('hint-builds'))
    const { controllerId } = said
    await until(() => {
      routes.bus.hint(buildControllerAnnounced, { controllerId }, said)
      return buildControllers.anyPresent() === controllerId
    })

    const { body } = await ask('GET', '/api/builds/controllers')

    expect(body).toEqual({
      controllers: [{ ...said, presence: 'present', heardAt: expect.any(String) }],
      ...answeredBy,
    })
  })
})
