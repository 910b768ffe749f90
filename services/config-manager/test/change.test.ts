import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { createConfigChanges } from '../src/change/config-changes.ts'
import {
  bootstrapEdit,
  breakingEdit,
  firstText,
  listSteps,
  metricsEdit,
  openChanges,
  refusal,
  sha256,
} from './change-fixture.ts'

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
  const { sha256_before, sha256_after } = await changes.check(bootstrapEdit)
  const steps = listSteps()

  const change = await changes.apply(
    {
      edit: bootstrapEdit,
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

  const change = await opened.edit(breakingEdit)

  expect(opened.read()).toBe(firstText)
  expect(opened.agent.texts).toHaveLength(2)
  expect(opened.agent.texts[1]).toBe(firstText)
  expect(change).toMatchObject({ state: 'rolled-back', reason: 'it ended\nport 1: no permission' })
  expect(opened.told()).toEqual(['rolled-back'])
})

test('a file that was changed since the plan is not touched', async () => {
  await using opened = await openChanges()
  const { sha256_before: sha256Before, sha256_after: sha256After } =
    await opened.changes.check(bootstrapEdit)
  const byHand = firstText.replace('# node1', '# mine')
  opened.write(byHand)

  const wanted = { edit: bootstrapEdit, sha256Before, sha256After, by: 'test', rolloutId: null }
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
    edit: bootstrapEdit,
    sha256Before: sha256(firstText),
    sha256After: sha256(''),
    by: 'test',
    rolloutId: null,
  }

  expect(await refusal(opened.changes.apply(wanted, listSteps()))).toMatchObject({
    code: 'conflict',
  })
})

test('where nobody can restart the agent, nothing is written', async () => {
  await using opened = await openChanges()
  opened.agent.refusal = 'set AGENT_CONTROL'

  expect(await refusal(opened.edit(bootstrapEdit))).toMatchObject({
    code: 'unavailable',
    message: 'set AGENT_CONTROL',
  })
  expect(opened.read()).toBe(firstText)
  expect(opened.backups()).toEqual([])
})

test('rolled back twice, the file is where it was', async () => {
  await using opened = await openChanges()
  await opened.edit(metricsEdit(9501))
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

  const change = await opened.edit(metricsEdit(9501))
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
  await opened.edit(metricsEdit(9501), 'r1')

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
