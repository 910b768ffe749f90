import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { findProcess } from '@corroport/node-process/process-ref.ts'
import { type CorrosionAgent, startCorrosionAgent, until } from '@corroport/testing'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { type LoopVariables, loopVariables, startLoop } from './start-loop.ts'

jest.setTimeout(60_000)

let agent: CorrosionAgent
let variables: LoopVariables

beforeEach(async () => {
  agent = await startCorrosionAgent()
  await agent.kill('SIGKILL')
  variables = loopVariables(agent)
})
afterEach(async () => {
  await agent[Symbol.asyncDispose]()
})

const answers = async (): Promise<boolean> => {
  const asked = fetch(`${agent.url}/v1/queries`, { signal: AbortSignal.timeout(1000) })
  return await asked.then(() => true).catch(() => false)
}
const runs = (pid: number): boolean => findProcess(pid) !== undefined

/** A program in the agent's place. */
function script(text: string): string {
  const path = join(agent.folder, 'program')
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

function breakConfig(): { mend: () => void } {
  const path = join(agent.folder, 'agent.toml')
  const good = readFileSync(path)
  writeFileSync(path, `${good.toString()}\nthis is no TOML\n`)
  return { mend: () => writeFileSync(path, good) }
}

test('an agent is stopped and started on request, and the loop goes on', async () => {
  await using loop = startLoop(variables)
  await until(answers)
  const first = loop.agentPid()

  expect(await loop.ask('stop 20')).toBe('ok')
  expect(loop.state()).toEqual({ name: 'stopped', starts: 1 })
  expect(await answers()).toBe(false)

  expect(await loop.ask('start')).toBe('ok')
  expect(loop.state()).toEqual({ name: 'running', starts: 2 })
  await until(answers)
  expect(loop.agentPid()).not.toBe(first)
  expect(runs(loop.pid ?? 0)).toBe(true)
})

test('an agent that is killed comes back', async () => {
  await using loop = startLoop(variables)
  await until(answers)

  process.kill(loop.agentPid() ?? 0, 'SIGKILL')

  await loop.reaches('running', 2)
  await until(answers)
  expect(loop.said()).toContain('the agent ended by signal 9')
  // Of what a real agent unpacks at each start, no more than its own.
  const { kind, folder } = agent
  expect(readdirSync(join(folder, 'agent'))).toHaveLength(kind === 'real' ? 1 : 0)
})

test('an agent that does not end in time is killed, and the answer says so', async () => {
  await using loop = startLoop(variables)
  await until(answers)
  process.kill(loop.agentPid() ?? 0, 'SIGSTOP')

  expect(await loop.ask('stop 1')).toBe('killed')
})

test('two restarts at once are done one after the other', async () => {
  await using loop = startLoop(variables)
  await until(answers)

  expect(await Promise.all([loop.ask('restart 20'), loop.ask('restart 20')])).toEqual(['ok', 'ok'])

  await loop.reaches('running', 3)
  expect(await loop.ask('start')).toBe('ok')
  expect(loop.state()).toEqual({ name: 'running', starts: 3 })
})

test.each([
  ['running', []],
  ['stopped', ['stop 20']],
])('SIGTERM ends a loop whose agent is %s, and the agent', async (state, commands) => {
  await using loop = startLoop(variables)
  await until(answers)
  const pid = loop.agentPid() ?? 0
  for (const command of commands) await loop.ask(command)
  expect(loop.state().name).toBe(state)

  expect(await loop.end('SIGTERM')).toBe(0)

  expect(runs(pid)).toBe(false)
  expect(loop.state().name).toBe(state === 'running' ? 'ended' : 'stopped')
})

test('SIGTERM ends a loop whose agent is just starting', async () => {
  await using loop = startLoop(variables)
  const pid = await until(() => loop.agentPid())

  expect(await loop.end('SIGTERM')).toBe(0)

  expect(runs(pid)).toBe(false)
})

test('SIGTERM ends a loop that waits before it starts the agent again', async () => {
  await using loop = startLoop({ ...variables, AGENT_BIN: script('exit 3') })
  await loop.reaches('waiting', 3)

  expect(await loop.end('SIGTERM')).toBe(0)
  expect(loop.said()).toContain('the agent ended with exit code 3')
})

test('SIGTERM in the middle of a stop shortens its time', async () => {
  const AGENT_BIN = script('trap "" TERM; while :; do sleep 1; done')
  await using loop = startLoop({ ...variables, AGENT_BIN, AGENT_STOP_TIMEOUT_SECONDS: '1' })
  const pid = await until(() => loop.agentPid())
  loop.write('a-stop stop 600\n')
  await until(() => loop.said().includes('"what":"stop"'))

  expect(await loop.end('SIGTERM')).toBe(0)

  expect(runs(pid)).toBe(false)
  expect(loop.state().name).toBe('stopped')
})

test('what is no command is told by a line, and changes nothing', async () => {
  await using loop = startLoop({ ...variables, AGENT_BIN: script('exec sleep 1000') })
  await loop.reaches('running', 1)
  const pid = loop.agentPid()

  const lines = ['hello', 'a stop', 'a stop 0', 'a stop 1000', 'a start now', '$(reboot) start']
  loop.write([...lines, '\u0001"\\\u00e4', 'x'.repeat(600)].map((line) => `${line}\n`).join(''))
  const refusals = () => loop.said().match(/^.*no command, nothing is done.*$/gm) ?? []
  await until(() => refusals().length === lines.length + 3)

  for (const line of refusals()) expect(() => JSON.parse(line)).not.toThrow()
  expect(loop.state()).toEqual({ name: 'running', starts: 1 })
  expect(loop.agentPid()).toBe(pid)
})

test('half a line of one writer does not spoil the command of the next', async () => {
  await using loop = startLoop({ ...variables, AGENT_BIN: script('exec sleep 1000') })
  await loop.reaches('running', 1)

  loop.write('abc')
  await until(() => loop.said().includes('"line":"abc"'))
  loop.write('a st')
  loop.write('op 1\n')
  await loop.reaches('stopped')

  expect(await loop.ask('stop 1')).toBe('ok')
})

test('a loop that is killed is followed by one that ends the agent it left, and starts its own', async () => {
  const first = startLoop(variables)
  await until(answers)
  const orphan = first.agentPid() ?? 0
  expect(await first.end('SIGKILL')).toBe('SIGKILL')
  expect(runs(orphan)).toBe(true)

  await using second = startLoop(variables)
  await second.reaches('running', 2)

  expect(runs(orphan)).toBe(false)
  await until(answers)
  expect(await second.ask('start')).toBe('ok')
  expect(second.state().starts).toBe(2)
})

test('an agent that was stopped on request stays so when the loop begins anew', async () => {
  const first = startLoop(variables)
  await until(answers)
  await first.ask('stop 20')
  await first.end('SIGKILL')

  await using second = startLoop(variables)
  await until(() => second.said().includes('agent loop runs'))
  expect(await second.ask('stop 1')).toBe('ok')

  expect(second.state()).toEqual({ name: 'stopped', starts: 1 })
  expect(await second.ask('start')).toBe('ok')
})

test('a second loop in the same folder ends with what to do', async () => {
  await using first = startLoop({ ...variables, AGENT_BIN: script('exec sleep 1000') })
  await first.reaches('running', 1)
  const pid = first.agentPid()

  await using second = startLoop({ ...variables, AGENT_BIN: script('exec sleep 1000') })
  await until(() => second.said().includes('another agent-loop uses'))

  expect(first.agentPid()).toBe(pid)
})

test('an agent that cannot start is the answer, and its words are in the log', async () => {
  const broken = breakConfig()
  await using loop = startLoop(variables)
  await loop.reaches('waiting', 1)

  expect(await loop.ask('start')).toMatch(
    /^failed the agent ended with exit code \d+ \d\.\d s after/,
  )
  expect(readFileSync(loop.log, 'utf8')).toContain('TOML')

  broken.mend()
  await until(answers)
})

test('the canonical file is copied once, and without either file a line names both', async () => {
  const { AGENT_CONFIG: config = '' } = variables
  const canonical = join(agent.folder, 'canonical.toml')
  const AGENT_CONFIG = join(agent.folder, 'copy/agent.toml')
  mkdirSync(join(agent.folder, 'copy'))
  await using loop = startLoop({ ...variables, AGENT_CONFIG, AGENT_CANONICAL_CONFIG: canonical })
  await until(() => loop.said().includes(`neither ${AGENT_CONFIG} nor ${canonical}`))

  writeFileSync(canonical, readFileSync(config))
  await until(answers)
  expect(readFileSync(AGENT_CONFIG)).toEqual(readFileSync(config))

  writeFileSync(canonical, '')
  await loop.ask('restart 20')
  expect(await loop.ask('start')).toBe('ok')
})

test('an agent is told the own address, and started again when that changes', async () => {
  // hostname, the only one that is asked for it.
  const bin = join(agent.folder, 'bin')
  mkdirSync(bin)
  const addresses = join(agent.folder, 'addresses')
  writeFileSync(addresses, '10.9.8.7 fd00::7\n')
  writeFileSync(join(bin, 'hostname'), `#!/bin/sh\nexec cat ${addresses}\n`, { mode: 0o755 })
  const AGENT_BIN = script('echo "told $GOSSIP__EXTERNAL_ADDR"; exec sleep 1000')
  const { AGENT_EXTERNAL_ADDR: _, ...others } = variables
  await using loop = startLoop({
    ...others,
    AGENT_BIN,
    PATH: `${bin}:${process.env.PATH}`,
  })
  await until(() => loop.said().includes('told 10.9.8.7:8787\n'))

  writeFileSync(addresses, '\n')
  writeFileSync(addresses, 'fd00::9\n')

  await until(() => loop.said().includes('told [fd00::9]:8787\n'))
  await loop.reaches('running', 2)
})

test('variables that hide sections of the file are not handed on', async () => {
  const AGENT_BIN = script('echo "hears ${DB-no} ${log-no} ${RUST_LOG-no} $*"; exec sleep 1000')
  await using loop = startLoop({ ...variables, AGENT_BIN, DB: 'x', log: 'x', RUST_LOG: 'warn' })

  await until(() => loop.said().includes(`hears no no warn agent -c ${variables.AGENT_CONFIG}\n`))
})

test('the log stays small, and ends with what was said last', async () => {
  const AGENT_BIN = script(
    'yes "a line of an agent that says very much" | head -n 60000; echo at last; exec sleep 1000',
  )
  await using loop = startLoop({ ...variables, AGENT_BIN })
  await until(() => loop.said().includes('at last\n'))

  // It is emptied and written again: read in between, it is short and ends with nothing.
  await until(() => {
    const text = readFileSync(loop.log, 'utf8')
    return text.length <= 1_048_576 && text.endsWith('at last\n')
  })
})

test('a log that is shortened loses nothing of what is said meanwhile', async () => {
  const AGENT_BIN = script(`line=0
while :; do
  line=$((line + 1))
  echo "line $line of an agent that goes on${' and on'.repeat(30)}"
  [ $((line % 10)) -ne 0 ] || sleep 0.001
done`)
  await using loop = startLoop({ ...variables, AGENT_BIN })
  await until(() => existsSync(loop.log))
  let size = 0
  await until(() => {
    const before = size
    size = statSync(loop.log).size
    return size < before
  })

  const text = await until(
    () => statSync(loop.log).size > 400_000 && readFileSync(loop.log, 'utf8'),
  )
  const numbers = [...text.matchAll(/^line (\d+) of/gm)].map(([, number]) => Number(number))
  const [first = 0] = numbers
  expect(first).toBeGreaterThan(1)
  expect(numbers).toEqual(numbers.map((_, index) => first + index))
})

test('live and ready tell what is so', async () => {
  const say = (what: string) => {
    const env = { PATH: process.env.PATH, ...variables }
    const path = join(import.meta.dirname, '../agent/agent-loop')
    const { status, stdout } = spawnSync(path, [what], { env, encoding: 'utf8' })
    return [status, stdout.trim()]
  }
  expect(say('live')).toEqual([1, 'the loop does not run'])
  await using loop = startLoop(variables)
  await until(answers)
  expect(say('live')).toEqual([0, ''])
  expect(say('ready')).toEqual([0, ''])

  await loop.ask('stop 20')

  expect(say('live')).toEqual([0, ''])
  expect(say('ready')).toEqual([1, 'the agent is stopped'])
  await loop.end('SIGTERM')
  expect(say('live')).toEqual([1, 'the loop does not run'])
})
