import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { until } from '@corroport/testing'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import {
  type Loop,
  type LoopVariables,
  loopVariables,
  startLoop,
} from '../../../infra/docker/test/start-loop.ts'
import { pipeProcess } from '../src/agent/pipe-process.ts'
import { openControl, startNeighbours } from './agent-harness.ts'

jest.setTimeout(90_000)

let neighbours: Awaited<ReturnType<typeof startNeighbours>>
let variables: LoopVariables
let loop: Loop

beforeEach(async () => {
  neighbours = await startNeighbours()
  await neighbours.agent.kill('SIGKILL')
  variables = loopVariables(neighbours.agent)
  loop = startLoop(variables)
})
afterEach(async () => {
  await loop[Symbol.asyncDispose]()
  await neighbours.disposeAsync()
})

const options = () =>
  neighbours.optionsFor({
    AGENT_CONTROL: 'pipe',
    AGENT_CONTROL_DIR: variables.AGENT_CONTROL_DIR,
    AGENT_LOG: loop.log,
  })
const adapter = () =>
  pipeProcess({
    controlDir: variables.AGENT_CONTROL_DIR,
    stopTimeoutMs: 20_000,
    startTimeoutMs: 20_000,
  })

/** A control that has seen its agent run. */
async function openRunning() {
  const node = await openControl(options())
  await until(async () => node.control.phase === 'running' && (await isAnswering(node)))
  return node
}
const isAnswering = ({ client }: Awaited<ReturnType<typeof openControl>>): Promise<boolean> =>
  client.query('SELECT 1', { timeoutMs: 1000 }).then(
    () => true,
    () => false,
  )

/** A process that is killed in the middle of what it has begun. */
async function killWhile(command: 'stop' | 'restart'): Promise<void> {
  const owner = spawn(
    process.execPath,
    [join(import.meta.dirname, 'pipe-owner.ts'), JSON.stringify(options())],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
  expect(line).toBe('ready')
  owner.stdin.write(`${command}\n`)
  await until(() => loop.said().includes(`"what":"${command}"`))
  owner.kill('SIGKILL')
  await once(owner, 'exit')
}

test('an agent is restarted, held and started through the pipe of its container', async () => {
  await using node = await openRunning()
  const { control } = node

  const outcome = await control.restart('a test')
  expect(outcome).toMatchObject({ ok: true, wasKilled: false })
  expect(loop.state()).toEqual({ name: 'running', starts: 2 })
  process.stderr.write(`restart by pipe: ${JSON.stringify(outcome.ok && outcome.stepsMs)}\n`)

  loop.write('what another writer has not ended')
  expect(await control.stop('a test')).toMatchObject({ ok: true })
  expect(control).toMatchObject({ pid: undefined, phase: 'held' })
  expect(loop.state().name).toBe('stopped')

  expect(await control.start('a test')).toMatchObject({ ok: true })
  const told = (await node.toldUntilReady(4)).slice(-4)
  expect(told.map(({ kind }) => kind)).toEqual(['restarting', 'ready', 'restarting', 'ready'])
})

test('an agent that cannot start is told as failed at once, with its own words', async () => {
  await using node = await openRunning()
  const path = variables.AGENT_CONFIG ?? ''
  const good = readFileSync(path)
  writeFileSync(path, `${good.toString()}\nthis is no TOML\n`)

  const outcome = await node.control.restart('a test')

  expect(outcome).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/^the agent ended with exit code/),
  })
  const lines = outcome.ok ? [] : outcome.lastLogLines
  expect(lines.join('\n')).toContain('TOML')
  writeFileSync(path, good)
  await until(() => node.control.phase === 'running')
})

test('a restart whose asker is killed is ended by the loop, and told by the next process', async () => {
  await (await openRunning())[Symbol.asyncDispose]()
  await killWhile('restart')

  await using node = await openControl(options())

  await loop.reaches('running', 2)
  expect((await node.toldUntilReady(2)).at(-1)).toMatchObject({ kind: 'ready' })
  expect(loop.state().starts).toBe(2)
})

test('a stop whose asker is killed is done, and kept by the next process', async () => {
  await (await openRunning())[Symbol.asyncDispose]()
  await killWhile('stop')

  await using node = await openControl(options())

  await loop.reaches('stopped')
  expect(node.control).toMatchObject({ phase: 'held', isHeld: true })
  expect(await node.control.start('a test')).toMatchObject({ ok: true })
})

test('a stop is done although the loop began anew in the middle of it', async () => {
  await until(() => loop.state().name === 'running')
  const stopping = adapter().stop(true)
  await until(() => loop.said().includes('"what":"stop"'))

  await loop.end('SIGKILL')
  loop = startLoop(variables)

  expect(await stopping).toMatchObject({ wasKilled: false })
  expect(loop.state().name).toBe('stopped')
  expect(await adapter().find()).toBe('stopped')
})

test('without the container each call says that nobody reads the pipe', async () => {
  await loop.reaches('running')
  expect(await adapter().find()).toBe('running')
  expect(await loop.end('SIGTERM')).toBe(0)

  expect(await adapter().find()).toBe('stopped')
  await expect(adapter().stop(true)).rejects.toThrow(
    /nobody reads .*control: the agent's container/,
  )
  await expect(adapter().start()).rejects.toThrow(/nobody reads/)
  const elsewhere = { controlDir: '/nowhere', stopTimeoutMs: 1000, startTimeoutMs: 1000 }
  await expect(pipeProcess(elsewhere).start()).rejects.toThrow(/there is no \/nowhere\/control/)
})

test('a container that comes back has its agent told as away and as ready', async () => {
  await using node = await openRunning()
  const before = (await node.told()).length
  expect(await loop.end('SIGTERM')).toBe(0)
  const away = await until(async () => (await node.told()).slice(before)[0])
  expect(away).toMatchObject({ kind: 'restarting' })

  loop = startLoop(variables)

  expect((await node.toldUntilReady(before + 2)).at(-1)).toMatchObject({ kind: 'ready' })
})
