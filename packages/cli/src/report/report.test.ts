import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Experiment,
  experimentQueried,
  figuresQueried,
  pairsQueried,
  type StoredEvent,
} from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { createRecordPictures } from '../bundle/record-pictures.ts'
import { type Report, renderReport } from './report.ts'

const folder = join(import.meta.dirname, '../../../contracts/fixtures')

function exampleOf(name: string): object {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
}

function replyOf(name: string): unknown {
  return (exampleOf(`command-analytics-${name}`) as { reply: unknown }).reply
}

function report(change: Partial<Experiment> = {}, records: readonly StoredEvent[] = []): Report {
  const { experiment, progress } = experimentQueried.parseReply(replyOf('experiment'))
  const pictures = createRecordPictures()
  for (const record of records) pictures.add(record)
  return {
    experiment: { ...experiment, status: 'finished', ...change },
    progress,
    figures: figuresQueried.parseReply(replyOf('figures')).figures,
    pairs: pairsQueried.parseReply(replyOf('pairs')).pairs,
    pictures,
    exportedAt: '2026-01-15T11:00:00.000000Z',
  }
}

const acked: StoredEvent = {
  kind: 'acked',
  event: { ...exampleOf('ack-received'), ackNodeId: 'node2' },
}
const clock: StoredEvent = { kind: 'clock', event: exampleOf('clock-sampled') }

/** Throws where an element is not closed in its order. */
function elementsOf(page: string): string[] {
  const open: string[] = []
  const names: string[] = []
  const isVoid = /^(meta|!doctype)$/
  const text = page.replace(/<style>.*?<\/style>/s, '')
  for (const [tag, slash = '', name = '', end = ''] of text.matchAll(
    /<(\/?)([!a-z][a-z0-9]*)(?:\s+[a-zA-Z:-]+(?:="[^"<>]*")?)*\s*(\/?)>/g,
  )) {
    if (slash === '/') {
      if (open.pop() !== name) throw new Error(`${tag} closes another element`)
    } else {
      names.push(name)
      if (end === '' && !isVoid.test(name)) open.push(name)
    }
  }
  // Every angle bracket belongs to an element.
  if (/[<>]/.test(text.replaceAll(/<\/?[!a-z](?:[^"<>]|"[^"]*")*>/g, '')))
    throw new Error('a stray bracket')
  if (open.length > 0) throw new Error(`${open.join(', ')} is not closed`)
  return names
}

test('a report is one page of well-formed elements, without scripts or addresses', () => {
  const page = renderReport(report({}, [acked, clock]))

  const names = elementsOf(page)
  expect(new Set(names).has('svg')).toBe(true)
  expect(names).not.toContain('script')
  expect(page).not.toMatch(/https?:|url\(|@import|<link|<img|<iframe|\son[a-z]+="/)
})

test('every figure has its n, and one that is not supported has its reason', () => {
  const given = report()
  const [gossip] = given.figures.transports
  if (!gossip) throw new Error('the example has no transport')
  const first_ack = { ...gossip.first_ack, n: 7, p95_ms: null, p99_ms: null }

  const page = renderReport({
    ...given,
    figures: { ...given.figures, transports: [{ ...gossip, first_ack }] },
  })

  expect(page).toMatch(/<th>first ack<\/th><td>7<\/td>.*– \(needs 20\)<\/td><td>– \(needs 100\)/)
  expect(page).toContain('(n 380)')
})

test('names and notes of an enemy stay text', () => {
  const evil = `"><script>alert(1)</script><img src=x onerror='x'>\u202e&amp;\u0000`
  const given = report({ reason: evil, imported_from: evil })
  const plan = { ...given.experiment.plan, name: evil, note: evil }

  const page = renderReport({ ...given, experiment: { ...given.experiment, plan } })

  const names = elementsOf(page)
  expect(names).not.toContain('script')
  expect(names).not.toContain('img')
  expect(page).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page).not.toContain('\u0000')
  expect(page).not.toContain('\u202e')
})

test('both transports are drawn in one frame, and the flush of subscriptions is told', () => {
  const given = report()
  const [gossip] = given.figures.transports
  if (!gossip) throw new Error('the example has no transport')
  const direct = { ...gossip, transport: 'direct' as const }
  const flush = { sights: 318, mean_ms: 402.7 }

  const page = renderReport({
    ...given,
    figures: { ...given.figures, transports: [gossip, direct], flush },
  })

  elementsOf(page)
  expect(page).toMatch(/<h2>Both transports<\/h2>.*gossip \(n 380\).*direct \(n 380\)/s)
  expect(page).toContain('403 ms on average (n 318)')
  expect(page).not.toMatch(/NaN|Infinity|undefined/)
})

test.each([
  ['one acknowledgement', 1, 5.25],
  ['one that came at once', 1, 0],
  ['one by a clock that was set back', 1, -20.5],
])('a report of %s has pictures with axes', (_, n, ms) => {
  const given = report({}, [
    { kind: 'acked', event: { ...Object(acked.event), roundTripMs: ms, roundTripClock: 'wall' } },
  ])
  const one = { n, min_ms: ms, mean_ms: ms, p50_ms: ms, p95_ms: null, p99_ms: null, max_ms: ms }
  const bucket = { from_ms: Math.min(0, ms), to_ms: ms > 0 ? 8 : 0.125, count: 1 }
  const transports = (['gossip', 'direct'] as const).flatMap((transport) =>
    given.figures.transports.slice(0, 1).map((of) => ({
      ...of,
      transport,
      round_trip: one,
      first_ack: one,
      coverage: [{ share: 1, nodes: 1, reached: one }],
      histogram: { linear: [bucket], logarithmic: [bucket] },
    })),
  )

  const page = renderReport({ ...given, figures: { ...given.figures, transports } })

  elementsOf(page)
  expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/)
  for (const [picture] of page.matchAll(/<svg viewBox.*?<\/svg>/gs)) {
    expect(picture.match(/class="grid" d="M[\d.]+ [\d.]+V/g)).not.toBeNull()
    expect(picture.match(/class="grid" d="M[\d.]+ [\d.]+H/g)).not.toBeNull()
  }
})

test('an experiment of which nothing arrived has a report too', () => {
  const given = report({ started_at: null, environment: null })
  const nothing = {
    n: 0,
    min_ms: null,
    mean_ms: null,
    p50_ms: null,
    p95_ms: null,
    p99_ms: null,
    max_ms: null,
  }
  const transports = given.figures.transports.map((of) => ({
    ...of,
    round_trip: nothing,
    coverage: [],
    histogram: { linear: [], logarithmic: [] },
  }))

  const page = renderReport({ ...given, figures: { ...given.figures, transports } })

  elementsOf(page)
  expect(page).toContain('No acknowledgement arrived.')
  expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/)
})
