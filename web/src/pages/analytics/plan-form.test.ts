import { expect, test } from '@jest/globals'
import { RefusedError, UnreachedError } from '../../api/errors.ts'
import { emptyForm, mendForm, parseInterval, readForm, readRefusal } from './plan-form.ts'

test('an untouched form asks for the defaults, under a name that says them', () => {
  expect(readForm(emptyForm)).toEqual({
    request: {
      name: 'gossip 200 × 100 ms',
      transport: 'gossip',
      count: 200,
      interval_ms: 100,
      payload_bytes: 64,
      warmup: 0,
    },
    sendingMs: 20_000,
  })
})

test('what is given is in the request', () => {
  const given = {
    ...emptyForm,
    name: ' nightly ',
    id: 'nightly-1',
    note: 'after the change',
    transport: 'both' as const,
    origins: ['node1', 'node2'],
    count: '0',
    interval: '2s',
    seed: '7',
  }

  expect(readForm(given)).toMatchObject({
    request: {
      name: 'nightly',
      id: 'nightly-1',
      note: 'after the change',
      transport: 'both',
      origins: ['node1', 'node2'],
      count: 0,
      interval_ms: 2000,
      seed: 7,
    },
    sendingMs: 0,
  })
})

test.each([
  [{ count: '' }, 'count', /from 0 to 1,000,000/],
  [{ count: '1.5' }, 'count', /whole number/],
  [{ count: '1000001' }, 'count', /from 0 to 1,000,000/],
  [{ interval: '0.5ms' }, 'interval_ms', /1ms to 1h/],
  [{ interval: '2h' }, 'interval_ms', /1ms to 1h/],
  [{ interval: 'fast' }, 'interval_ms', /such as 100ms/],
  [{ payload: '65537' }, 'payload_bytes', /from 1 to 65,536/],
  [{ warmup: '200' }, 'warmup', /less than 200/],
  [{ seed: '4294967296' }, 'seed', /4,294,967,295/],
  [{ id: 'a b' }, 'id', /letters, digits/],
  [{ id: 'compare' }, 'id', /not the word compare/],
  [{ name: 'x'.repeat(201) }, 'name', /200 at most/],
  [{ note: 'x'.repeat(2001) }, 'note', /2000 at most/],
  [{ count: '1000', interval: '1h' }, 'count', /more than a day/],
] as const)('%p is wrong in %s', (part, field, reason) => {
  const read = readForm({ ...emptyForm, ...part })

  expect('errors' in read && read.errors[field]).toMatch(reason)
  expect('errors' in read && Object.keys(read.errors)).toHaveLength(1)
})

test.each([
  ['100ms', 100],
  ['100', 100],
  ['1.5 s', 1500],
  ['1m', 60_000],
  ['1h', 3_600_000],
  ['', undefined],
  ['-1s', undefined],
  ['1d', undefined],
])('an interval of %p is %p ms', (text, ms) => {
  expect(parseInterval(text)).toBe(ms)
})

test.each([
  [new RefusedError(409, 'the name x was used before'), ['id'], true],
  [new RefusedError(422, 'warmup leaves nothing'), ['warmup'], true],
  [new RefusedError(400, '', { fields: { 'origins.0': 'is malformed' } }), ['origins'], true],
  [
    new RefusedError(400, '', { fields: { count: 'is bad', plan: 'is unknown' } }),
    ['count'],
    false,
  ],
  [new RefusedError(503, 'analytics does not answer'), [], false],
  [new UnreachedError('no answer in 30 s'), [], false],
])('%p stands beside its field, or is said below: %p', (error, fields, isPlaced) => {
  const refusal = readRefusal(error)

  expect(Object.keys(refusal.errors)).toEqual(fields)
  expect(refusal.isPlaced).toBe(isPlaced)
})

test('what was typed comes back as it was', () => {
  const typed = { ...emptyForm, name: 'half', transport: 'both', origins: ['node2'], count: 'x' }

  expect(mendForm(JSON.parse(JSON.stringify(typed)))).toEqual(typed)
})

test.each([
  undefined,
  7,
  'text',
  [],
  { name: 7, transport: 'smoke', origins: 'node1', other: 'x' },
])('what is no form is an empty one: %j', (kept) => {
  expect(mendForm(kept)).toEqual(emptyForm)
})
