import {
  ContractError,
  createParser,
  defineCommand,
  defineHint,
  defineRecord,
  Endpoint,
  fromTimestamp,
  NodeId,
  nowMicroseconds,
  Timestamp,
  toCell,
  toTimestamp,
} from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { Type } from 'typebox'

const tested = defineRecord(
  'corro.test.done.{nodeId}.{part}',
  'For tests.',
  Type.Object({ text: Type.String(), list: Type.Array(Type.Integer()) }),
  ({ text }) => `done.${text}`,
)

test('subjects and filters are filled', () => {
  expect(tested.subject({ nodeId: 'node1', part: 'a_B-9' })).toBe('corro.test.done.node1.a_B-9')
  expect(tested.wildcard).toBe('corro.test.done.*.*')
  expect(tested.filter()).toBe('corro.test.done.*.*')
  expect(tested.filter({ part: 'a' })).toBe('corro.test.done.*.a')
  expect(tested.identify({ text: 'x', list: [] })).toBe('done.x')
})

test.each(['', 'a.b', '*', '>', 'a b', 'a\n', 'ü', 'x'.repeat(65)])(
  'the value %j cannot become a token of a subject',
  (part) => {
    expect(() => tested.subject({ nodeId: 'node1', part })).toThrow('cannot be a token')
    expect(() => tested.filter({ part })).toThrow('cannot be a token')
  },
)

test('the kinds of events are told apart', () => {
  const shape = Type.Object({})

  expect(tested.kind).toBe('record')
  expect(defineHint('corro.hint.test', 'For tests.', shape).kind).toBe('hint')
  expect(
    defineCommand('corro.command.test.do', 'For tests.', {
      request: shape,
      reply: shape,
      timeoutMs: 1,
    }),
  ).toMatchObject({ kind: 'command', wildcard: 'corro.command.test.do', timeoutMs: 1 })
})

test('a value that fits comes back as it is', () => {
  const value = { text: 'x', list: [1], added: 'later' }

  expect(tested.parse(value)).toBe(value)
})

function errorOf(value: unknown): unknown {
  try {
    return tested.parse(value)
  } catch (error) {
    return error
  }
}

test('an error says where and why, and never the value', () => {
  const error = errorOf({ text: 7, list: [1, 'secret'] })

  expect(error).toBeInstanceOf(ContractError)
  expect(error).toMatchObject({
    name: 'ContractError',
    issues: [
      { path: '/text', message: 'must be string' },
      { path: '/list/1', message: 'must be integer' },
    ],
  })
  expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('secret')
})

test('an error stays small', () => {
  const error = errorOf({ text: 'x', list: Array.from({ length: 10_000 }, () => 'x') })

  expect(error).toBeInstanceOf(ContractError)
  expect(String(error).length).toBeLessThan(500)
})

test.each([
  [0, '1970-01-01T00:00:00.000000Z'],
  [1_768_471_200_123_456, '2026-01-15T10:00:00.123456Z'],
  [1_768_471_200_123_000, '2026-01-15T10:00:00.123000Z'],
  [1_768_471_199_999_999, '2026-01-15T09:59:59.999999Z'],
  [4_102_444_800_000_001, '2100-01-01T00:00:00.000001Z'],
])('%d microseconds are %s, both ways', (microseconds, text) => {
  expect(toTimestamp(microseconds)).toBe(text)
  expect(fromTimestamp(text)).toBe(microseconds)
})

test.each([
  ['2026-01-15T10:00:00Z', 1_768_471_200_000_000],
  ['2026-01-15T10:00:00.1Z', 1_768_471_200_100_000],
  ['2026-01-15T10:00:00.123456789Z', 1_768_471_200_123_456],
  ['2026-13-15T10:00:00Z', undefined],
  ['2026-01-15T25:00:00Z', undefined],
  ['2026-01-15T10:00:00', undefined],
  ['2026-01-15T10:00:00+00:00', undefined],
  ['2026-01-15 10:00:00Z', undefined],
  ['2026-01-15T10:00:00.Z', undefined],
  ['', undefined],
])('the text %j is %s microseconds', (text, microseconds) => {
  expect(fromTimestamp(text)).toBe(microseconds)
})

test('now is a timestamp that keeps its microseconds', () => {
  const now = nowMicroseconds()

  expect(Math.abs(now / 1000 - Date.now())).toBeLessThan(1000)
  expect(createParser('now', Timestamp)(toTimestamp(now))).toMatch(/\.\d{6}Z$/)
  expect(fromTimestamp(toTimestamp(now))).toBe(now)
})

test.each([
  [null, null],
  ['text', 'text'],
  [1.5, 1.5],
  [9_223_372_036_854_775_807n, { $integer: '9223372036854775807' }],
  [-1n, { $integer: '-1' }],
  [Uint8Array.of(0, 255), { $blob: 'AP8=' }],
  [new Uint8Array(), { $blob: '' }],
])('the value %s becomes the cell %j', (value, cell) => {
  expect(toCell(value)).toEqual(cell)
})

const accepts = (schema: Type.TString) => (value: unknown) => {
  try {
    createParser('value', schema)(value)
    return true
  } catch {
    return false // the table says which values these are
  }
}

test.each([
  ['127.0.0.1:5001', true],
  ['[::1]:5001', true],
  ['[fe80::1%eth0]:5001', true],
  ['node1.example.org:80', true],
  ['localhost:1', true],
  ['127.0.0.1', false],
  [':5001', false],
  ['::1:5001', false],
  ['http://127.0.0.1:5001', false],
  ['user@host:80', false],
  ['host:80/path', false],
  ['host:123456', false],
  ['ho st:80', false],
  ['host:80\n', false],
  ['', false],
  [80, false],
])('%j as an endpoint: %s', (endpoint, isAccepted) => {
  expect(accepts(Endpoint)(endpoint)).toBe(isAccepted)
})

test.each([
  ['node1', true],
  ['fra-1_b', true],
  ['x'.repeat(64), true],
  ['x'.repeat(65), false],
  ['', false],
  ['a.b', false],
  ['*', false],
  ['a b', false],
  ['node1\n', false],
  ['nöde', false],
  [1, false],
])('%j as a node id: %s', (nodeId, isAccepted) => {
  expect(accepts(NodeId)(nodeId)).toBe(isAccepted)
})
