import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fromTimestamp } from '@corroport/contracts'
import { until } from '@corroport/testing'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { agentCommand, killByPidFile, openControl, startNeighbours } from './agent-harness.ts'

jest.setTimeout(60_000)

let neighbours: Awaited<ReturnType<typeof startNeighbours>>

beforeEach(async () => {
  neighbours = await startNeighbours()
  await neighbours.agent.kill('SIGKILL')
})
afterEach(async () => {
  killByPidFile(join(neighbours.folder, 'agent.pid'))
  await neighbours.disposeAsync()
})

const optionsOfChild = () => {
  const { folder } = neighbours.agent
  return neighbours.optionsFor({
    AGENT_CONTROL: 'child',
    AGENT_COMMAND: JSON.stringify(agentCommand(folder)),
    AGENT_LOG: join(folder, 'agent.log'),
    TMPDIR: folder,
  })
}

/** A control whose agent runs as its child. */
async function openOwner() {
  const owner = await openControl(optionsOfChild())
  await until(() => owner.control.phase === 'running' && owner.control.pid)
  return owner
}

test('an agent that does not run is started, and each restart is told with its steps', async () => {
  await using owner = await openOwner()
  const { control, toldUntilReady } = owner
  const first = control.pid

  const steps: string[] = []
  const outcome = await control.restart('a test', (step) => steps.push(step))

  expect(outcome).toMatchObject({ ok: true, wasKilled: false })
  expect(steps).toEqual(['stop', 'start', 'http', 'subscription'])
  expect(control.pid).not.toBe(first)
  const events = await toldUntilReady(4)
  expect(events).toMatchObject([
    { kind: 'restarting', reason: 'the agent does not run' },
    { kind: 'ready', restartId: events[0]?.restartId },
    { kind: 'restarting', reason: 'a test' },
    { kind: 'ready', restartId: events[2]?.restartId },
  ])
  const { stepsMs } = outcome.ok ? outcome : { stepsMs: {} }
  expect(Object.keys(stepsMs)).toEqual(['stop', 'start', 'http', 'subscription'])
  expect(events[3]).toMatchObject({ stepsMs })
  process.stderr.write(`restart of a child: ${JSON.stringify(stepsMs)}\n`)
})

test('an agent that is killed is told as away within two seconds, and comes back', async () => {
  await using owner = await openOwner()

  const killedAt = Date.now()
  killByPidFile(join(neighbours.folder, 'agent.pid'))
  const events = await owner.toldUntilReady(4)

  expect(events[2]).toMatchObject({ kind: 'restarting', reason: 'the agent ended by itself' })
  const noticedMs = (fromTimestamp(events[2]?.at ?? '') ?? 0) / 1000 - killedAt
  process.stderr.write(`kill -9 to lifecycle.restarting: ${Math.round(noticedMs)} ms\n`)
  expect(noticedMs).toBeLessThan(2000)
})

test('an agent whose port is taken is told as failed with its own words, and comes later', async () => {
  await using owner = await openOwner()
  expect(await owner.control.stop('its port is given away')).toMatchObject({ ok: true })
  const thief = createServer().listen(Number(new URL(neighbours.agent.url).port), '127.0.0.1')
  await once(thief, 'listening')

  const startedAt = performance.now()
  const outcome = await owner.control.start('a test')

  expect(performance.now() - startedAt).toBeLessThan(10_000)
  if (outcome.ok) throw new Error('it started on a port that is taken')
  expect(outcome.reason).toBe('the agent ended during its start')
  expect(outcome.lastLogLines.join('\n')).toMatch(/(is|already) in use/)
  thief.close()
  const events = await owner.toldUntilReady(5)
  expect(events.map(({ kind }) => kind)).toEqual([
    'restarting',
    'ready',
    'restarting',
    'failed',
    'ready',
  ])
})

/** An owner in a process of its own, and the lines that it says. */
async function spawnOwner() {
  const path = join(import.meta.dirname, 'agent-owner.ts')
  const owner = spawn(process.execPath, [path, JSON.stringify(optionsOfChild())], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(owner.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<string> => String((await lines.next()).value)
  const pid = Number(/owns (\d+)/.exec(await next())?.[1])
  const kill = async (): Promise<void> => {
    owner.kill('SIGKILL')
    await once(owner, 'exit')
  }
  return { pid, next, kill, restart: () => owner.stdin.write('restart\n') }
}

test('an agent outlives its killed owner, and the next one adopts it', async () => {
  const owner = await spawnOwner()
  await owner.kill()

  await using next = await openOwner()

  expect(next.control.pid).toBe(owner.pid)
  expect((await next.toldUntilReady(2)).map(({ kind }) => kind)).toEqual(['restarting', 'ready'])
})

test('a restart whose owner is killed in the middle is ended by the next one', async () => {
  const owner = await spawnOwner()
  owner.restart()
  expect(await owner.next()).toBe('stop')
  await owner.kill()

  await using next = await openOwner()

  const events = await next.toldUntilReady(4)
  expect(events.slice(2)).toMatchObject([
    { kind: 'restarting', reason: 'a test' },
    { kind: 'ready', restartId: events[2]?.restartId },
  ])
  expect(next.control.phase).toBe('running')
})

test('an owner that is told to end in the middle of a restart finishes it first', async () => {
  await using owner = await openOwner()
  const { promise: isStopping, resolve } = Promise.withResolvers<void>()
  const restarted = owner.control.restart('a test', () => resolve())
  await isStopping

  await owner.control[Symbol.asyncDispose]()

  expect(await restarted).toMatchObject({ ok: true, wasKilled: false })
})

test('an agent that was stopped on purpose stays away over a restart of its owner', async () => {
  await using first = await openOwner()
  expect(await first.control.stop('a test')).toMatchObject({ ok: true, wasKilled: false })
  await first.disposeAsync()

  await using second = await openControl(optionsOfChild())

  expect(second.control).toMatchObject({ isHeld: true, phase: 'held', pid: undefined })
  const outcome = await second.control.start('enough')
  expect(outcome).toMatchObject({ ok: true })
  expect(second.control).toMatchObject({ isHeld: false, phase: 'running' })
  expect(outcome.restartId).toBe((await second.told()).at(-1)?.restartId)
})
