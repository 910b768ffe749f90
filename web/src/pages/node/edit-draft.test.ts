import { expect, test } from '@jest/globals'
import { RefusedError } from '../../api/errors.ts'
import {
  emptyDraft,
  parseHosts,
  parseValue,
  planCommand,
  readEditDraft,
  sortRefusal,
  toEdit,
} from './edit-draft.ts'

const setting = (name: string, value: string, isRemoved = false) => ({
  key: 0,
  name,
  value,
  isRemoved,
})

test('a form that nobody touched asks for the list of the file', () => {
  expect(toEdit(emptyDraft, ['a:1'])).toEqual({ edit: { bootstrap: ['a:1'] } })
})

test('settings alone leave the list out', () => {
  const settings = [setting('perf.min_sync_backoff', '5'), setting('log.colors', '', true)]
  expect(toEdit({ hosts: undefined, settings }, ['a:1'])).toEqual({
    edit: { settings: { 'perf.min_sync_backoff': 5, 'log.colors': null } },
  })
})

test('an emptied list is an empty list', () => {
  expect(toEdit({ hosts: '\n', settings: [] }, ['a:1'])).toEqual({ edit: { bootstrap: [] } })
})

test('all that is wrong with the settings is said at once', () => {
  const settings = [setting('', '1'), setting('a.b', '1'), setting('a.b', '2'), setting('c', '{}')]
  expect(toEdit({ hosts: undefined, settings }, [])).toMatchObject({
    errors: { settings: [/no name/, /a\.b is there twice/, /c must be/].map(expectMatching) },
  })
})

function expectMatching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}

test('hosts stand one a line', () => {
  expect(parseHosts(' 10.0.0.1:8787 \n\n[::1]:8787\r\n')).toEqual(['10.0.0.1:8787', '[::1]:8787'])
})

test.each([
  ['5', 5],
  ['true', true],
  ['"5"', '5'],
  ['["a","b"]', ['a', 'b']],
  ['7d', '7d'],
  ['', ''],
  ['null', undefined],
  ['[1]', undefined],
])('%j is read as %j', (text, value) => {
  expect(parseValue(text)).toEqual(value)
})

test('each part of a refusal stands at its field', () => {
  const edit = { bootstrap: ['a:1', 'b c'], settings: { x: 1 } }
  const refusal = new RefusedError(422, '1 hosts are malformed', {
    fields: { 'bootstrap.0': 'is too long', 'settings.x': 'is not one of the allowed values' },
    problems: ['"b c": " " cannot be in a host', 'there is no node node9'],
  })
  expect(sortRefusal(refusal, edit)).toEqual({
    hosts: ['a:1 is too long', '"b c": " " cannot be in a host'],
    settings: ['x is not one of the allowed values'],
    form: ['there is no node node9'],
  })
})

test('a refusal without parts stands under the form', () => {
  const refusal = new RefusedError(503, 'config-manager of node1 does not answer')
  expect(sortRefusal(refusal, {}).form).toEqual(['config-manager of node1 does not answer'])
})

test.each([
  [{ bootstrap: ['a:1', '[::1]:2'] }, 'all' as const, "--bootstrap 'a:1,[::1]:2'"],
  [{ bootstrap: ['a:1', 'b'] }, ['node1'], '--bootstrap a:1,b --nodes node1'],
  [{ bootstrap: [] }, ['node1'], "--bootstrap '' --nodes node1"],
  [
    { settings: { 'a.b': "it's", c: null } },
    ['node1', 'node2'],
    `--set 'a.b="it'\\''s"' --unset c --nodes node1,node2`,
  ],
])('%j of %j as a command', (edit, nodes, rest) => {
  expect(planCommand(edit, nodes)).toBe(`npx corroport config plan ${rest}`)
})

test('a draft comes back as it was kept', () => {
  const draft = { hosts: 'a:1\n', settings: [setting('a.b', '1'), setting('c', '', true)] }

  expect(readEditDraft(JSON.parse(JSON.stringify(draft)))).toEqual({
    hosts: 'a:1\n',
    settings: [
      { key: 1, name: 'a.b', value: '1', isRemoved: false },
      { key: 2, name: 'c', value: '', isRemoved: true },
    ],
  })
})

test.each([
  [undefined],
  ['a:1'],
  [[]],
  [{ hosts: 1, settings: 'a' }],
  [{ settings: [null, 1, { name: 'a' }, { name: 1, value: '' }] }],
])('%j is no draft', (kept) => {
  expect(readEditDraft(kept)).toEqual(emptyDraft)
})
