import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { createConfigChanges } from '../src/change/config-changes.ts'
import { bootstrapEdit, firstText, openChanges } from './change-fixture.ts'

test('a restart that is broken off by a stop of this process is gone on with by the next', async () => {
  await using opened = await openChanges()
  const { agent, changes } = opened
  const after = firstText.replace(':8788', ':8789')
  agent.onRestart = () => {
    throw new Error('this process is stopping')
  }
  await expect(opened.edit(bootstrapEdit)).rejects.toThrow('stopping')
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
    await expect(opened.edit(bootstrapEdit)).rejects.toThrow('killed')
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
