import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigEdit } from '@corroport/contracts'
import { freePort, startRealAgent, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { agentCommand, killByPidFile } from './agent-harness.ts'
import { openChangedAgent } from './change-agent.ts'
import { listSteps } from './change-fixture.ts'

test('a real agent whose new gossip address cannot be bound is back on its old file, without NATS', async () => {
  await using files = await startRealAgent()
  await files.kill('SIGKILL')
  const configPath = join(files.folder, 'agent.toml')
  const before = readFileSync(configPath, 'utf8')
  using _agent = { [Symbol.dispose]: () => killByPidFile(join(files.folder, 'agent.pid')) }
  await using opened = await openChangedAgent({
    agentUrl: files.url,
    natsUrl: `nats://127.0.0.1:${await freePort()}`,
    stateDir: files.folder,
    configPath,
    variables: {
      AGENT_CONTROL: 'child',
      AGENT_COMMAND: JSON.stringify(agentCommand(files.folder)),
      AGENT_LOG: join(files.folder, 'agent.log'),
    },
  })
  const { agent, changes, client } = opened
  expect(await agent.start('first')).toMatchObject({ ok: true })
  const apply = async (edit: ConfigEdit) => {
    const { sha256_before: sha256Before, sha256_after: sha256After } = await changes.check(edit)
    const wanted = { edit, sha256Before, sha256After, by: 'test', rolloutId: null }
    return changes.apply(wanted, listSteps())
  }

  // An address that is set aside for documentation, so that no machine has it.
  const failed = await apply({ settings: { 'gossip.addr': '203.0.113.1:8787' } })

  process.stdout.write(`reason: ${failed.reason}\n`)
  expect(failed).toMatchObject({ state: 'rolled-back', reason: expect.stringContaining('assign') })
  expect(readFileSync(configPath, 'utf8')).toBe(before)
  await until(async () => (await client.query('SELECT 1')).rows.length === 1)

  const applied = await apply({ bootstrap: ['127.0.0.1:9', 'localhost:9'] })

  expect(applied.state).toBe('applied')
  expect(changes.read().bootstrap).toEqual(['127.0.0.1:9', 'localhost:9'])
}, 120_000)
