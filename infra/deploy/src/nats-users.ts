import { inboxOf } from '@corroport/bus'
import {
  claimBucket,
  type DurableDefinition,
  deadLettered,
  durablesFor,
  type StreamName,
  streams,
  tokenBucket,
} from '@corroport/contracts'
import {
  analyticsVoice,
  buildControllerVoice,
  nodeVoices,
  type Spoken,
  type Voice,
} from './voices.ts'

/** One user of NATS and all that it may do; everything else is refused. */
export interface NatsUser {
  readonly name: string
  readonly publish: readonly string[]
  /** Taken from what `publish` allows. */
  readonly notPublish: readonly string[]
  readonly subscribe: readonly string[]
  /** It may answer what it was asked, once, so long after; undefined where it answers nothing. */
  readonly answersWithinMs: number | undefined
}

const streamNames = streams.map(({ name }) => name)
const recordSubjects = streams.flatMap(({ name, subjects }) => (name === 'DEAD' ? [] : subjects))

export interface RightsOptions {
  /** Gateways may say every record again, so that they can redrive dead letters. */
  isRedriving?: boolean
}

/** One for each service of each node, and those that a cluster has once. */
export function natsUsers(
  nodeIds: readonly string[],
  { isRedriving = false }: RightsOptions = {},
): NatsUser[] {
  const durables = durablesFor(nodeIds)
  const redriven = isRedriving ? recordSubjects : []
  return [
    ...nodeIds.flatMap((nodeId) =>
      nodeVoices.map((voice) =>
        serviceUser({
          name: `${voice.service}-${nodeId}`,
          voice,
          nodeId,
          own: voice.durables(nodeId),
          durables,
          more: voice.reads.includes('DEAD') ? redriven : [],
        }),
      ),
    ),
    serviceUser({
      name: analyticsVoice.service,
      voice: analyticsVoice,
      own: analyticsVoice.durables,
      durables,
    }),
    serviceUser({
      name: buildControllerVoice.service,
      voice: buildControllerVoice,
      own: [],
      durables,
    }),
    migrateUser,
    operatorUser(durables),
  ]
}

function serviceUser({
  name,
  voice,
  nodeId,
  own,
  durables,
  more = [],
}: {
  name: string
  voice: Voice
  /** Undefined for a service that speaks of every node. */
  nodeId?: string
  own: readonly DurableDefinition[]
  durables: readonly DurableDefinition[]
  /** What it may say besides. */
  more?: readonly string[]
}): NatsUser {
  const { service, says, hears, asks, answers, reads, buckets } = voice
  const ofItsNode = (spoken: Spoken): string =>
    spoken.filter(nodeId === undefined ? {} : { nodeId })
  const reading = readRights(reads, durables, own)
  return {
    name,
    publish: distinct([
      ...more,
      ...says.map(ofItsNode),
      ...asks.map(({ wildcard }) => wildcard),
      // Who reads records may refuse some for ever.
      ...(own.length > 0 ? [deadLettered.subject({ service })] : []),
      ...streamNames.map((stream) => api('STREAM.INFO', stream)),
      ...own.flatMap(durableRights),
      ...(nodeId === undefined ? [] : claimRights(nodeId, service)),
      ...buckets.flatMap(bucketRights),
      ...reading.allowed,
      // Dead letters are read one by one, and taken away when they were redriven.
      ...(reads.includes('DEAD')
        ? [api('STREAM.MSG.GET', 'DEAD'), api('STREAM.MSG.DELETE', 'DEAD')]
        : []),
    ]),
    notPublish: reading.refused,
    subscribe: distinct([
      ...hears.filter(({ kind }) => kind === 'hint').map(({ wildcard }) => wildcard),
      ...answers.map(ofItsNode),
      `${inboxOf(name)}.>`,
    ]),
    answersWithinMs:
      answers.length === 0 ? undefined : Math.max(...answers.map(({ timeoutMs = 0 }) => timeoutMs)),
  }
}

