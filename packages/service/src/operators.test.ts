import { expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { readEnvironment } from './environment.ts'
import { operatorVariables, toOperatorConfig } from './operators.ts'

const read = (given: Record<string, string>) =>
  toOperatorConfig(
    readEnvironment(Type.Object(operatorVariables), { METRICS_PORT: '9441', ...given }),
  )

test('health and metrics listen on loopback, without a token and without a delay', () => {
  expect(read({})).toEqual({
    metricsPort: 9441,
    metricsHost: '127.0.0.1',
    metricsToken: undefined,
    stopDelayMs: 0,
  })
})

test.each(['0.0.0.0', '::', '10.1.2.3', 'node1'])('on %s a token is needed', (host) => {
  const token = 'a'.repeat(16)

  expect(() => read({ METRICS_HOST: host })).toThrow(
    `METRICS_HOST=${host} lets others read metrics and health: set METRICS_TOKEN or METRICS_TOKEN_FILE`,
  )
  expect(read({ METRICS_HOST: host, METRICS_TOKEN: token }).metricsToken).toBe(token)
})

test.each(['127.0.0.1', '127.8.0.1', 'localhost', '::1'])('on %s none is needed', (host) => {
  expect(read({ METRICS_HOST: host }).metricsHost).toBe(host)
})

test.each([
  ['METRICS_TOKEN', 'short'],
  ['METRICS_TOKEN', 'sixteen letters and more'],
  ['STOP_DELAY_MS', '25001'],
  ['STOP_DELAY_MS', '-1'],
])('%s=%s is refused without its value', (name, value) => {
  const reading = () => read({ [name]: value })

  expect(reading).toThrow(name)
  expect(reading).not.toThrow(value)
})
