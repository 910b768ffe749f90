import { Type } from 'typebox'
import { EnvironmentError, readEnvironment, secret } from './environment.ts'

/** How spans are exported, and which. */
export interface TracingConfig {
  url: string
  protocol: 'http/protobuf' | 'http/json'
  /** Secret. */
  headers: Readonly<Record<string, string>>
  compression: 'none' | 'gzip'
  timeoutMs: number
  sampler: (typeof samplers)[number]
  ratio: number
  batch: { maxQueueSize: number; maxSize: number; delayMs: number; timeoutMs: number }
  /** Of the resource. */
  attributes: Readonly<Record<string, string>>
}

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

const endpoint = (description: string) => Type.Optional(Type.String({ description }))
const protocol = Type.Optional(
  Type.Enum(['http/protobuf', 'http/json'], {
    description:
      'http/protobuf or http/json; grpc is not spoken, a collector has port 4318 for HTTP',
  }),
)
const compression = Type.Optional(
  Type.Enum(['none', 'gzip'], { description: 'of what is exported: none or gzip' }),
)
const timeout = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 60_000,
    description: 'milliseconds for one export with its repetitions; 10000 without it',
  }),
)
const headers = Type.Optional(
  secret(Type.String(), {
    description: 'sent with each export: key=value,key=value, percent-encoded',
  }),
)

const switches = {
  OTEL_SDK_DISABLED: Type.String({
    default: 'false',
    pattern: '^([tT]rue|TRUE|[fF]alse|FALSE)$',
    description: 'true: no spans, whatever else is set',
  }),
  OTEL_TRACES_EXPORTER: Type.Optional(
    Type.Enum(['otlp', 'none'], {
      description: 'otlp or none; without it spans are exported where an endpoint is set',
    }),
  ),
}

/** The standard variables, as far as they are read here. */
export const TracingEnvironment = Type.Object({
  ...switches,
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint('http://collector:4318, to which /v1/traces is added'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint('http://collector:4318/v1/traces, as it is'),
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_HEADERS: headers,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: headers,
  OTEL_EXPORTER_OTLP_COMPRESSION: compression,
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: compression,
  OTEL_EXPORTER_OTLP_TIMEOUT: timeout,
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: timeout,
  OTEL_TRACES_SAMPLER: Type.Enum([...samplers], {
    default: 'parentbased_always_on',
    description: `which traces are recorded: ${samplers.join(', ')}`,
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    default: 1,
    minimum: 0,
    maximum: 1,
    description: 'the share of traces that a sampler with traceidratio records, 0 to 1',
  }),
  OTEL_RESOURCE_ATTRIBUTES: Type.Optional(
    Type.String({ description: 'key=value,key=value, percent-encoded; of every span' }),
  ),
  OTEL_BSP_SCHEDULE_DELAY: Type.Integer({
    default: 5000,
    minimum: 1,
    maximum: 600_000,
    description: 'spans are exported at the latest after so many milliseconds',
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: Type.Integer({
    default: 2048,
    minimum: 1,
    maximum: 65_536,
    description: 'so many spans wait at most; what comes beyond them is dropped',
  }),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Type.Integer({
    default: 512,
    minimum: 1,
    maximum: 65_536,
    description: 'spans of one export, at most OTEL_BSP_MAX_QUEUE_SIZE',
  }),
  OTEL_BSP_EXPORT_TIMEOUT: Type.Integer({
    default: 30_000,
    minimum: 1,
    maximum: 600_000,
    description: 'milliseconds after which the next export no longer waits for one',
  }),
})

/** Undefined where nobody asks for spans. Throws `EnvironmentError` with what does not fit. */
export function readTracing(
  environment: Readonly<Record<string, string | undefined>>,
): TracingConfig | undefined {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER } = readEnvironment(
    Type.Object(switches),
    environment,
  )
  const isEndpointSet =
    Boolean(environment.OTEL_EXPORTER_OTLP_ENDPOINT) ||
    Boolean(environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
  const isWanted =
    OTEL_TRACES_EXPORTER === 'otlp' || (OTEL_TRACES_EXPORTER === undefined && isEndpointSet)
  if (OTEL_SDK_DISABLED.toLowerCase() === 'true' || !isWanted) return undefined

  const env = readEnvironment(TracingEnvironment, environment)
  const maxQueueSize = env.OTEL_BSP_MAX_QUEUE_SIZE
  const maxSize = env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE
  // The default of the one must not contradict a small value of the other.
  const isBatchGiven = Boolean(environment.OTEL_BSP_MAX_EXPORT_BATCH_SIZE)
  if (isBatchGiven && maxSize > maxQueueSize) {
    throw new EnvironmentError(
      `OTEL_BSP_MAX_EXPORT_BATCH_SIZE=${maxSize} is more than OTEL_BSP_MAX_QUEUE_SIZE=${maxQueueSize}: at most as many spans can be exported together as wait`,
    )
  }
  return {
    url: urlOf(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, env.OTEL_EXPORTER_OTLP_ENDPOINT),
    protocol:
      env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/protobuf',
    headers: {
      ...pairsOf('OTEL_EXPORTER_OTLP_HEADERS', env.OTEL_EXPORTER_OTLP_HEADERS),
      ...pairsOf('OTEL_EXPORTER_OTLP_TRACES_HEADERS', env.OTEL_EXPORTER_OTLP_TRACES_HEADERS),
    },
    compression:
      env.OTEL_EXPORTER_OTLP_TRACES_COMPRESSION ?? env.OTEL_EXPORTER_OTLP_COMPRESSION ?? 'none',
    timeoutMs: env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ?? env.OTEL_EXPORTER_OTLP_TIMEOUT ?? 10_000,
    sampler: env.OTEL_TRACES_SAMPLER,
    ratio: env.OTEL_TRACES_SAMPLER_ARG,
    batch: {
      maxQueueSize,
      maxSize: Math.min(maxSize, maxQueueSize),
      delayMs: env.OTEL_BSP_SCHEDULE_DELAY,
      timeoutMs: env.OTEL_BSP_EXPORT_TIMEOUT,
    },
    attributes: pairsOf('OTEL_RESOURCE_ATTRIBUTES', env.OTEL_RESOURCE_ATTRIBUTES),
  }
}

function urlOf(ofTraces: string | undefined, ofAll = 'http://localhost:4318'): string {
  const isOfTraces = ofTraces !== undefined
  const name = isOfTraces ? 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT' : 'OTEL_EXPORTER_OTLP_ENDPOINT'
  const url = URL.parse(ofTraces ?? ofAll)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new EnvironmentError(`${name} is no address of a collector: http://collector:4318`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new EnvironmentError(`${name} holds a password: use OTEL_EXPORTER_OTLP_HEADERS for it`)
  }
  if (!isOfTraces) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`
  return url.href
}

/** `key=value,key=value`, as in W3C baggage. The values may be secret, so they are not said. */
function pairsOf(name: string, text = ''): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '')
  return Object.fromEntries(
    pairs.map((pair, index) => {
      const [, key, value] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*([\x21-\x7e ]*?)\s*$/.exec(pair) ?? []
      if (key === undefined || value === undefined || /%(?![\da-fA-F]{2})/.test(value)) {
        throw new EnvironmentError(
          `${name}: part ${index + 1} is not key=value; percent-encode what is no visible ASCII`,
        )
      }
      return [key, decodeURIComponent(value)]
    }),
  )
}
