import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { RefusalError } from '@corroport/bus'
import { expect, test } from '@jest/globals'
import { createConfigChanges } from '../src/change/config-changes.ts'
import { firstText, listSteps, openChanges, sha256 } from './change-fixture.ts'

const bootstrap = { bootstrap: ['127.0.0.1:8789'] }
const breaking = { settings: { 'telemetry.prometheus.addr': '127.0.0.1:1' } }
const metrics = (port: number) => ({
  settings: { 'telemetry.prometheus.addr': `127.0.0.1:${port}` },
})

async function refusal(work: Promise<unknown> | (() => unknown)): Promise<RefusalError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof RefusalError) return error
    throw error
  }
  throw new Error('it was not refused')
}

test('the file is shown without its secrets', async () => {
  await using opened = await openChanges()

  const file = opened.changes.read()

  expect(file).toMatchObject({
    node_id: 'node1',
    path: opened.path,
    sha256: sha256(firstText),
    size_bytes: firstText.length,
    bootstrap: ['127.0.0.1:8788'],
    gossip_address: '127.0.0.1:8787',
    canonical: { path: opened.canonicalPath, differs: true },
    parsed: { api: { authz: { 'bearer-token': '***' } } },
  })
  expect(file.text).toBe(firstText.replace('s3cret', '***'))
})

test('an edit is looked at and nothing is written', async () => {
  await using opened = await openChanges()

  const checked = await opened.changes.check({ bootstrap: ['127.0.0.1:8789', '[::1]:8789'] })

  expect(checked).toMatchObject({
    sha256_before: sha256(firstText),
    bootstrap_before: ['127.0.0.1:8788'],
    bootstrap_after: ['127.0.0.1:8789', '[::1]:8789'],
    gossip_address_after: '127.0.0.1:8787',
    resolved: [
      { host: '127.0.0.1:8789', addresses: ['127.0.0.1:8789'], error: null },
      { host: '[::1]:8789', addresses: [], error: 'is only IPv6, and the gossip address is IPv4' },
    ],
    problems: [],
    warnings: [],
  })
  expect(checked.diff).toContain('-bootstrap = ["127.0.0.1:8788"]\n+bootstrap = ["127.0.0.1:8789"')
  expect(opened.read()).toBe(firstText)
})

test('everything that is wrong with an edit is told at once, and nothing is changed', async () => {
  await using opened = await openChanges()
  const edit = { bootstrap: ['fdaa::1', 'a"b:1'], settings: { 'db.path': 'x', 'log.colors': 1 } }

  const checked = await opened.changes.check(edit)

  expect(checked.problems).toHaveLength(4)
  expect(checked).toMatchObject({ diff: '', sha256_after: sha256(firstText) })
  expect(await refusal(opened.edit(edit))).toMatchObject({
    code: 'invalid',
    problems: checked.problems,
  })
})

test('a change is applied: the old file is kept, the agent runs on the new one, it is told', async () => {
  await using opened = await openChanges()
  const { changes, agent } = opened
  const { sha256_before, sha256_after } = await changes.check(bootstrap)
  const steps = listSteps()

  const change = await changes.apply(
    {
      edit: bootstrap,
      sha256Before: sha256_before,
      sha256After: sha256_after,
      by: 'ann',
      rolloutId: 'r1',
    },
    steps,
  )

  const after = firstText.replace(':8788', ':8789')
  expect(opened.read()).toBe(after)
  expect(agent.texts).toEqual([after])
  expect(change).toMatchObject({
    action: 'apply',
    state: 'applied',
    by: 'ann',
    rollout_id: 'r1',
    reason: null,
  })
  expect(readFileSync(change.backup ?? '', 'utf8')).toBe(firstText)
  expect(statSync(opened.path).mode & 0o777).toBe(0o640)
  expect(statSync(change.backup ?? '').mode & 0o777).toBe(0o640)
  expect(changes.latest(10)).toEqual([change])
  expect(changes.ofRollout('r1')).toEqual(change)
  expect(opened.told()).toEqual(['applied'])
  expect(steps.names).toEqual(['write', 'stop', 'start'])
  const secrets = opened.state.db
    .prepare('SELECT bytes_before, bytes_after FROM config_change')
    .get()
  expect(secrets).toEqual({ bytes_before: null, bytes_after: null })
})

