import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import * as contracts from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { createAsyncApi } from '../src/asyncapi.ts'
import { createCatalogue } from '../src/catalogue.ts'
import { renderEvents } from '../src/events-page.ts'
import { withPart } from '../src/generated-part.ts'
import { renderMetrics } from '../src/metrics-page.ts'
import { renderServices } from '../src/services-table.ts'
import { renderVariables } from '../src/variables-table.ts'

const { ackReceived, ackSent, definitionsAmong, messageDetailQueried, streams } = contracts
const entries = createCatalogue({
  definitions: definitionsAmong(Object.values(contracts)),
  streams,
  voices: [
    { name: 'a', says: [ackReceived], asks: [messageDetailQueried] },
    { name: 'b', hears: [ackReceived], answers: [messageDetailQueried] },
  ],
  fixtureFolder: join(import.meta.dirname, '../../../packages/contracts/fixtures'),
})

test('the page names every event, its stream, and who says and hears it', () => {
  const page = renderEvents(entries, streams)

  expect(entries.length).toBeGreaterThan(20)
  for (const { slug, definition } of entries) {
    expect(page).toContain(`\n## ${slug}\n\n\`${definition.template}\`: ${definition.summary}\n`)
  }
  expect(page).toContain('record in RECORDS; said by a; heard by b\n')
  expect(page).toContain('command, answered within 2000 ms; asked by a; answered by b\n')
  expect(page).toContain('hint; said by –; heard by –\n')
  expect(page).toContain('\n| CHANGES | `corro.change.>` | 6 hours, 512 MB |\n')
})

test('every record is in a stream, and nothing else is', () => {
  for (const { definition, stream } of entries) {
    expect([definition.template, stream !== undefined]).toEqual([
      definition.template,
      definition.kind === 'record',
    ])
  }
})

test('every reference of the AsyncAPI document leads somewhere', () => {
  const text = JSON.stringify(createAsyncApi(entries, '1.0.0'))
  const document: unknown = JSON.parse(text)
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path)

  expect(references.length).toBeGreaterThan(entries.length)
  for (const path of references) {
    const found = path.split('/').reduce<unknown>((value, key) => {
      return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
    }, document)
    expect([path, typeof found]).toEqual([path, 'object'])
  }
  expect(document).toMatchObject({
    asyncapi: '3.0.0',
    operations: {
      'a-says-ack-received': { action: 'send', channel: { $ref: '#/channels/ack-received' } },
      'b-answers-command-gateway-message': {
        action: 'receive',
        reply: { channel: { $ref: '#/channels/command-gateway-message-reply' } },
      },
    },
  })
})

test('a generated part stands between its markers', () => {
  const text = 'before\n<!-- part:start -->\nold\n<!-- part:end -->\nafter\n'

  const written = withPart(text, 'part', 'new')

  expect(written).toBe('before\n<!-- part:start -->\n\nnew\n\n<!-- part:end -->\nafter\n')
  expect(withPart(written, 'part', 'new')).toBe(written)
  expect(withPart('no markers', 'part', 'new')).toBe('no markers')
})

test('facts of one noun stand together in the table of services', () => {
  const service = {
    name: 'a',
    says: [ackSent, ackReceived],
    asks: [messageDetailQueried, messageDetailQueried],
    stores: 'files',
    ports: '–',
  }

  expect(renderServices([{ ...service, variables: Type.Object({}) }])).toBe(
    `| service | hears | says | commands answered | asks | stores | ports |
| --- | --- | --- | --- | --- | --- | --- |
| [a](services/a) | – | [ack.sent](docs/events.md#ack-sent), [.received](docs/events.md#ack-received) | – | gateway | files | – |`,
  )
})

test('a variable is shown with its default and its meaning', () => {
  const variables = Type.Object({
    A_MS: Type.Integer({ default: 5, description: 'how long' }),
    B: Type.String({ default: '', description: 'who' }),
  })

  expect(renderVariables(variables)).toBe(
    '| variable | default | meaning |\n| --- | --- | --- |\n| `A_MS` | `5` | how long |\n| `B` | | who |',
  )
})

test('a metric is shown with its unit, who exposes it, and what bounds its labels', () => {
  const table = { says: 'the followed tables', holds: () => true }
  const metric = {
    name: 'corro_a_total',
    type: 'counter',
    unit: 'rows',
    help: 'Rows seen.',
  } as const

  const page = renderMetrics([{ ...metric, labels: { table }, by: ['b', 'c'] }], ['nodejs_d'])

  expect(page).toContain(
    '\n| `corro_a_total` | counter | rows | b, c | `table`: the followed tables | Rows seen |\n',
  )
  expect(page).toContain("Node's own: `nodejs_d`.\n")
})

test('the documents that are checked in are up to date', () => {
  const main = join(import.meta.dirname, '../src/main.ts')
  const { status, stderr } = spawnSync(process.execPath, [main, '--check'], { encoding: 'utf8' })

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
