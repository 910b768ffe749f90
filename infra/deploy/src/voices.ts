import * as ackSender from '@corroport/ack-sender/service.ts'
import * as analytics from '@corroport/analytics/service.ts'
import * as buildController from '@corroport/build-controller/service.ts'
import * as configManager from '@corroport/config-manager/service.ts'
import {
  ackSenderDurable,
  analyticsDurables,
  type DurableDefinition,
  rolloutBucket,
  type StreamName,
  streams,
  subscriberDurable,
  tokenBucket,
} from '@corroport/contracts'
import * as edgeProxy from '@corroport/edge-proxy/service.ts'
import * as gateway from '@corroport/gateway/service.ts'
import * as subscriber from '@corroport/subscriber/service.ts'

/** An event or a command, of which only the subjects matter here. */
export interface Spoken {
  readonly kind: 'record' | 'hint' | 'command'
  readonly template: string
  readonly wildcard: string
  readonly timeoutMs?: number
  filter(parameters?: object): string
}

/** What a service does on NATS. */
export interface Voice {
  readonly service: string
  readonly says: readonly Spoken[]
  readonly hears: readonly Spoken[]
  readonly asks: readonly Spoken[]
  readonly answers: readonly Spoken[]
  /** Streams that it reads beside its durables. */
  readonly reads: readonly StreamName[]
  /** Buckets all of whose keys it writes. */
  readonly buckets: readonly string[]
}

export interface NodeVoice extends Voice {
  readonly durables: (nodeId: string) => readonly DurableDefinition[]
}

/** The services of a node. They have names that others may not take, in the bucket of claims. */
export const nodeVoices: readonly NodeVoice[] = [
  {
    service: 'subscriber',
    says: subscriber.says,
    hears: subscriber.hears,
    asks: [],
    answers: subscriber.answers,
    durables: (nodeId) => [subscriberDurable(nodeId)],
    reads: [],
    buckets: [],
  },
  {
    service: 'ack-sender',
    says: ackSender.says,
    hears: ackSender.hears,
    asks: [],
    answers: ackSender.answers,
    durables: (nodeId) => [ackSenderDurable(nodeId)],
    reads: [],
    buckets: [],
  },
  {
    service: 'config-manager',
    says: configManager.says,
    hears: configManager.hears,
    asks: configManager.asks,
    answers: configManager.answers,
    durables: () => [],
    reads: [],
    buckets: [rolloutBucket.name],
  },
  {
    service: 'gateway',
    says: gateway.says,
    hears: gateway.hears,
    asks: gateway.asks,
    answers: gateway.answers,
    durables: () => [],
    reads: streams.map(({ name }) => name),
    // It puts back what a wiped store has lost.
    buckets: [tokenBucket.name],
  },
  {
    service: 'edge-proxy',
    says: edgeProxy.says,
    hears: [],
    asks: [],
    answers: edgeProxy.answers,
    durables: () => [],
    reads: [],
    buckets: [],
  },
]

/** One user for all build controllers: of several any may tell what their database says. */
export const buildControllerVoice: Voice = {
  service: 'build-controller',
  says: buildController.says,
  hears: [],
  asks: [],
  answers: buildController.answers,
  reads: [],
  buckets: [],
}

export const analyticsVoice: Voice & { readonly durables: readonly DurableDefinition[] } = {
  service: 'analytics',
  says: analytics.says,
  hears: analytics.hears,
  asks: analytics.asks,
  answers: analytics.answers,
  durables: analyticsDurables,
  // What its durable does not give again after a loss.
  reads: analyticsDurables.map(({ stream }) => stream),
  buckets: [],
}
