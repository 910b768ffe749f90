import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { metricNamesIn } from '../src/expression.ts'
import { isRegistered } from '../src/metrics.ts'
import { readRules, rulesPath } from '../src/rules.ts'
import { type AlertCase, alertCases } from './alert-cases.ts'
import { runPromtool } from './prometheus.ts'

const root = join(import.meta.dirname, '../../..')
const rules = readRules().flatMap((group) => group.rules)

/** A test of promtool: nothing at one time, exactly this alert at another. */
function toPromtoolTest({ alert, series, silentAt, firesAt, labels, summary }: AlertCase) {
  const rule = rules.find((candidate) => candidate.alert === alert)
  if (!rule) throw new Error(`there is no rule ${alert}`)
  const fires = {
    exp_labels: { severity: rule.labels.severity, ...labels },
    exp_annotations: { summary, runbook_url: rule.annotations.runbook_url },
  }
  return {
    name: alert,
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      { eval_time: `${silentAt}m`, alertname: alert, exp_alerts: [] },
      { eval_time: `${firesAt}m`, alertname: alert, exp_alerts: [fires] },
    ],
  }
}

test('every alert fires when it should, as it should read, and not before', () => {
  using folder = createTemporaryFolder()
  const path = join(folder.path, 'rules.test.yml')
  const tests = alertCases.map(toPromtoolTest)
  writeFileSync(path, JSON.stringify({ rule_files: [rulesPath], evaluation_interval: '1m', tests }))

  expect(runPromtool('test', 'rules', path)).toEqual({
    status: 0,
    text: expect.stringContaining('SUCCESS'),
  })
})

test('promtool takes the rules and the configuration of Prometheus', () => {
  using folder = createTemporaryFolder()
  const path = join(import.meta.dirname, '../prometheus/prometheus.yml')
  // The secret is only there in its container.
  const text = readFileSync(path, 'utf8')
    .replaceAll('/run/secrets/corroport/metrics.token', join(folder.path, 'metrics.token'))
    .replace('rules.yml', rulesPath)
    .replaceAll('targets/', `${join(path, '../targets')}/`)
  writeFileSync(join(folder.path, 'metrics.token'), 'a token')
  const copy = join(folder.path, 'prometheus.yml')
  writeFileSync(copy, text)

  expect(runPromtool('check', 'config', copy)).toEqual({
    status: 0,
    text: expect.stringContaining('SUCCESS'),
  })
})

test('every alert has a case, and stands once in the rules', () => {
  const names = rules.map(({ alert }) => alert)

  expect(new Set(names).size).toBe(names.length)
  expect([...new Set(alertCases.map(({ alert }) => alert))].toSorted()).toEqual(names.toSorted())
})

test.each(rules)('the manual says what to do about $alert', ({ alert, annotations }) => {
  const manual = readFileSync(join(root, 'docs/operations.md'), 'utf8')

  expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`)
  expect(manual).toMatch(new RegExp(`^### ${alert}\n\n[^#]{100,}`, 'm'))
})

test('the manual names no alert that there is not', () => {
  const manual = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  const named = [...manual.matchAll(/\bCorro[A-Z][A-Za-z]+(?<!CorroPort)\b/g)].map(([name]) => name)

  expect(named.filter((name) => !rules.some(({ alert }) => alert === name))).toEqual([])
})

test.each(rules)('$alert stands on metrics that are exposed', ({ expr }) => {
  const names = metricNamesIn(expr)

  expect(names.length).toBeGreaterThan(0)
  expect(names.filter((name) => !isRegistered(name))).toEqual([])
})

test('the collector sends traces on only through parts that it has', () => {
  const path = join(import.meta.dirname, '../collector/collector.yml')
  const { service, ...parts } = parse(readFileSync(path, 'utf8'))

  for (const kind of ['receivers', 'processors', 'exporters'] as const) {
    expect(Object.keys(parts[kind])).toEqual(service.pipelines.traces[kind])
  }
  expect(Object.keys(parts.extensions)).toEqual(service.extensions)
})
