import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { withLock } from './lock.mjs'

const holder = `
import { withLock } from ${JSON.stringify(new URL('lock.mjs', import.meta.url).href)}
await withLock(process.argv[1], () => new Promise((resolve) => {
  console.log('held')
  process.stdin.once('data', resolve)
}))
process.stdin.destroy()
`

describe('a lock', () => {
  let folder: string
  let path: string
  let child: ChildProcess | undefined

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'corroport-lock-'))
    path = join(folder, 'work.lock')
  })

  afterEach(async () => {
    if (child?.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    child = undefined
    rmSync(folder, { recursive: true })
  })

  async function holdElsewhere(): Promise<ChildProcess> {
    const args = ['--input-type=module', '--eval', holder, path]
    const started = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    child = started
    await once(started.stdout, 'data')
    return started
  }

  test('is waited for while its owner works', async () => {
    const owner = await holdElsewhere()
    const events: string[] = []

    await withLock(
      path,
      async () => events.push('worked'),
      (pid: number) => {
        events.push(`waiting for ${pid}`)
        owner.stdin?.write('\n')
      },
    )

    expect(events).toEqual([`waiting for ${owner.pid}`, 'worked'])
    expect(existsSync(path)).toBe(false)
  })

  test('of a killed process is taken over', async () => {
    const owner = await holdElsewhere()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    expect(existsSync(path)).toBe(true)

    const text = await withLock(path, async () => readFileSync(path, 'utf8'), failOnWait)

    expect(text).toMatch(new RegExp(` ${process.pid}$`))
  })

  test('of a killed process is waited for while its child goes on', async () => {
    const owner = await holdElsewhere()
    writeFileSync(path, readFileSync(path, 'utf8').replace(/\d+$/, `999999999 ${owner.pid}`))
    let waitedFor: number | undefined

    await withLock(
      path,
      async () => undefined,
      (pid: number) => {
        waitedFor = pid
        owner.kill('SIGKILL')
      },
    )

    expect(waitedFor).toBe(owner.pid)
  })

  test('of a time before the last boot is taken over, though its number is in use', async () => {
    const owner = await holdElsewhere()
    utimesSync(path, 0, 0)

    await withLock(path, async () => undefined, failOnWait)

    expect(owner.exitCode).toBeNull()
  })

  test('of another host is taken over once it is silent', async () => {
    writeFileSync(path, `elsewhere ${process.ppid}`)
    let hasWaited = false

    await withLock(
      path,
      async () => undefined,
      () => {
        hasWaited = true
        utimesSync(path, 0, 0)
      },
    )

    expect(hasWaited).toBe(true)
  })

  test('is released when the work fails', async () => {
    const work = withLock(path, () => Promise.reject(new Error('no disk')), failOnWait)

    await expect(work).rejects.toThrow('no disk')
    expect(existsSync(path)).toBe(false)
  })
})

function failOnWait(pid: number): void {
  throw new Error(`waits for ${pid}`)
}
