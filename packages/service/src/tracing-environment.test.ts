import { expect, test } from '@jest/globals'
import { EnvironmentError } from './environment.ts'
import { readTracing } from './tracing-environment.ts'

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

test.each([
  ['nothing is set', {}],
  ['the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
  ['the SDK is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }],
  ['the exporter is none', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }],
  ['it is off, whatever else is wrong', { OTEL_SDK_DISABLED: 'true', OTEL_TRACES_SAMPLER: 'x' }],
])('nobody asks for spans where %s', (_, environment) => {
  expect(readTracing(environment)).toBeUndefined()
})

test.each([
  [endpoint, 'http://collector:4318/v1/traces'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' }, 'https://c/otlp/v1/traces'],
  [{ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/own' }, 'http://t:1/own'],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4318/v1/traces'],
])('spans of %j go to %s', (environment, url) => {
  expect(readTracing(environment)?.url).toBe(url)
})

test('what is not set is as the specification says', () => {
  expect(readTracing(endpoint)).toMatchObject({
    protocol: 'http/protobuf',
    headers: {},
    compression: 'none',
    timeoutMs: 10_000,
    sampler: 'parentbased_always_on',
    ratio: 1,
    batch: { maxQueueSize: 2048, maxSize: 512, delayMs: 5000, timeoutMs: 30_000 },
    attributes: {},
  })
})

test('what is said of traces goes before what is said of everything', () => {
  const config = readTracing({
    ...endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=three%20%3D%203',
    OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2000',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=production, region=a%2Cb',
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
  })

  expect(config).toMatchObject({
    protocol: 'http/json',
    headers: { a: '1', b: 'three = 3' },
    timeoutMs: 2000,
    attributes: { 'deployment.environment.name': 'production', region: 'a,b' },
    batch: { maxQueueSize: 100, maxSize: 100 },
  })
})

test.each([
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /^OTEL_EXPORTER_OTLP_PROTOCOL .*grpc is not spoken/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, /^OTEL_EXPORTER_OTLP_ENDPOINT is no address/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:hidden@c' }, /holds a password: use .*_HEADERS/],
  [{ OTEL_TRACES_EXPORTER: 'zipkin' }, /^OTEL_TRACES_EXPORTER .*otlp or none/],
  [{ OTEL_SDK_DISABLED: 'yes' }, /^OTEL_SDK_DISABLED /],
  [{ OTEL_TRACES_SAMPLER: 'xray' }, /^OTEL_TRACES_SAMPLER .*parentbased_traceidratio/],
  [{ OTEL_TRACES_SAMPLER_ARG: '10%' }, /^OTEL_TRACES_SAMPLER_ARG .*0 to 1/],
  [{ OTEL_TRACES_SAMPLER_ARG: '10' }, /^OTEL_TRACES_SAMPLER_ARG .*0 to 1/],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'authorization hidden' }, /_HEADERS: part 1 is not key=value/],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=%hidden' }, /_HEADERS: part 2 is not key=value/],
  [{ OTEL_RESOURCE_ATTRIBUTES: '=hidden' }, /^OTEL_RESOURCE_ATTRIBUTES: part 1/],
  [{ OTEL_BSP_SCHEDULE_DELAY: '0' }, /^OTEL_BSP_SCHEDULE_DELAY /],
  [
    { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '200', OTEL_BSP_MAX_QUEUE_SIZE: '100' },
    /^OTEL_BSP_MAX_EXPORT_BATCH_SIZE=200 is more than OTEL_BSP_MAX_QUEUE_SIZE=100/,
  ],
])('%j is refused with a line that says what would fit', (environment, line) => {
  const read = (): unknown => readTracing({ ...endpoint, ...environment })

  expect(read).toThrow(EnvironmentError)
  expect(read).toThrow(line)
  expect(read).not.toThrow(/hidden/)
})
