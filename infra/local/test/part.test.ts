import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProcess } from '@corroport/node-process/process-ref.ts'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createLayout, type Layout } from '../src/layout.ts'
import { Part, restartDelayMs } from '../src/part.ts'
import { openRegister, type Register, readRecord } from '../src/register.ts'
import { type PlainPart, plainPart, shape } from './plain-part.ts'

let layout: Layout
let register: Register
let parts: Part[]
let said: string[]
let onSaid: () => void

beforeEach(async () => {
  layout = createLayout(mkdtempSync(join(tmpdir(), 'corroport-local-')))
  mkdirSync(layout.logs)
  register = await openRegister(layout, 'agents', shape, () => undefined)
  parts = []
  said = []
  onSaid = () => undefined
})

afterEach(async () => {
  await Promise.all(parts.map((part) => part.kill()))
  register[Symbol.dispose]()
  rmSync(layout.home, { recursive: true, force: true })
})

test('the delay before a restart doubles up to ten seconds', () => {
  expect([1, 2, 3, 6, 7, 50].map(restartDelayMs)).toEqual([200, 400, 800, 6400, 10_000, 10_000])
})

test('a part that is killed from outside comes back as another process', async () => {
  const part = await started('willing')
  const first = part.pid ?? 0

  process.kill(first, 'SIGKILL')
  await linesSaid(1)
  await part.ready(AbortSignal.timeout(10_000))

  expect(said).toEqual(['willing ended with SIGKILL, starting it again in 200 ms'])
  expect(part.pid).not.toBe(first)
  expect(readRecord(layout, 'agents')?.parts.map(({ pid }) => pid)).toEqual([part.pid])
})

test('a part that fails again and again is delayed more, with its last words', async () => {
  create('failing').start()

  await linesSaid(3)

  expect(said).toEqual([
    'failing ended with code 3, starting it again in 200 ms',
    'failing ended with code 3, starting it again in 400 ms: cannot go on',
    'failing ended with code 3, starting it again in 800 ms: cannot go on',
  ])
})

test('a part that was ready and is not any more says why', async () => {
  const part = await started('willing')

  writeFileSync(layout.log('willing'), '')

  await expect(part.ready(AbortSignal.timeout(300))).rejects.toThrow('aborted')
  expect(part.waitingFor).toBe('silent')
})

test('a part that is killed by its handle stays away until it is started', async () => {
  const part = await started('willing')
  const first = part.pid ?? 0

  await part.kill()

  expect([part.pid, findProcess(first), said]).toEqual([undefined, undefined, []])
  expect(part.waitingFor).toBe('SIGKILL')
  part.start()
  await part.ready(AbortSignal.timeout(10_000))
  expect(readFileSync(layout.log('willing'), 'utf8')).toBe(`up ${first}\nup ${part.pid}\n`)
})

test('a part that ignores SIGTERM is killed at its deadline', async () => {
  const part = await started('stubborn')

  await part.stop()

  expect(part.pid).toBeUndefined()
  expect(said).toEqual(['stubborn did not end in 0.3 s and is killed'])
})

test('a program that is not there is told and tried again', async () => {
  create('willing', '/nowhere/corrosion').start()

  await linesSaid(1)

  expect(said[0]).toMatch(/^willing ended with spawn .*ENOENT, starting it again in 200 ms$/)
})

function create(name: PlainPart, command?: string): Part {
  const definition = plainPart(layout, name)
  const part = new Part(
    { ...definition, command: command ?? definition.command },
    { register, say },
  )
  parts.push(part)
  return part
}

function say(line: string): void {
  said.push(line)
  onSaid()
}

async function started(name: PlainPart): Promise<Part> {
  const part = create(name)
  part.start()
  await part.ready(AbortSignal.timeout(10_000))
  return part
}

async function linesSaid(count: number): Promise<void> {
  while (said.length < count) {
    await new Promise<void>((resolve) => {
      onSaid = resolve
    })
  }
}
