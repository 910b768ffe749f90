import type { AuditNoted } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { fits, outcomeOf } from './audit.ts'

const note: AuditNoted = {
  nodeId: 'node1',
  requestId: '01KF0HV5DC9V8R7D2M5XNCJ4AT',
  at: '2026-01-15T10:05:06.349006Z',
  by: 'Anna',
  role: 'operator',
  action: 'POST /api/node/restart',
  target: 'node2',
  status: 202,
  remoteAddress: '10.0.0.17',
}

test.each([
  [200, 'carried out'],
  [202, 'carried out'],
  [403, 'refused'],
  [429, 'refused'],
  [503, 'failed'],
])('the status %i says how it ended', (status, outcome) => {
  expect(outcomeOf(status)).toBe(outcome)
})

test.each([
  [{}, true],
  [{ who: 'ann' }, true],
  [{ who: 'bob' }, false],
  [{ action: 'RESTART' }, true],
  [{ action: 'node2' }, true],
  [{ outcome: 'carried out' as const }, true],
  [{ outcome: 'refused' as const }, false],
  [{ who: 'anna', action: 'wipe' }, false],
])('a note fits or does not fit %p', (filter, isFitting) => {
  expect(fits(note, filter)).toBe(isFitting)
})

test('who is not known can be looked for', () => {
  expect(fits({ ...note, by: null }, { who: 'nobody' })).toBe(true)
})
