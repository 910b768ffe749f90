import { CommandError, readStream } from '@corroport/bus'
import {
  configQueried,
  configRestoreRequested,
  configRollbackRequested,
  configRolledBack,
} from '@corroport/contracts'
import { startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { answerConfigCommands } from '../src/change/config-commands.ts'
import { createOperations } from '../src/operations.ts'
import { firstText, openChanges } from './change-fixture.ts'

async function openCommands(natsUrl: string) {
  await using opening = new AsyncDisposableStack()
  const opened = opening.use(await openChanges(firstText, natsUrl))
  const operations = opening.use(createOperations(opened.deps))
  const { bus, changes } = opened
  opening.use(answerConfigCommands({ nodeId: 'node1', bus, changes, operations }))
  await until(() => bus.isConnected)
  return Object.assign(opening.move(), { ...opened, operations })
}

const to = { nodeId: 'node1' }

test('who asks is told of the file, and of its changes', async () => {
  await using nats = await startNatsServer()
  await using opened = await openCommands(nats.url)
  const change = await opened.edit({ bootstrap: ['127.0.0.1:8789'] })

  const { file, changes } = await opened.bus.request(configQueried, to, { changes: 5 })

  expect(file).toMatchObject({ node_id: 'node1', sha256: change.sha256_after })
  expect(changes).toEqual([change])
})

test('a rollback and a restore are operations; how they end is told', async () => {
  await using nats = await startNatsServer()
  await using opened = await openCommands(nats.url)
  const { bus, operations } = opened
  await opened.edit({ bootstrap: ['127.0.0.1:8789'] })

  const rollback = await bus.request(configRollbackRequested, to, { by: 'ann' })
  expect(rollback.operation).toMatchObject({ kind: 'rollback', by: 'ann', state: 'running' })
  await until(() => operations.find(rollback.operation.id)?.state === 'succeeded')
  expect(opened.read()).toBe(firstText)

  opened.write(firstText.replace(':8788', ':8790'))
  opened.agent.onRestart = () => {
    if (opened.read().includes('# canonical')) opened.write('gossip.addr = "127.0.0.1:1"')
  }
  const restore = await bus.request(configRestoreRequested, to, { by: 'ann' })
  const ended = await until(() => {
    const found = operations.find(restore.operation.id)
    return found?.state !== 'running' && found
  })
  expect(ended).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('changed by hand'),
  })
  expect(await readStream(bus, 'LIFECYCLE')).not.toContainEqual(
    expect.objectContaining({ subject: configRolledBack.subject(to) }),
  )
})

test('what cannot be done is refused at once, and not only by an operation that fails', async () => {
  await using nats = await startNatsServer()
  await using opened = await openCommands(nats.url)

  const error = await opened.bus
    .request(configRollbackRequested, to, { by: 'ann' })
    .catch((reason: unknown) => reason)

  expect(error).toBeInstanceOf(CommandError)
  expect((error as CommandError).refusal).toMatchObject({ code: 'conflict' })
})
