import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCorrosionClient } from '@corroport/corrosion-client'
import {
  type CorrosionAgent,
  createTemporaryFolder,
  startCorrosionAgent,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { inspectAgent } from '../src/agent/inspect-agent.ts'

let agent: CorrosionAgent
beforeAll(async () => {
  agent = await startCorrosionAgent()
}, 30_000)
afterAll(async () => {
  await agent[Symbol.asyncDispose]()
})

const inspect = (change: Partial<Parameters<typeof inspectAgent>[0]> = {}) =>
  inspectAgent({
    configPath: join(agent.folder, 'agent.toml'),
    pid: agent.pid,
    adminSocketPath: undefined,
    ...change,
  })

test('the files of an agent are found by its own file and process, with their real modes', async () => {
  chmodSync(join(agent.folder, 'agent.toml'), 0o640)

  const { files } = await inspect()

  const found = new Map(files.map((file) => [file.role, file]))
  expect(found.get('config')).toMatchObject({ exists: true, mode: '-rw-r-----', error: null })
  const path = join(agent.folder, 'corrosion.db')
  expect(found.get('database')).toMatchObject({ path, size_bytes: statSync(path).size })
  expect(found.get('wal')).toMatchObject({ path: `${path}-wal`, exists: true })
  expect(found.get('binary')?.exists).toBe(true)
  expect(found.get('admin-socket')).toMatchObject({ path: agent.adminPath, exists: true })
  expect(found.get('admin-socket')?.mode).toMatch(/^s/)
  expect(files.filter(({ role }) => role === 'schema').length).toBeGreaterThan(1)
})

test('the subscriptions of an agent are told with their SQL', async () => {
  await using client = createCorrosionClient({ url: agent.url })
  await client.subscribe('SELECT pk FROM node_messages')

  const { subscriptions, subscriptionsError } = await until(async () => {
    const found = await inspect()
    return found.subscriptions?.length === 1 && found
  })

  expect(subscriptionsError).toBeNull()
  expect(subscriptions?.[0]?.sql).toMatch(/node_messages/)
})

test('what cannot be found is said, and everything else is told', async () => {
  using folder = createTemporaryFolder()
  const configPath = join(folder.path, 'agent.toml')
  writeFileSync(configPath, '[db]\npath = "here.db"\n[admin]\npath = "/nowhere/admin.sock"\n')

  const { files, subscriptions, subscriptionsError } = await inspect({ configPath, pid: undefined })

  expect(files.map(({ role, exists }) => [role, exists])).toEqual([
    ['config', true],
    ['database', false],
    ['wal', false],
    ['shm', false],
    ['admin-socket', false],
  ])
  expect(files[1]?.error).toContain('relative to where the agent was started')
  expect(subscriptions).toBeNull()
  expect(subscriptionsError).toContain('/nowhere/admin.sock')
})

test('an agent without a file is told as far as its process is known', async () => {
  const { files } = await inspect({ configPath: '/nowhere/agent.toml' })

  expect(files.map(({ role, exists }) => [role, exists])).toEqual([
    ['config', false],
    ['binary', true],
  ])
})
