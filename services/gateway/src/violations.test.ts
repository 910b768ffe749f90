import { readFileSync } from 'node:fs'
import * as contracts from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { violationOf } from './violations.ts'

const events = contracts
  .definitionsAmong(Object.values(contracts))
  .filter((definition) => definition.kind !== 'command')

function exampleOf(template: string) {
  const name = template
    .replace(/^corro\./, '')
    .replaceAll(/\.\{\w+\}/g, '')
    .replaceAll('.', '-')
  const file = new URL(`../../../packages/contracts/fixtures/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8'))
}

test.each(events.map((event) => [event.template, event] as const))(
  'the example of %s fits its contract',
  (template, event) => {
    const payload = exampleOf(template)

    expect(violationOf(event.subject(payload), payload)).toBeNull()
  },
)

test.each([
  ['a subject of no event', 'corro.nothing.known.node1', 'no event has this subject'],
  ['a subject that is too long', 'corro.ack.sent.node1.more', 'no event has this subject'],
  ['a payload without its fields', 'corro.lifecycle.ready.node1', 'does not fit its contract'],
])('%s is told', (_, subject, reason) => {
  expect(violationOf(subject, {})).toContain(reason)
})

test('what is no object does not fit', () => {
  expect(violationOf('corro.ack.received.node1', 'text')).toContain('does not fit its contract')
})

test('a record under the subject of another node is told', () => {
  const sample = exampleOf('corro.clock.sampled.{nodeId}')

  const violation = violationOf('corro.clock.sampled.elsewhere', sample)

  expect(violation).toBe('its nodeId is not the elsewhere of its subject')
})
