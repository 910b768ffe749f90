import { expect, test } from '@jest/globals'
import {
  backendsText,
  leaseText,
  limitText,
  listenerText,
  tableText,
  tierText,
} from './edge-text.ts'

test('a tier has a word, also one that is not known', () => {
  expect([0, 3, 9].map(tierText)).toEqual(['country', 'elsewhere', 'tier 9'])
})

test('a table is live, or says how old it is', () => {
  const table = { state: 'live', isLive: true, reason: null, ageSeconds: 0, auditDiffering: null }

  expect(tableText(table)).toBe('live')
  expect(tableText({ ...table, state: 'lost', isLive: false, ageSeconds: 61 })).toMatch(
    /^lost, .* old$/,
  )
  expect(tableText({ ...table, state: 'connecting', isLive: false, ageSeconds: null })).toBe(
    'connecting, never in step',
  )
})

test('counts of backends name only what there is', () => {
  const none = { routing: 2, refused: 1, setAside: 0, leftOut: 0 }

  expect(backendsText(none)).toBe('2 of 3 take connections')
  expect(backendsText({ ...none, setAside: 4, leftOut: 1 })).toBe(
    '2 of 3 take connections, 1 left out, 4 rows set aside',
  )
})

test('a listener says its app and how it takes TLS', () => {
  const plain = { app: null, host: '::1', port: 7080, tls: 'none' }

  expect(listenerText(plain)).toBe('any app at [::1]:7080')
  expect(listenerText({ app: 'web', host: '0.0.0.0', port: 443, tls: 'terminate' })).toBe(
    'web at 0.0.0.0:443, TLS (terminate)',
  )
})

test('a lease says how long it lasts, or that there is none', () => {
  const backend = { owner: 'node1', lease_secs: 30 } as Parameters<typeof leaseText>[0]

  expect(leaseText(backend)).toMatch(/^30.* left$/)
  expect(leaseText({ ...backend, lease_secs: -1 })).toBe('over')
  expect(leaseText({ ...backend, lease_secs: null })).toBe('none')
  expect(leaseText({ ...backend, lease_secs: null, owner: null })).toBe("operator's own")
  expect([limitText(3, 0), limitText(3, 150)]).toEqual(['3', '3 of 150'])
})
