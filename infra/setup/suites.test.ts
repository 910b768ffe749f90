import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { suitesForBothKinds, suitesRunAlone, suitesUsing } from './suites.mjs'

const root = join(import.meta.dirname, '../..')

test('a suite is known by the parts that it starts, also through files beside it', () => {
  const withAgents = suitesUsing(['agents'], root)
  const withNats = suitesUsing(['nats'], root)

  expect(withAgents).toContain('test/end-to-end.test.ts')
  expect(withAgents).toContain('packages/corrosion-client/test/follow.test.ts')
  expect(withAgents).not.toContain('packages/bus/test/outbox.test.ts')
  expect(withNats).toContain('services/ack-sender/test/delivery.test.ts')
  expect(withNats).toContain('services/config-manager/test/rollout.test.ts')
  expect(withNats).not.toContain('packages/corrosion-client/test/follow.test.ts')
  expect(suitesUsing(['network'], root)).toEqual([
    'infra/deploy/test/full-volume.test.ts',
    'services/config-manager/test/membership-partition-real.test.ts',
    'test/full-volume.test.ts',
  ])
  expect(suitesUsing([], root)).toEqual([])
})

test('a suite that asks for a real agent is left out where there is none, and not run again', () => {
  const asking = 'packages/testing/test/corrosion-agent.test.ts'

  expect(suitesUsing(['corrosion'], root)).toContain(asking)
  expect(suitesForBothKinds(root)).not.toContain(asking)
  expect(suitesForBothKinds(root)).toContain('test/end-to-end.test.ts')
})

test('a suite that asks for a browser is left out where there is none, and not run again', () => {
  // Through two files beside it.
  const asking = 'web/test/sign-in.test.ts'

  expect(suitesUsing(['browser'], root)).toContain(asking)
  expect(suitesForBothKinds(root)).not.toContain(asking)
})

test('suites that ask Prometheus are left out where there is none, and not run again', () => {
  const asking = 'infra/observability/test/live.test.ts'

  expect(suitesUsing(['prometheus'], root)).toEqual([
    asking,
    'infra/observability/test/rules.test.ts',
  ])
  expect(suitesUsing(['agents'], root)).toContain(asking)
  expect(suitesForBothKinds(root)).not.toContain(asking)
})

test('the suite of the compose file is left out where there is no Docker, and not run again', () => {
  const suite = 'infra/docker/test/compose.test.ts'

  expect(suitesUsing(['docker'], root)).toEqual([suite])
  expect(suitesRunAlone(root)).toEqual([suite])
  expect(suitesForBothKinds(root)).not.toContain(suite)
})
