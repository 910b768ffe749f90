import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { allDashboards, dashboards } from '../src/dashboards/dashboards.ts'
import { metrics } from '../src/metrics.ts'
import { composeTargets } from '../src/targets.ts'

const main = join(import.meta.dirname, '../src/main.ts')
const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })

const Place = Type.Object({
  x: Type.Integer(),
  y: Type.Integer(),
  w: Type.Integer(),
  h: Type.Integer(),
})
const Source = Type.Object({ type: Type.Literal('prometheus'), uid: Type.Literal('prometheus') })
const Row = Type.Object({ id: Type.Integer(), type: Type.Literal('row'), gridPos: Place })
const Panel = Type.Object({
  id: Type.Integer(),
  type: Type.Enum(['timeseries', 'stat', 'table']),
  title: Type.String({ minLength: 1 }),
  datasource: Source,
  gridPos: Place,
  targets: Type.Array(
    Type.Object({
      refId: Type.String({ pattern: '^[A-Z]$' }),
      datasource: Source,
      expr: Type.String({ minLength: 1 }),
      legendFormat: Type.String(),
    }),
    { minItems: 1 },
  ),
})
const Dashboard = Type.Object({
  uid: Type.String({ pattern: '^[a-z-]{1,40}$' }),
  title: Type.String(),
  schemaVersion: Type.Integer(),
  panels: Type.Array(Type.Union([Row, Panel])),
})

test('the dashboards and targets that are checked in are up to date', () => {
  const { status, stderr } = run('--check')

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

test.each(Object.entries(dashboards()))('%s is what Grafana takes', (_, document) => {
  const { panels } = Value.Parse(Dashboard, JSON.parse(JSON.stringify(document)))
  const places = panels.map(({ gridPos }) => gridPos)
  const overlapping = places.filter((a, index) =>
    places.some(
      (b, other) =>
        other > index && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h,
    ),
  )

  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  expect(overlapping).toEqual([])
  expect(places.filter(({ x, w }) => x + w > 24)).toEqual([])
})

test('Grafana finds the data source that dashboards name', () => {
  const path = join(import.meta.dirname, '../grafana/provisioning/datasources/datasources.yml')

  expect(readFileSync(path, 'utf8')).toContain('uid: prometheus\n')
})

test('every metric but one is shown on a dashboard or stands in a rule', () => {
  const rules = readFileSync(join(import.meta.dirname, '../prometheus/rules.yml'), 'utf8')
  const text = JSON.stringify(allDashboards) + rules

  // Agents tell it of themselves by clocks that may be wrong; few tell it at all.
  expect(metrics.map(({ name }) => name).filter((name) => !text.includes(name))).toEqual([
    'corro_agent_p99_lag_seconds',
  ])
})

const documented = [
  'edgeproxy_backend_rtt_ms',
  'edgeproxy_bytes_received_total',
  'edgeproxy_bytes_sent_total',
]

test('names of metrics end as their units and types ask', () => {
  const base = ['seconds', 'bytes', 'ratio']
  const names = metrics.map(({ name }) => name)

  expect(names).toEqual([...new Set(names)].toSorted())
  for (const { name, type, unit } of metrics) {
    expect(name).toMatch(/^(corro|edgeproxy)_[a-z0-9_]+$/)
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
    // Names of edgeProxy's documentation.
    if (documented.includes(name)) continue
    const ending = base.find((each) => name.replace(/_total$/, '').endsWith(`_${each}`))
    expect([name, ending]).toEqual([name, base.includes(unit) ? unit : undefined])
    expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|percent)(_|$)/)
  }
})

test('targets are written for any number of nodes, each with its node and service', () => {
  using folder = createTemporaryFolder()

  const { status } = run('targets', '--nodes', '5', '--out', folder.path)

  const written: unknown = JSON.parse(readFileSync(join(folder.path, 'corroport.json'), 'utf8'))
  expect(status).toBe(0)
  expect(written).toEqual(composeTargets(5)['corroport.json'])
  expect(written).toHaveLength(5 * 4 + 1)
  expect(written).toContainEqual({
    targets: ['ack-sender5:9100'],
    labels: { node: 'node5', service: 'ack-sender' },
  })
  expect(JSON.parse(readFileSync(join(folder.path, 'corrosion.json'), 'utf8'))).toContainEqual({
    targets: ['agent5:9090'],
    labels: { node: 'node5' },
  })
})

test.each([
  [['targets', '--nodes', '0', '--out', 'x']],
  [['targets', '--nodes', '3']],
  [['targets', '--nodes', '2.5', '--out', 'x']],
  [['others']],
  [['--unknown']],
])('%j is refused with how it is used', (args) => {
  const { status, stderr } = run(...args)

  expect(status).toBe(2)
  expect(stderr).toContain('usage: ')
})
