import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProcess } from '@corroport/node-process/process-ref.ts'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createLayout, type Layout } from '../src/layout.ts'
import { openRegister, readRecord } from '../src/register.ts'
import { shape } from './plain-part.ts'

let layout: Layout
let supervisor: ChildProcess
let childPids: number[]
let opened: DisposableStack

beforeEach(async () => {
  opened = new DisposableStack()
  layout = createLayout(mkdtempSync(join(tmpdir(), 'corroport-local-')))
  supervisor = spawn(process.execPath, [join(import.meta.dirname, 'supervisor.ts'), layout.home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(supervisor.stdout!, 'data') // piped two lines above
  childPids = String(line).trim().split(' ').map(Number)
})

afterEach(async () => {
  opened.dispose()
  await killSupervisor()
  const left = await openRegister(layout, 'agents', shape, () => undefined)
  left[Symbol.dispose]()
  rmSync(layout.home, { recursive: true, force: true })
})

test('what a killed supervisor left behind is ended by the next one', async () => {
  await killSupervisor()
  expect(childPids.map((pid) => findProcess(pid)?.pid)).toEqual(childPids)
  const said: string[] = []

  opened.use(await openRegister(layout, 'agents', shape, (line) => said.push(line)))

  expect(childPids.map((pid) => findProcess(pid))).toEqual([undefined, undefined])
  expect(said).toEqual(['ending what an earlier run left behind: willing, stubborn'])
  expect(readRecord(layout, 'agents')?.parts).toEqual([])
})

test('a second supervisor is refused, and told the first', async () => {
  await expect(openRegister(layout, 'agents', shape, () => undefined)).rejects.toThrow(
    `the agents run already under pid ${supervisor.pid}`,
  )
  expect(childPids.map((pid) => findProcess(pid)?.pid)).toEqual(childPids)
})

test('the layers are held apart', async () => {
  opened.use(await openRegister(layout, 'services', shape, () => undefined))

  expect(readRecord(layout, 'services')?.supervisor.pid).toBe(process.pid)
})

async function killSupervisor(): Promise<void> {
  if (supervisor.signalCode !== null) return
  supervisor.kill('SIGKILL')
  await once(supervisor, 'exit')
}
