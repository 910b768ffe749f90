import type { Attributes, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type * as Sdk from '@opentelemetry/sdk-trace-base'
import type { Logger } from 'pino'
import { createSpanExporter } from './span-exporter.ts'
import type { TracingConfig } from './tracing-environment.ts'
import { version } from './version.ts'

/** A span as it begins; ids are `traceparent`s. */
export interface SpanBeginning {
  service: string
  name: string
  kind?: 'server' | 'client' | 'producer' | 'consumer' | 'internal'
  parent?: string | undefined
  links?: readonly string[]
  attributes?: Attributes
  /** Unix milliseconds. */
  startedAt?: number
}

export interface RecordedSpan {
  readonly traceparent: string
  set(attributes: Attributes): void
  end(failure?: unknown): void
}

export interface Tracing extends AsyncDisposable {
  /** Begins a span, or only its ids where the sampler leaves it out. */
  readonly record: (beginning: SpanBeginning) => RecordedSpan
}

// Of the 10 s that a stop may take.
const lastExportMs = 2000
const longestReason = 300

/** Records and exports spans until it is disposed. Nothing of OpenTelemetry is loaded before. */
export async function startTracing(
  config: TracingConfig,
  { nodeId, instanceId, log }: { nodeId?: string; instanceId: string; log: Logger },
): Promise<Tracing> {
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await import('@opentelemetry/api')
  const { resourceFromAttributes, defaultResource } = await import('@opentelemetry/resources')
  const sdk = await import('@opentelemetry/sdk-trace-base')
  const { JsonTraceSerializer, ProtobufTraceSerializer } = await import(
    '@opentelemetry/otlp-transformer'
  )
  const serializer = config.protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer
  const exporter = createSpanExporter(config, (spans) => serializer.serializeRequest(spans), log)
  const processor = new sdk.BatchSpanProcessor(exporter, {
    maxQueueSize: config.batch.maxQueueSize,
    maxExportBatchSize: config.batch.maxSize,
    scheduledDelayMillis: config.batch.delayMs,
    exportTimeoutMillis: config.batch.timeoutMs,
  })
  const sampler = createSampler(sdk, config)
  const kinds = {
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    producer: SpanKind.PRODUCER,
    consumer: SpanKind.CONSUMER,
    internal: SpanKind.INTERNAL,
  }

  // Services of one process are told apart by their resources, and share the queue of spans.
  const tracers = new Map<string, Tracer>()
  const tracerOf = (service: string): Tracer => {
    const known = tracers.get(service)
    if (known) return known
    const resource = defaultResource().merge(
      resourceFromAttributes({
        'service.namespace': 'corroport',
        'service.version': version,
        'service.instance.id': instanceId,
        ...config.attributes,
        'service.name': service,
        ...(nodeId !== undefined && { 'corroport.node.id': nodeId }),
      }),
    )
    const provider = new sdk.BasicTracerProvider({ resource, sampler, spanProcessors: [processor] })
    const tracer = provider.getTracer('corroport', version)
    tracers.set(service, tracer)
    return tracer
  }

  const begin = ({ service, name, kind = 'internal', parent, ...rest }: SpanBeginning): Span => {
    const { links = [], attributes = {}, startedAt } = rest
    const context =
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, { ...contextOf(parent), isRemote: true })
    const options = {
      kind: kinds[kind],
      attributes,
      links: links.map((link) => ({ context: contextOf(link) })),
      ...(startedAt !== undefined && { startTime: startedAt }),
    }
    return tracerOf(service).startSpan(name, options, context)
  }

  log.info({ url: config.url, sampler: config.sampler, ratio: config.ratio }, 'spans are exported')
  return {
    record(beginning) {
      const span = begin(beginning)
      return {
        traceparent: traceparentOf(span.spanContext()),
        set: (attributes) => void span.setAttributes(attributes),
        end: (failure) => {
          if (failure !== undefined) {
            const message = reasonOf(failure).slice(0, longestReason)
            span.setStatus({ code: SpanStatusCode.ERROR, message })
          }
          span.end()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      if (exporter.isFailing) exporter.abort()
      const patience = setTimeout(() => exporter.abort(), lastExportMs)
      await processor.shutdown().catch(() => undefined) // the exporter has said why
      clearTimeout(patience)
    },
  }
}

function createSampler(sdk: typeof Sdk, { sampler, ratio }: TracingConfig): Sdk.Sampler {
  const { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = sdk
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio)
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) })
    default:
      throw new Error(`unreachable: ${String(sampler satisfies never)}`)
  }
}

function contextOf(traceparent: string): SpanContext {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-')
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) }
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

function reasonOf(failure: unknown): string {
  return Error.isError(failure) ? failure.message : String(failure)
}