test('an agent that does not come back is back on the old file', async () => {
  await using opened = await openChanges()

  const change = await opened.edit(breaking)

  expect(opened.read()).toBe(firstText)
  expect(opened.agent.texts).toHaveLength(2)
  expect(opened.agent.texts[1]).toBe(firstText)
  expect(change).toMatchObject({ state: 'rolled-back', reason: 'it ended\nport 1: no permission' })
  expect(opened.told()).toEqual(['rolled-back'])
})

test('a file that was changed since the plan is not touched', async () => {
  await using opened = await openChanges()
  const { sha256_before: sha256Before, sha256_after: sha256After } =
    await opened.changes.check(bootstrap)
  const byHand = firstText.replace('# node1', '# mine')
  opened.write(byHand)

  const wanted = { edit: bootstrap, sha256Before, sha256After, by: 'test', rolloutId: null }
  const error = await refusal(opened.changes.apply(wanted, listSteps()))

  expect(error.code).toBe('conflict')
  expect(error.message).toContain(sha256(byHand))
  expect(error.message).toContain(sha256(firstText))
  expect(opened.read()).toBe(byHand)
  expect(opened.changes.latest(10)).toEqual([])
})

test('an edit that makes another file than the planned one is refused', async () => {
  await using opened = await openChanges()
  const wanted = {
    edit: bootstrap,
    sha256Before: sha256(firstText),
    sha256After: sha256(''),
    by: 'test',
    rolloutId: null,
  }

  expect(await refusal(opened.changes.apply(wanted, listSteps()))).toMatchObject({
    code: 'conflict',
  })
})

test('rolled back twice, the file is where it was', async () => {
  await using opened = await openChanges()
  await opened.edit(metrics(9501))
  const applied = opened.read()

  const back = await opened.changes.rollBack('ann', listSteps())
  expect(back).toMatchObject({ action: 'rollback', state: 'applied' })
  expect(opened.read()).toBe(firstText)

  await opened.changes.rollBack('ann', listSteps())
  expect(opened.read()).toBe(applied)
  expect(opened.told()).toEqual(['applied', 'applied', 'applied'])
})

test('without a change, a backup, or with another file there is no way back', async () => {
  await using opened = await openChanges()
  const { changes } = opened
  expect(await refusal(changes.rollBack('x', listSteps()))).toMatchObject({
    code: 'conflict',
    message: 'node1 has no change to go back from',
  })

  const change = await opened.edit(metrics(9501))
  const applied = opened.read()
  opened.write(`${applied}# mine\n`)
  expect((await refusal(changes.rollBack('x', listSteps()))).message).toContain('has changed since')

  opened.write(applied)
  writeFileSync(change.backup ?? '', 'other')
  expect((await refusal(changes.rollBack('x', listSteps()))).message).toContain(
    'is not the file of',
  )
  rmSync(change.backup ?? '')
  expect((await refusal(changes.rollBack('x', listSteps()))).message).toContain('is gone')
  expect(opened.read()).toBe(applied)
})

test("a rollout's change is undone once, however often it is asked", async () => {
  await using opened = await openChanges()
  const { changes } = opened
  await opened.edit(metrics(9501), 'r1')

  const first = await changes.rollBack('x', listSteps(), 'r1')
  const second = await changes.rollBack('x', listSteps(), 'r1')

  expect(first).toMatchObject({ action: 'rollback', rollout_id: 'r1', state: 'applied' })
  expect(second).toEqual(first)
  expect(changes.ofRollout('r1')).toEqual(first)
  expect(opened.read()).toBe(firstText)
  expect(await refusal(changes.rollBack('x', listSteps(), 'r2'))).toMatchObject({
    code: 'conflict',
  })
})

