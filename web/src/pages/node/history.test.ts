import type { StoredRecord } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import configApplied from '../../../../packages/contracts/fixtures/config-applied.json' with {
  type: 'json',
}
import lifecycleReady from '../../../../packages/contracts/fixtures/lifecycle-ready.json' with {
  type: 'json',
}
import operationChanged from '../../../../packages/contracts/fixtures/operation-changed.json' with {
  type: 'json',
}
import audited from '../../../../packages/contracts/fixtures/subscription-audited.json' with {
  type: 'json',
}
import { happeningsOf } from './history.ts'

let sequence = 0
function record(name: string, payload: unknown, violation: string | null = null): StoredRecord {
  sequence += 1
  return {
    stream: 'LIFECYCLE',
    sequence,
    stored_at: '2026-01-15T10:00:00Z',
    subject: `corro.${name}.node2`,
    violation,
    payload,
  }
}

test.each([
  ['lifecycle.ready', lifecycleReady, 'good', /^the agent is back: stop /],
  ['config.applied', configApplied, 'good', /^apply by operator, applied$/],
  ['operation.changed', operationChanged, 'info', /^restart by operator, running, at http$/],
  ['subscription.audited', audited, 'quiet', /rows compared, 0 differ$/],
  ['lifecycle.new-fact', { a: 1 }, 'quiet', /^\{"a":1\}$/],
])('%s is told in a sentence', (name, payload, tone, text) => {
  expect(happeningsOf([record(name, payload)])).toMatchObject([
    { name, tone, text: expect.stringMatching(text) },
  ])
})

test('of an operation only the newest record is told', () => {
  const newer = {
    operation: { ...operationChanged.operation, state: 'succeeded', steps: [] },
  }
  const records = [
    record('operation.changed', newer),
    record('operation.changed', operationChanged),
  ]
  expect(happeningsOf(records).map(({ text }) => text)).toEqual(['restart by operator, succeeded'])
})

test('a record that fits no contract is shown as such', () => {
  expect(happeningsOf([record('lifecycle.ready', 7, 'must be an object')])).toMatchObject([
    { tone: 'bad', text: 'fits no contract: must be an object' },
  ])
})
