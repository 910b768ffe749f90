import {
  CorrosionBusyError,
  CorrosionConnectionError,
  CorrosionResponseError,
  type Statement,
  type TransactionResult,
} from '@corroport/corrosion-client'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { createRowWriter } from './row-writer.ts'

const result: TransactionResult = { actorId: 'a', version: 1, results: [] }

/** An agent whose transactions end when the test says so. */
function slowAgent() {
  const transactions: (PromiseWithResolvers<TransactionResult> & { rows: unknown[] })[] = []
  return {
    transactions,
    transact(statements: readonly Statement[]) {
      const transaction = { ...Promise.withResolvers<TransactionResult>(), rows: [...statements] }
      transactions.push(transaction)
      return transaction.promise
    },
  }
}

test('rows that come while two transactions are under way go together', async () => {
  const agent = slowAgent()
  const writeRow = createRowWriter(agent, 1000)

  const written = ['1', '2', '3', '4', '5'].map((row) => writeRow(row, 10))
  agent.transactions[0]?.resolve(result)
  await written[0]
  await until(() => agent.transactions.length === 3)

  expect(agent.transactions.map(({ rows }) => rows)).toEqual([['1'], ['2'], ['3', '4', '5']])
  for (const { resolve } of agent.transactions) resolve(result)
  expect(await Promise.all(written)).toHaveLength(5)
})

test('large rows do not go together', async () => {
  const agent = slowAgent()
  const writeRow = createRowWriter(agent, 1000)

  const written = ['1', '2', '3', '4'].map((row) => writeRow(row, 300_000))
  agent.transactions[0]?.resolve(result)
  await written[0]
  await until(() => agent.transactions.length === 3)

  expect(agent.transactions.map(({ rows }) => rows)).toEqual([['1'], ['2'], ['3']])
})

test('a row that is refused among others is refused alone', async () => {
  const agent = {
    transact: (statements: readonly Statement[]) =>
      statements.includes('bad')
        ? Promise.reject(new CorrosionResponseError(500, 'no such column', 'a transaction'))
        : Promise.resolve(result),
  }
  const writeRow = createRowWriter(agent, 1000)

  const written = await Promise.allSettled(
    ['1', '2', '3', 'bad', '5'].map((row) => writeRow(row, 10)),
  )

  expect(written.map(({ status }) => status === 'fulfilled')).toEqual([
    true,
    true,
    true,
    false,
    true,
  ])
})

test('an agent that is too busy is not asked for each row again', async () => {
  let asked = 0
  const agent = {
    transact() {
      asked += 1
      return Promise.reject(new CorrosionBusyError(503, 'busy', 'a transaction'))
    },
  }
  const writeRow = createRowWriter(agent, 1000)

  await Promise.allSettled(['1', '2', '3', '4', '5'].map((row) => writeRow(row, 10)))

  expect(asked).toBe(3)
})

test('a row that waited too long was certainly not sent', async () => {
  const agent = slowAgent()
  const writeRow = createRowWriter(agent, -1)

  const late = writeRow('1', 10)

  await expect(late).rejects.toThrow(CorrosionConnectionError)
  await expect(late).rejects.toMatchObject({ outcome: 'not-sent' })
  expect(agent.transactions).toEqual([])
})