test('a rollback that fails leaves the change of the rollout standing', async () => {
  await using opened = await openChanges(firstText.replace(':8787', ':1'))
  const { changes, agent } = opened
  await opened.edit({ settings: { 'gossip.addr': '127.0.0.1:8787' } }, 'r1')

  const failed = await changes.rollBack('x', listSteps(), 'r1')

  expect(failed).toMatchObject({ action: 'rollback', state: 'rolled-back' })
  expect(opened.read()).toBe(firstText)
  expect(agent.texts.at(-1)).toBe(firstText)
  expect(changes.ofRollout('r1')).toMatchObject({ action: 'apply', state: 'applied' })
})

test('the canonical file comes back, also over one that is no TOML', async () => {
  await using opened = await openChanges('token = "s3cret')
  const canonical = readFileSync(opened.canonicalPath, 'utf8')

  const change = await opened.changes.restoreCanonical('ann', listSteps())

  expect(change).toMatchObject({ action: 'restore', state: 'applied' })
  expect(change.diff).not.toContain('s3cret')
  expect(opened.read()).toBe(canonical)
  expect(await refusal(opened.changes.restoreCanonical('ann', listSteps()))).toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('nothing would change'),
  })
})

test('a canonical file that would lose the agent, or is none, is refused', async () => {
  await using opened = await openChanges()
  writeFileSync(
    opened.canonicalPath,
    firstText.replace(':8081', ':8082').replace('/data/', '/other/'),
  )
  expect(await refusal(opened.changes.restoreCanonical('x', listSteps()))).toMatchObject({
    code: 'conflict',
    problems: [
      'db.path is another one in the canonical file',
      'api.addr is another one in the canonical file',
    ],
  })

  writeFileSync(opened.canonicalPath, '[db')
  expect(await refusal(opened.changes.restoreCanonical('x', listSteps()))).toMatchObject({
    code: 'unavailable',
  })
  rmSync(opened.canonicalPath)
  expect(await refusal(opened.changes.restoreCanonical('x', listSteps()))).toMatchObject({
    code: 'unavailable',
  })
  expect(opened.changes.read().canonical).toBeNull()

  const without = createConfigChanges({ ...opened.deps, canonicalPath: null })
  expect(await refusal(without.restoreCanonical('x', listSteps()))).toMatchObject({
    code: 'not-found',
  })
  expect(opened.read()).toBe(firstText)
})

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
  expect(await refusal(opened.changes.check(bootstrap))).toMatchObject({ code: 'unavailable' })
})

test('a link stays a link, and what it leads to is replaced', async () => {
  await using opened = await openChanges()
  const target = join(opened.folder, 'real.conf')
  renameSync(opened.path, target)
  symlinkSync('real.conf', opened.path)

  const change = await opened.edit(bootstrap)

  expect(change).toMatchObject({ state: 'applied', backup: expect.stringContaining('/real.conf.') })
  expect(lstatSync(opened.path).isSymbolicLink()).toBe(true)
  expect(readFileSync(target, 'utf8')).toBe(firstText.replace(':8788', ':8789'))
})

test('the newest twenty backups are kept, and files of others', async () => {
  await using opened = await openChanges()
  writeFileSync(`${opened.path}.mine.bak`, 'mine')
  for (let port = 2000; port < 2023; port += 1) await opened.edit(metrics(port))

  expect(opened.backups()).toHaveLength(21)
  expect(readFileSync(`${opened.path}.mine.bak`, 'utf8')).toBe('mine')
  await opened.changes.rollBack('x', listSteps())
  expect(opened.read()).toContain(':2021"')
})

