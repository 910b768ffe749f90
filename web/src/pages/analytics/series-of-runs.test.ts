import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExperimentsReply } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { seriesOf } from './series-of-runs.ts'

const fixture = join(
  import.meta.dirname,
  '../../../../packages/contracts/fixtures/command-analytics-list.json',
)
const { reply } = JSON.parse(readFileSync(fixture, 'utf8')) as { reply: ExperimentsReply }
const [example] = reply.experiments

function page(ids: [string, string | null][], next: string | null): ExperimentsReply {
  if (!example) throw new Error('the example has no experiment')
  const experiments = ids.map(([id, repeat_of]) => ({
    ...example,
    experiment: { ...example.experiment, id, plan: { ...example.experiment.plan, repeat_of } },
  }))
  return { ...reply, experiments, next }
}

test('a series is its first and what repeats it, over as many pages as needed, no more', async () => {
  const pages = [
    page(
      [
        ['b-3', 'b-1'],
        ['other', null],
      ],
      'then',
    ),
    page(
      [
        ['b-2', 'b-1'],
        ['b-1', null],
      ],
      'before',
    ),
  ]
  const asked: unknown[] = []

  const series = await seriesOf('b-1', async (before) => {
    asked.push(before)
    return pages[asked.length - 1] ?? page([], null)
  })

  expect(series).toEqual(['b-1', 'b-2', 'b-3'])
  expect(asked).toEqual([undefined, 'then'])
})
