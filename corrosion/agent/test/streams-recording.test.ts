import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { masked, type Reader, setUpStreams } from './streams-setup.ts'

interface Step {
  step: string
  request?: { body: string | [sql: string, params: string[]] }
  headers?: Record<string, string>
  transaction?: string[] | string | null
  lines?: string[]
  first?: string[]
  received?: { line: string }[]
  hash?: string | undefined
}

const recording: Step[] = JSON.parse(
  readFileSync(
    join(
      import.meta.dirname,
      '../../../packages/corrosion-client/test/recordings/v1.0.0/streams.json',
    ),
    'utf8',
  ),
)

test('a subscription lives as the recorded one did, row ids included', async () => {
  using setup = setUpStreams()
  const [opening, ...steps] = recording
  setup.transact("INSERT INTO node_messages(pk,message,region) VALUES('s1','one','lab')")
  const sql = "SELECT pk, node_id, message FROM node_messages WHERE region = 'lab'"
  const first = setup.subscribe(sql)
  expect(first.stream.hash).toBe(opening?.headers?.['corro-query-hash'])
  expect(await first.snapshot()).toEqual(opening?.lines?.map(masked))

  const { id } = first.stream
  const byId = { from3: { from: 3 }, beyond: { from: 5000 }, noRows: { skipRows: true } }
  const openings: Record<string, (step: Step) => Reader> = {
    'second subscriber, same text': () => setup.subscribe(sql),
    'same query, other text': ({ request }) => setup.subscribe(String(request?.body)),
    'get by id without from': () => setup.resume(id),
    'get by id from=3': () => setup.resume(id, byId.from3),
    'get by id from beyond the end': () => setup.resume(id, byId.beyond),
    'get by id skip_rows=true': () => setup.resume(id, byId.noRows),
    'post from=3 to an existing subscription': () => setup.subscribe(sql, byId.from3),
    'with a parameter': ({ request }) => {
      if (!Array.isArray(request?.body)) throw new Error('the recorded step has no parameters')
      const [text, params] = request.body
      return setup.subscribe({ sql: text, params })
    },
  }
  const silent: Reader[] = []
  const seen: Step[] = []
  const expected: Step[] = []
  for (const step of steps) {
    const { step: name, lines = [], headers, first: common } = step
    const open = openings[name]
    let reader = first
    if (open) {
      reader = open(step)
      if (lines.length === 0) silent.push(reader)
    } else if (Array.isArray(step.transaction)) setup.transact(...step.transaction)
    else if (common) {
      setup.transact("UPDATE node_messages SET message='all' WHERE pk='s9'")
      for (const quiet of silent) seen.push({ step: name, lines: await quiet.lines(1) })
      for (const _ of silent) expected.push({ step: name, lines: common })
    } else continue
    const came = common ?? lines.map(masked)
    const hash = headers?.['corro-query-hash'] ?? first.stream.hash
    seen.push({ step: name, lines: await reader.lines(came.length), hash: reader.stream.hash })
    expected.push({ step: name, lines: came, hash })
  }
  expect(seen).toEqual(expected)
  expect(seen).toHaveLength(24)
})

test('an updates feed tells keys as the recorded one did', async () => {
  using setup = setUpStreams()
  const feed = setup.updates('node_messages')
  for (const { step, transaction, received } of recording) {
    if (!step.startsWith('updates stream')) continue
    const statements = transaction ?? "INSERT INTO node_messages(pk) VALUES('u2'),('u3')"
    setup.transact(...[statements].flat())
    expect({ [step]: await feed.lines(received?.length ?? 0) }).toEqual({
      [step]: received?.map(({ line }) => line),
    })
  }
})
