import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import {
  bootstrapEdit,
  breakingEdit,
  firstText,
  listSteps,
  metricsEdit,
  openChanges,
  refusal,
} from './change-fixture.ts'

test.each([
  ['missing', (path: string) => rmSync(path), 'there is no such file'],
  [
    'a folder',
    (path: string) => {
      rmSync(path)
      symlinkSync('.', path)
    },
    'it is a folder',
  ],
  [
    'no TOML',
    (path: string) => writeFileSync(path, 'a = 1\na = 2\n'),
    'is no TOML, line 2, column 1',
  ],
  [
    'not UTF-8',
    (path: string) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x0a])),
    'it is not UTF-8',
  ],
])('a file that is %s is told as that', async (_name, spoil, message) => {
  await using opened = await openChanges()
  spoil(opened.path)

  expect(await refusal(() => opened.changes.read())).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(message),
  })
  expect(await refusal(opened.changes.check(bootstrapEdit))).toMatchObject({ code: 'unavailable' })
})

test('a link stays a link, and what it leads to is replaced', async () => {
  await using opened = await openChanges()
  const target = join(opened.folder, 'real.conf')
  renameSync(opened.path, target)
  symlinkSync('real.conf', opened.path)

  const change = await opened.edit(bootstrapEdit)

  expect(change).toMatchObject({ state: 'applied', backup: expect.stringContaining('/real.conf.') })
  expect(lstatSync(opened.path).isSymbolicLink()).toBe(true)
  expect(readFileSync(target, 'utf8')).toBe(firstText.replace(':8788', ':8789'))
})

test('the newest twenty backups are kept, and files of others', async () => {
  await using opened = await openChanges()
  writeFileSync(`${opened.path}.mine.bak`, 'mine')
  for (let port = 2000; port < 2023; port += 1) await opened.edit(metricsEdit(port))

  expect(opened.backups()).toHaveLength(21)
  expect(readFileSync(`${opened.path}.mine.bak`, 'utf8')).toBe('mine')
  await opened.changes.rollBack('x', listSteps())
  expect(opened.read()).toContain(':2021"')
})

test('a file keeps its owner and its mode through a change', async () => {
  await using opened = await openChanges()
  chmodSync(opened.path, 0o400)
  // Only root can give a file away.
  const owner = process.getuid?.() === 0 ? 65_534 : statSync(opened.path).uid
  chownSync(opened.path, owner, statSync(opened.path).gid)

  const change = await opened.edit(bootstrapEdit)

  for (const path of [opened.path, change.backup ?? '']) {
    expect(statSync(path)).toMatchObject({ uid: owner, mode: 0o100_400 })
  }
})

test('where the new file cannot be written, the change is given up and told', async () => {
  await using opened = await openChanges()
  // A folder where the temporary file is to be: it cannot be removed as a file.
  mkdirSync(join(opened.folder, '.node1.toml.corroport.tmp'))

  const change = await opened.edit(bootstrapEdit)

  expect(change).toMatchObject({
    state: 'abandoned',
    reason: expect.stringContaining('could not be written'),
  })
  expect(opened.told()).toEqual(['rejected'])
  expect(opened.read()).toBe(firstText)
  expect(opened.agent.texts).toEqual([])
})

test('a file changed by hand while the agent restarts is left as it is', async () => {
  await using opened = await openChanges()
  opened.agent.onRestart = () => opened.write('broken = ":1"')

  const change = await opened.edit(breakingEdit)

  expect(change).toMatchObject({
    state: 'abandoned',
    reason: expect.stringContaining('changed by hand'),
  })
  expect(opened.read()).toBe('broken = ":1"')
})
