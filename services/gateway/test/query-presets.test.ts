import {
  nowMicroseconds,
  type QueryParameters,
  queryPresets,
  toTimestamp,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { expect, test } from '@jest/globals'
import { neighboursOfFile, query, startNode } from './harness.ts'

const near = neighboursOfFile()
const ofCorrosion = queryPresets.filter(({ source }) => source === 'corrosion')

test.each(ofCorrosion.map((preset) => [preset.id, preset] as const))(
  'the preset %s runs',
  async (_, { sql, parameters }) => {
    await using node = await startNode(near.configOf())
    const params: QueryParameters = Object.fromEntries(
      parameters.map((parameter) => [parameter.name, parameter.default ?? 'fra']),
    )

    const { results } = await query(node.api, { sql, params })

    expect(results[0]?.table?.columns.length).toBeGreaterThan(0)
  },
)

test('presets show what was written: regions by time, the newest writes, what is deleted', async () => {
  await using node = await startNode(near.configOf())
  const agent = createCorrosionClient({ url: near.agent.url })
  const ago = (minutes: number) => toTimestamp(nowMicroseconds() - minutes * 60_000_000)
  const insert = (pk: string, region: string, minutes: number) =>
    [
      'INSERT INTO node_messages (pk, region, timestamp) VALUES (?, ?, ?)',
      [pk, region, ago(minutes)],
    ] as const
  await agent.transact([insert('p1', 'fra', 59), insert('p2', 'iad', 61), insert('p3', 'syd', 1)])
  await agent.transact([["DELETE FROM node_messages WHERE pk = 'p3'", []]])
  await agent[Symbol.asyncDispose]()
  const run = async (wanted: string, params: object = {}) => {
    const sql = queryPresets.find(({ id }) => id === wanted)?.sql
    return (await query(node.api, { sql, params })).results[0]?.table?.rows ?? []
  }

  expect(await run('active_regions', { minutes_ago: 60 })).toEqual([['fra']])
  expect(await run('messages_by_region', { region: "iad' OR 1=1 --" })).toEqual([])
  const [newest] = await run('newest_writes', { table: 'node_messages', rows: 1 })
  expect(Math.abs(Date.parse(JSON.stringify(newest?.[0]).slice(1, -1)) - Date.now())).toBeLessThan(
    30_000,
  )
  expect(newest?.at(-1)).toBe(1)
  expect((await run('rows_by_table'))[0]?.[2]).toBe(1)
})
