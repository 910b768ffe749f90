import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aborted, type Bus, connectBus } from '@corroport/bus'
import { durablesFor, lifecycleReady, streams } from '@corroport/contracts'
import {
  createTemporaryFolder,
  freePort,
  natsServerProgram,
  startNatsServer,
} from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { corroport, startCorroport } from './corroport.ts'

const ready = {
  nodeId: 'node1',
  restartId: 'r1',
  at: '2026-01-15T10:00:00Z',
  stepsMs: { stop: 6000 },
}

/** Publishes texts as anyone with access could, in order. */
async function publish(url: string, messages: readonly [string, string][]): Promise<void> {
  await using bus: Bus = connectBus({ url, name: 'test', log: pino({ level: 'silent' }) })
  const { promise: published, resolve } = Promise.withResolvers<void>()
  bus.onConnected(async ({ nats }, signal) => {
    for (const [subject, text] of messages) nats.publish(subject, text)
    await nats.flush()
    resolve()
    await aborted(signal)
  })
  await published
}

test('events are tapped, and those that break their contract are marked', async () => {
  await using nats = await startNatsServer()
  const environment = { NATS_URL: nats.url }
  await using plain = startCorroport(['tap'], { environment })
  await using json = startCorroport(
    ['tap', 'corro.lifecycle.*.node1', '--json', '--records-only'],
    {
      environment,
    },
  )
  expect(await plain.note()).toBe(`tapping corro.> at ${new URL(nats.url).host}`)
  await json.note()

  await publish(nats.url, [
    ['corro.hint.node.node1', 'not JSON'],
    ['corro.lifecycle.unheard.node1', '{}'],
    [lifecycleReady.subject({ nodeId: 'node1' }), JSON.stringify(ready)],
    [lifecycleReady.subject({ nodeId: 'node1' }), JSON.stringify({ ...ready, at: 'now' })],
  ])

  const lines = [await plain.line(), await plain.line(), await plain.line(), await plain.line()]
  expect(lines.map((line) => line.slice('10:00:00.123  '.length))).toEqual([
    'corro.hint.node.node1  INVALID not JSON  not JSON',
    'corro.lifecycle.unheard.node1  INVALID no event has this subject  {}',
    `corro.lifecycle.ready.node1  ${JSON.stringify(ready)}`,
    expect.stringContaining(
      'INVALID corro.lifecycle.ready.{nodeId} does not fit its contract: /at',
    ),
  ])
  expect(JSON.parse(await json.line())).toEqual({
    time: expect.any(String),
    subject: 'corro.lifecycle.ready.node1',
    kind: 'record',
    payload: ready,
    violation: null,
  })
  expect(JSON.parse(await json.line())).toMatchObject({
    payload: { at: 'now' },
    violation: expect.stringContaining('/at'),
  })
  expect(await plain.end('SIGINT')).toBe(130)
})

test('a tap goes on when NATS was away', async () => {
  await using nats = await startNatsServer()
  await using tap = startCorroport(['tap'], { environment: { NATS_URL: nats.url } })
  await tap.note()

  await nats.kill()
  expect(await tap.note()).toBe('nats lost')
  await nats.start()
  expect(await tap.note()).toContain('tapping')

  await publish(nats.url, [[lifecycleReady.subject({ nodeId: 'node1' }), JSON.stringify(ready)]])
  expect(await tap.line()).toContain('corro.lifecycle.ready.node1')
})

test('streams and durables are made once', async () => {
  await using nats = await startNatsServer()
  const environment = { NATS_URL: nats.url }

  const first = await corroport(['streams', 'apply', '--nodes', 'node1,fra-1'], { environment })
  const second = await corroport(['streams', 'apply', '--nodes', '2', '--json'], { environment })

  const ofAll = [...streams, ...durablesFor([])].map(({ name }) => name)
  const created = ['subscriber_node1', 'ack-sender_node1', 'subscriber_fra-1', 'ack-sender_fra-1']
  expect(first.code).toBe(0)
  expect(first.stdout.trimEnd().split(/\n/)).toEqual([
    'STREAM OR DURABLE  OUTCOME',
    ...created.map((name) => `${name.padEnd(17)}  created`),
    ...ofAll.map((name) => `${name.padEnd(17)}  unchanged`),
  ])
  expect(JSON.parse(second.stdout)).toEqual({
    created: ['subscriber_node2', 'ack-sender_node2'],
    updated: [],
    unchanged: [...ofAll, 'subscriber_node1', 'ack-sender_node1'],
  })
})

test('a server with users says what is needed', async () => {
  await using server = await startServerWithUsers()
  const environment = { NATS_URL: server.url }
  const tapper = { ...environment, NATS_USER: 'tapper', NATS_PASSWORD: 'secret' }
  const where = `corroport: NATS at ${server.url} refuses`

  expect(await corroport(['tap'], { environment })).toEqual({
    code: 1,
    stdout: '',
    stderr: `${where} a connection without a user: set NATS_USER and NATS_PASSWORD to one that may tap corro.>\n`,
  })
  expect((await corroport(['streams', 'apply'], { environment })).stderr).toBe(
    `${where} a connection without a user: set NATS_USER and NATS_PASSWORD to one that may create streams\n`,
  )
  expect((await corroport(['tap', 'other.>'], { environment: tapper })).stderr).toContain(
    `${where} user tapper: set NATS_USER and NATS_PASSWORD to one that may tap other.>\n`,
  )
  await using tap = startCorroport(['tap'], { environment: tapper })
  expect(await tap.note()).toContain('tapping corro.>')
})

test('an absent server is named without its password', async () => {
  const port = await freePort()
  const url = `nats://user:secret@127.0.0.1:${port}`
  const stderr = `corroport: no NATS server reached at nats://127.0.0.1:${port}: is the cluster running? Start it with npm start\n`

  for (const command of [['tap'], ['streams', 'apply']]) {
    expect(await corroport([...command, '--nats', url])).toEqual({ code: 1, stdout: '', stderr })
  }
})

async function startServerWithUsers(): Promise<AsyncDisposable & { url: string }> {
  const folder = createTemporaryFolder()
  const port = await freePort()
  const config = join(folder.path, 'nats.conf')
  writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"
jetstream { store_dir: "${folder.path}" }
authorization { users: [
  { user: tapper, password: secret, permissions: { publish: "none", subscribe: "corro.>" } }
] }`,
  )
  const child = spawn(natsServerProgram(), ['-c', config])
  let output = ''
  while (!output.includes('Server is ready')) output += String(await once(child.stderr, 'data'))
  child.stderr.resume()
  return {
    url: `nats://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await once(child, 'exit')
      folder[Symbol.dispose]()
    },
  }
}