test('where the new file cannot be written, the change is given up and told', async () => {
  await using opened = await openChanges()
  // A folder where the temporary file is to be: it cannot be removed as a file.
  mkdirSync(join(opened.folder, '.node1.toml.corroport.tmp'))

  const change = await opened.edit(bootstrap)

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

  const change = await opened.edit(breaking)

  expect(change).toMatchObject({
    state: 'abandoned',
    reason: expect.stringContaining('changed by hand'),
  })
  expect(opened.read()).toBe('broken = ":1"')
})

test('where nobody can restart the agent, nothing is written', async () => {
  await using opened = await openChanges()
  opened.agent.refusal = 'set AGENT_CONTROL'

  expect(await refusal(opened.edit(bootstrap))).toMatchObject({
    code: 'unavailable',
    message: 'set AGENT_CONTROL',
  })
  expect(opened.read()).toBe(firstText)
  expect(opened.backups()).toEqual([])
})

test('a restart that is broken off by a stop of this process is gone on with by the next', async () => {
  await using opened = await openChanges()
  const { agent, changes } = opened
  const after = firstText.replace(':8788', ':8789')
  agent.onRestart = () => {
    throw new Error('this process is stopping')
  }
  await expect(opened.edit(bootstrap)).rejects.toThrow('stopping')
  expect(changes.latest(1)).toMatchObject([{ state: 'written', finished_at: null }])

  agent.onRestart = () => undefined
  await createConfigChanges(opened.deps).recover()

  expect(opened.read()).toBe(after)
  expect(agent.texts).toEqual([after])
  expect(changes.latest(1)).toMatchObject([{ state: 'applied', reason: null }])
})

test.each([
  ['intended', 'old', null, 'abandoned', 0],
  ['intended', 'new', null, 'applied', 1],
  ['intended', 'neither', null, 'abandoned', 0],
  ['written', 'new', null, 'applied', 1],
  ['written', 'new', 'it ended', 'rolled-back', 1],
  ['written', 'old', 'it ended', 'rolled-back', 1],
  ['written', 'neither', null, 'abandoned', 0],
])(
  'left %s with the %s file and the reason %j, a change ends %s',
  async (left, which, reason, ends, restarts) => {
    await using opened = await openChanges()
    const { agent, changes, state } = opened
    const after = firstText.replace(':8788', ':8789')
    agent.onRestart = () => {
      throw new Error('killed')
    }
    await expect(opened.edit(bootstrap)).rejects.toThrow('killed')
    state.db.prepare('UPDATE config_change SET state = ?, reason = ?').run(left, reason)
    const text = { old: firstText, new: after, neither: 'mine = 1\n' }[which] ?? ''
    opened.write(text)
    writeFileSync(join(opened.folder, '.node1.toml.corroport.tmp'), 'half a fi')
    agent.onRestart = () => undefined

    await changes.recover()
    await changes.recover()

    const [change] = changes.latest(1)
    expect(change).toMatchObject({ state: ends, finished_at: expect.any(String) })
    expect(agent.texts).toHaveLength(restarts)
    const expected = { applied: after, 'rolled-back': firstText, abandoned: text }[ends]
    expect(opened.read()).toBe(expected)
    expect(agent.texts.at(-1) ?? expected).toBe(expected)
    expect(readdirSync(opened.folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(opened.told()).toHaveLength(1)
  },
)

test('a file keeps its owner and its mode through a change', async () => {
  await using opened = await openChanges()
  chmodSync(opened.path, 0o400)
  // Only root can give a file away.
  const owner = process.getuid?.() === 0 ? 65_534 : statSync(opened.path).uid
  chownSync(opened.path, owner, statSync(opened.path).gid)

  const change = await opened.edit(bootstrap)

  for (const path of [opened.path, change.backup ?? '']) {
    expect(statSync(path)).toMatchObject({ uid: owner, mode: 0o100_400 })
  }
})
