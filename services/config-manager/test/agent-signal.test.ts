import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPidFile } from '@corroport/node-process/process-ref.ts'
import { until } from '@corroport/testing'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { agentCommand, killByPidFile, openControl, startNeighbours } from './agent-harness.ts'

jest.setTimeout(60_000)

// What a container runs as its process 1. Its first argument is the pid file.
const loop = `
pid_file=$1; shift
while :; do
  while [ -e "$pid_file.hold" ]; do sleep 0.05; done
  "$@" &
  { echo $!; cut -d ' ' -f 22 /proc/$!/stat; } > "$pid_file.draft"
  mv "$pid_file.draft" "$pid_file"
  wait $!
done`

let neighbours: Awaited<ReturnType<typeof startNeighbours>>
let pidFile: string
let supervisor: ChildProcess

beforeEach(async () => {
  neighbours = await startNeighbours()
  const { agent, folder } = neighbours
  await agent.kill('SIGKILL')
  pidFile = join(folder, 'agent.pid')
  supervisor = spawn('sh', ['-c', loop, 'loop', pidFile, ...agentCommand(agent.folder)], {
    env: { ...process.env, TMPDIR: agent.folder },
    stdio: 'ignore',
  })
})
afterEach(async () => {
  writeFileSync(`${pidFile}.hold`, '')
  supervisor.kill('SIGKILL')
  await once(supervisor, 'exit')
  killByPidFile(pidFile)
  await neighbours.disposeAsync()
})

const open = () =>
  openControl(neighbours.optionsFor({ AGENT_CONTROL: 'signal', AGENT_PID_FILE: pidFile }))

test('a signalled agent is started again by its loop, and held away by a file', async () => {
  await using node = await open()
  const { control } = node
  const first = await until(() => control.phase === 'running' && control.pid)

  const outcome = await control.restart('a test')

  expect(outcome).toMatchObject({ ok: true, wasKilled: false })
  expect(control.pid).toBe(readPidFile(pidFile)?.pid)
  expect(control.pid).not.toBe(first)
  process.stderr.write(`restart by signal: ${JSON.stringify(outcome.ok && outcome.stepsMs)}\n`)

  expect(await control.stop('a test')).toMatchObject({ ok: true })
  expect(existsSync(`${pidFile}.hold`)).toBe(true)
  expect(control).toMatchObject({ pid: undefined, phase: 'held' })
  expect(await control.start('a test')).toMatchObject({ ok: true })
  expect((await node.toldUntilReady(4)).map(({ kind }) => kind)).toEqual([
    'restarting',
    'ready',
    'restarting',
    'ready',
  ])
})

test('a process that merely has the number of the agent is not signalled', async () => {
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  await once(bystander, 'spawn')
  await until(() => existsSync(pidFile))
  writeFileSync(`${pidFile}.hold`, '')
  killByPidFile(pidFile)
  writeFileSync(pidFile, `${bystander.pid}\n1\n`)
  await using node = await open()

  expect(await node.control.stop('a test')).toMatchObject({ ok: true })

  expect(bystander.exitCode).toBeNull()
  bystander.kill('SIGKILL')
  expect(await once(bystander, 'exit')).toEqual([null, 'SIGKILL'])
})
