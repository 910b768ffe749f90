import { expect, test } from '@jest/globals'
import {
  createTraceparent,
  inTrace,
  outOfTrace,
  recordSpans,
  type SpanRecorder,
  startSpan,
  traceFields,
  withSpan,
} from './trace.ts'

const traceId = 'a'.repeat(32)
const sampled = `00-${traceId}-${'b'.repeat(16)}-01`
const unsampled = `00-${traceId}-${'b'.repeat(16)}-00`

/** Begins spans with ids in turn, and keeps what is said of them. */
function keepSpans() {
  const spans: { service: string; name: string; parent: string | undefined; end?: unknown }[] = []
  const record: SpanRecorder = ({ service, name, parent }) => {
    const span: (typeof spans)[number] = { service, name, parent }
    spans.push(span)
    const traceparent = `00-${traceId}-${String(spans.length).padStart(16, '0')}-01`
    return {
      traceparent,
      set: () => undefined,
      end: (failure) => void (span.end = failure ?? 'ok'),
    }
  }
  return { spans, recording: recordSpans(record) }
}

test.each([
  ['nothing', undefined],
  ['another version', sampled.replace(/^00/, '01')],
  ['no trace', sampled.replaceAll('a', '0')],
  ['no span', sampled.replaceAll('b', '0')],
  ['something else', 'x'],
])('what is sent within %s begins a trace that is not recorded', (_, traceparent) => {
  expect(inTrace(traceparent, createTraceparent)).toMatch(
    /^00-(?!a+-)[0-9a-f]{32}-[0-9a-f]{16}-00$/,
  )
})

test('what is sent within a trace names its span, whether or not that is recorded', () => {
  expect(inTrace(sampled, createTraceparent)).toBe(sampled)
  expect(inTrace(unsampled, createTraceparent)).toBe(unsampled)
  expect(inTrace(sampled, () => outOfTrace(createTraceparent))).not.toContain(traceId)
})

test('a span is a part of the one around it, of the same service, also after a wait', async () => {
  const { spans, recording } = keepSpans()
  using _recording = recording

  const sent = await withSpan({ service: 's', name: 'outer', parent: sampled }, async () => {
    await Promise.resolve()
    return withSpan({ name: 'inner' }, createTraceparent)
  })

  expect(spans).toEqual([
    { service: 's', name: 'outer', parent: sampled, end: 'ok' },
    { service: 's', name: 'inner', parent: `00-${traceId}-${'1'.padStart(16, '0')}-01`, end: 'ok' },
  ])
  expect(sent).toBe(`00-${traceId}-${'2'.padStart(16, '0')}-01`)
})

test('a span ends with what failed in it, now or later', async () => {
  const { spans, recording } = keepSpans()
  using _recording = recording
  const error = new Error('no')
  const start = { service: 's', name: 'work', isRoot: true }
  const fail = (): never => {
    throw error
  }

  expect(() => withSpan(start, fail)).toThrow(error)
  await expect(withSpan(start, async () => fail())).rejects.toBe(error)

  expect(spans.map(({ end }) => end)).toEqual([error, error])
})

test('nothing is recorded of a trace that is not sampled, nor where none has begun', () => {
  const { spans, recording } = keepSpans()
  using _recording = recording

  expect(withSpan({ service: 's', name: 'a', parent: unsampled }, createTraceparent)).toBe(
    unsampled,
  )
  expect(startSpan({ service: 's', name: 'b' })).toBeUndefined()

  expect(spans).toEqual([])
})

test('a line of the log has the ids of a sampled trace only', () => {
  expect(inTrace(sampled, traceFields)).toEqual({ traceId, spanId: 'b'.repeat(16) })
  expect(inTrace(unsampled, traceFields)).toEqual({})
  expect(traceFields()).toEqual({})
})
