import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@corroport/testing'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { openControl, startNeighbours } from './agent-harness.ts'

jest.setTimeout(60_000)

let neighbours: Awaited<ReturnType<typeof startNeighbours>>

beforeEach(async () => {
  neighbours = await startNeighbours()
})
afterEach(() => neighbours.disposeAsync())

const open = (command: readonly string[]) =>
  openControl(
    neighbours.optionsFor({ AGENT_CONTROL: 'command', AGENT_COMMAND: JSON.stringify(command) }),
  )

/** A wrapper as one would write around a supervisor; `stop` is what it does for that. */
function script(stop: string): string[] {
  const path = join(neighbours.folder, 'control.sh')
  const status = `echo running ${neighbours.agent.pid}`
  writeFileSync(path, `case $1 in status) ${status};; stop) ${stop};; start) ;; esac\n`)
  return ['sh', path, '{action}']
}

test.each([
  [
    ['/nowhere/systemctl', '{action}', 'agent'],
    /^\/nowhere\/systemctl stop agent cannot be run \(ENOENT\)$/,
  ],
  [undefined, /^sh .*control\.sh stop ended with code 3: unit is masked$/],
])(
  'a command that fails is the reason, and the agent that was never away is ready',
  async (command, reason) => {
    const failing = script('echo unit is masked >&2; exit 3')
    await using node = await open(command ?? failing)
    const { control } = node

    const outcome = await control.restart('a test')

    expect(outcome).toMatchObject({ ok: false, reason: expect.stringMatching(reason) })
    expect(await node.toldUntilReady(3)).toMatchObject([
      { kind: 'restarting', reason: 'a test' },
      { kind: 'failed', reason: expect.stringMatching(reason), lastLogLines: [] },
      { kind: 'ready', restartId: outcome.restartId },
    ])
    expect(control).toMatchObject({ phase: 'running', isHeld: false })
  },
)

test('a process is known by what the command says of it', async () => {
  await using node = await open(script('exit 0'))

  expect(await until(() => node.control.pid)).toBe(neighbours.agent.pid)
})

test('an agent that hangs is reported and not killed', async () => {
  await using node = await open(script('exit 0'))
  await until(() => node.control.pid)

  await neighbours.agent.kill('SIGSTOP')
  const check = async () => {
    const { checks } = await node.health.summary()
    return checks.find(({ name }) => name === 'agent process')
  }
  const bad = await until(async () => {
    const found = await check()
    return found?.ok === false && found
  })

  expect(bad.detail).toBe(`running, pid ${neighbours.agent.pid}, it does not answer`)
  expect(await node.told()).toEqual([])
  await neighbours.agent.kill('SIGCONT')
  await until(async () => (await check())?.ok)
})

test('without anybody to ask, every call is refused with what to set', async () => {
  await using node = await openControl(neighbours.optionsFor({}))

  await expect(node.control.restart('a test')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('AGENT_CONTROL'),
  })
})
