import { describe, expect, test } from '@jest/globals'
import { readEndings } from './groups/histories.ts'
import { recordedLines } from './groups/http.ts'
import { createGroups } from './groups.ts'
import { knownDifferences } from './known-differences.ts'
import { type RecordedAgent, readRecording } from './recordings.ts'
import { detailsOf } from './report.ts'
import { createMask } from './transcript.ts'
import { judge } from './verdict.ts'

const cases = createGroups([], readEndings()).flatMap((group) => group.cases)

test('no two cases have the same name', () => {
  const names = cases.map(({ name }) => name)

  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

test.each(
  knownDifferences.map((difference) => [difference.agent, difference.reason, difference] as const),
)(
  'on %s, "%s" is of cases that there are, and changes each of them',
  (_agent, _reason, difference) => {
    const unchanged = difference.cases.filter((name) => {
      const expected = cases.find((each) => each.name === name)?.expected ?? []
      return difference.rewrite(expected).join('\n') === expected.join('\n')
    })

    expect(unchanged).toEqual([])
  },
)

describe('what was recorded of klukai differs from what was recorded of v1.0.0 as is listed', () => {
  const maskWanted = createMask()
  const maskGot = createMask()
  const other = new Map(
    readRecording('klukai-0.1.4', 'http').map((exchange) => [exchange.name, exchange]),
  )
  const pairs = readRecording('v1.0.0', 'http')
    // The recorder waited for the minute after which klukai interrupts it.
    .filter(({ name }) => name !== 'query: timeout')
    .map((exchange) => {
      const recorded = other.get(exchange.name)
      const expected = recordedLines(exchange).map(maskWanted)
      const got = recorded === undefined ? [] : recordedLines(recorded).map(maskGot)
      return [exchange.name, { expected, got }] as const
    })

  test.each(pairs)('%s', (name, { expected, got }) => {
    const verdict = judge('klukai-0.1.4', { name, expected }, got)

    expect(detailsOf({ group: '', name, verdict, durationMs: 0 })).toEqual([])
  })
})

test('what was recorded of streams is the same on both real agents', () => {
  const masked = (agent: RecordedAgent): string[] => {
    const mask = createMask()
    return readRecording(agent, 'streams').map(({ received, ...step }) =>
      mask(
        JSON.stringify({ ...step, received: received?.map(({ line }) => line) }).replaceAll(
          '\\"',
          '"',
        ),
      ),
    )
  }

  expect(masked('klukai-0.1.4')).toEqual(masked('v1.0.0'))
})

test('an unlisted difference, and a listed one that is gone, are unknown', () => {
  const gone = { name: 'query: syntax error', expected: ['400', 'content-length: right', '{}'] }

  expect(judge('klukai-0.1.4', { name: 'new', expected: ['200'] }, ['201']).kind).toBe('unknown')
  expect(judge('klukai-0.1.4', gone, gone.expected).kind).toBe('unknown')
  expect(judge('v1.0.0', gone, gone.expected).kind).toBe('same')
})
