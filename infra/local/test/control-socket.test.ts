import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { controlCommand, listenForControl } from '../src/control-socket.ts'
import { createLayout, type Layout } from '../src/layout.ts'
import { Part } from '../src/part.ts'
import { findProcess } from '../src/process-identity.ts'
import { openRegister, type Register } from '../src/register.ts'
import { type PlainPart, plainPart, shape } from './plain-part.ts'

const run = promisify(execFile)

let layout: Layout
let register: Register
let parts: Part[]
let said: string[]
let control: Disposable

beforeEach(async () => {
  layout = createLayout(mkdtempSync(join(tmpdir(), 'corroport-local-')))
  mkdirSync(layout.logs)
  register = await openRegister(layout, 'agents', shape, () => undefined)
  said = []
  parts = (['willing', 'stubborn'] as const).map(create)
  control = await listenForControl(layout.controlSocket, parts)
})
afterEach(async () => {
  control[Symbol.dispose]()
  await Promise.all(parts.map((part) => part.kill()))
  register[Symbol.dispose]()
  rmSync(layout.home, { recursive: true, force: true })
})

const create = (name: PlainPart): Part =>
  new Part(
    { ...plainPart(layout, name), pidFile: layout.pidFile(1) },
    { register, say: (line) => void said.push(line) },
  )

async function ask(action: string, part: string): Promise<string> {
  const [program = '', ...args] = controlCommand(layout.controlSocket, part)
  const { stdout } = await run(
    program,
    args.map((arg) => arg.replace('{action}', action)),
  )
  return stdout.trim()
}

async function started(name: string): Promise<Part> {
  const part = parts.find((candidate) => candidate.name === name)
  if (!part) throw new Error(`there is no ${name}`)
  part.start()
  await part.ready(AbortSignal.timeout(10_000))
  return part
}

test('a part is stopped and started on request, which is no crash', async () => {
  const part = await started('willing')
  const first = part.pid ?? 0
  expect(await ask('status', 'willing')).toBe(`running ${first}`)
  expect(readFileSync(layout.pidFile(1), 'utf8').split('\n')[0]).toBe(String(first))

  expect(await ask('stop', 'willing')).toBe('stopped')

  expect([part.pid, findProcess(first), said]).toEqual([undefined, undefined, []])
  expect(existsSync(layout.pidFile(1))).toBe(false)
  expect(await ask('status', 'willing')).toBe('stopped')
  expect(await ask('start', 'willing')).toBe(`running ${part.pid}`)
  expect(await ask('start', 'willing')).toBe(`running ${part.pid}`)
  expect(part.pid).not.toBe(first)
})

test('a part that has to be killed is said to be', async () => {
  await started('stubborn')

  expect(await ask('stop', 'stubborn')).toBe('killed')
})

test('what its holder keeps away is not started on request', async () => {
  const part = await started('willing')
  await part.kill()

  await expect(ask('start', 'willing')).rejects.toMatchObject({
    code: 1,
    stderr: 'willing is kept away by who supervises it\n',
  })
  part.start()
  expect(await ask('start', 'willing')).toBe(`running ${part.pid}`)
})

test.each([
  ['wipe', 'willing', /action/],
  ['start', 'nats', /there is no nats here/],
])('%s of %s is refused', async (action, part, reason) => {
  await expect(ask(action, part)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(reason),
  })
})

test('only the owner of the account may ask, and what is no request is answered or cut', async () => {
  expect(statSync(layout.controlSocket).mode & 0o777).toBe(0o600)
  expect(await answerTo('no JSON\n')).toMatch(/"error"/)
  expect(await answerTo('x'.repeat(100_000))).toBe('')
})

test('without a supervisor the program says so', async () => {
  control[Symbol.dispose]()

  await expect(ask('start', 'willing')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the agents have no supervisor'),
  })
})

async function answerTo(sent: string): Promise<string> {
  const socket = connect(layout.controlSocket)
  socket.on('error', () => undefined) // it is cut while it sends
  socket.write(sent)
  return text(socket).catch(() => '')
}
