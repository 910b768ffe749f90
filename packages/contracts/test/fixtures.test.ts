import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as contracts from '@corroport/contracts'
import { createParser } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { Type } from 'typebox'

const folder = join(import.meta.dirname, '../fixtures')

const definitions = contracts.definitionsAmong(Object.values(contracts))

/** `corro.ack.sent.{nodeId}` has its example in `ack-sent.json`. */
function fixtureOf(template: string): string {
  const tokens = template.split('.').slice(1)
  return `${tokens.filter((token) => !token.startsWith('{')).join('-')}.json`
}

const Example = createParser('example', Type.Record(Type.String(), Type.Unknown()))

function read(template: string): Record<string, unknown> {
  return Example(JSON.parse(readFileSync(join(folder, fixtureOf(template)), 'utf8')))
}

test('every event and command has an example, and no example is left over', () => {
  expect(readdirSync(folder).toSorted()).toEqual(
    definitions.map(({ template }) => fixtureOf(template)).toSorted(),
  )
})

const events = definitions.filter((definition) => definition.kind !== 'command')
const commands = definitions.filter((definition) => definition.kind === 'command')

test.each(events.map((event) => [event.template, event] as const))(
  'the example of %s fits its contract, and has only fields that it declares',
  (template, event) => {
    const example = read(template)

    expect(event.parse(example)).toBe(example)
    expect(Object.keys(propertiesOf(event.schema))).toEqual(
      expect.arrayContaining(Object.keys(example)),
    )
  },
)

test.each(commands.map((command) => [command.template, command] as const))(
  'the example of %s fits its contract',
  (template, command) => {
    const example = read(template)

    expect(Object.keys(example)).toEqual(['request', 'reply'])
    expect(command.parseRequest(example.request)).toBe(example.request)
    expect(command.parseReply(example.reply)).toBe(example.reply)
  },
)

test('different facts have different message ids', () => {
  const ids = events.flatMap((event) =>
    event.kind === 'record' ? [event.identify(read(event.template))] : [],
  )

  expect(ids.length).toBeGreaterThan(10)
  expect(new Set(ids).size).toBe(ids.length)
})

function propertiesOf(schema: object): object {
  return 'properties' in schema &&
    typeof schema.properties === 'object' &&
    schema.properties !== null
    ? schema.properties
    : {}
}
