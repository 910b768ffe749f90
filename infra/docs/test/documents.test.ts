import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import * as contracts from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { createAsyncApi } from '../src/asyncapi.ts'
import { createCatalogue } from '../src/catalogue.ts'
import { renderEvents } from '../src/events-page.ts'
import { withServices } from '../src/readme-table.ts'

const { ackReceived, ackSent, messageDetailQueried, streams } = contracts
const entries = createCatalogue({
  contracts: Object.values(contracts),
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

test('the table of the README stands between its markers', () => {
  const service = { name: 'a', says: [ackSent, ackReceived], stores: 'files', ports: '–' }
  const readme = 'before\n<!-- services:start -->\nold\n<!-- services:end -->\nafter\n'

  const written = withServices(readme, [service])

  expect(written).toBe(`before
<!-- services:start -->

| service | hears | says | stores | ports |
| --- | --- | --- | --- | --- |
| [a](services/a) | – | [ack.sent](docs/events.md#ack-sent), [.received](docs/events.md#ack-received) | files | – |

<!-- services:end -->
after
`)
  expect(withServices(written, [service])).toBe(written)
  expect(withServices('no markers', [service])).toBe('no markers')
})

test('the documents that are checked in are up to date', () => {
  const main = join(import.meta.dirname, '../src/main.ts')
  const { status, stderr } = spawnSync(process.execPath, [main, '--check'], { encoding: 'utf8' })

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