function durableRights({ stream, name }: DurableDefinition): string[] {
  return [
    api('CONSUMER.INFO', stream, name),
    api('CONSUMER.MSG.NEXT', stream, name),
    `$JS.ACK.${stream}.${name}.>`,
  ]
}

/** Its own name and no other; of a gateway also the key that it writes to see whether NATS takes it. */
function claimRights(nodeId: string, service: string): string[] {
  const stream = `KV_${claimBucket.name}`
  const keys = [`${nodeId}.${service}`, ...(service === 'gateway' ? [`${nodeId}.writable`] : [])]
  return [
    api('STREAM.INFO', stream),
    api('STREAM.MSG.GET', stream),
    ...keys.map((key) => `$KV.${claimBucket.name}.${key}`),
  ]
}

function bucketRights(bucket: string): string[] {
  const stream = `KV_${bucket}`
  return [
    api('STREAM.INFO', stream),
    api('STREAM.MSG.GET', stream),
    api('CONSUMER.CREATE', stream, '>'),
    api('CONSUMER.INFO', stream, '*'),
    api('CONSUMER.MSG.NEXT', stream, '*'),
    api('CONSUMER.DELETE', stream, '*'),
    `$KV.${bucket}.*`,
  ]
}

/**
 * Consumers that are made for a while, under names that nobody can foresee. Durables have names that
 * everybody knows: whoever may make consumers could else change, read or delete them.
 */
function readRights(
  reads: readonly StreamName[],
  durables: readonly DurableDefinition[],
  own: readonly DurableDefinition[] = [],
): { allowed: string[]; refused: string[] } {
  const refused = durables
    .filter(({ stream }) => reads.includes(stream))
    .flatMap((durable) => {
      const { stream, name } = durable
      return [
        api('CONSUMER.CREATE', stream, name),
        api('CONSUMER.CREATE', stream, name, '>'),
        api('CONSUMER.DELETE', stream, name),
        ...(own.includes(durable) ? [] : [api('CONSUMER.MSG.NEXT', stream, name)]),
      ]
    })
  const allowed = reads.flatMap((stream) => [
    api('CONSUMER.CREATE', stream, '>'),
    api('CONSUMER.INFO', stream, '*'),
    api('CONSUMER.MSG.NEXT', stream, '*'),
    api('CONSUMER.DELETE', stream, '*'),
  ])
  return { allowed, refused }
}

/** Makes streams, durables and buckets, and decides over access tokens; says and hears nothing. */
const migrateUser: NatsUser = {
  name: 'migrate',
  publish: [
    '$JS.API.INFO',
    ...['INFO', 'CREATE', 'UPDATE'].map((verb) => api(`STREAM.${verb}`, '*')),
    api('CONSUMER.INFO', '*', '*'),
    api('CONSUMER.CREATE', '>'),
    api('CONSUMER.DURABLE.CREATE', '*', '*'),
    ...bucketRights(tokenBucket.name),
  ],
  notPublish: [],
  subscribe: [`${inboxOf('migrate')}.>`],
  answersWithinMs: undefined,
}

/** Sees everything that is said and stored, for people; says nothing. */
function operatorUser(durables: readonly DurableDefinition[]): NatsUser {
  const reading = readRights(streamNames, durables)
  return {
    name: 'operator',
    publish: [
      '$JS.API.INFO',
      '$JS.API.STREAM.NAMES',
      '$JS.API.STREAM.LIST',
      api('STREAM.INFO', '*'),
      api('CONSUMER.NAMES', '*'),
      api('CONSUMER.LIST', '*'),
      ...streamNames.map((stream) => api('STREAM.MSG.GET', stream)),
      ...reading.allowed,
    ],
    notPublish: reading.refused,
    subscribe: ['corro.>', `${inboxOf('operator')}.>`],
    answersWithinMs: undefined,
  }
}

function api(verb: string, ...names: string[]): string {
  return ['$JS.API', verb, ...names].join('.')
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}
