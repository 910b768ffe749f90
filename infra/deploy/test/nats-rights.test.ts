import { inboxOf } from '@corroport/bus'
import {
  claimBucket,
  deadLettered,
  rolloutBucket,
  streams,
  tokenBucket,
} from '@corroport/contracts'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node'
import { analyticsVoice, nodeVoices, type Spoken, type Voice } from '../src/voices.ts'
import { type NatsWithUsers, startNatsWithUsers } from './nats-with-users.ts'

const nodeIds = ['node1', 'node2']

interface Case {
  user: string
  voice: Voice
  nodeId: string | undefined
}

const cases: Case[] = [
  ...nodeIds.flatMap((nodeId) =>
    nodeVoices.map((voice) => ({ user: `${voice.service}-${nodeId}`, voice, nodeId })),
  ),
  { user: 'analytics', voice: analyticsVoice, nodeId: undefined },
]
const everything = [...nodeVoices, analyticsVoice].flatMap(({ says, hears, asks, answers }) => [
  ...says,
  ...hears,
  ...asks,
  ...answers,
])

/** A subject as it is said of or to each node, with the node where it is of one. */
function subjectsOf({ template }: Spoken): { subject: string; nodeId: string | undefined }[] {
  const filled = template.replaceAll('{experimentId}', 'e1')
  return filled.includes('{nodeId}')
    ? nodeIds.map((nodeId) => ({ subject: filled.replaceAll('{nodeId}', nodeId), nodeId }))
    : [{ subject: filled, nodeId: undefined }]
}

const allSubjects = [
  ...new Map(everything.map((spoken) => [spoken.template, spoken])).values(),
].flatMap((spoken) => subjectsOf(spoken).map((place) => ({ spoken, ...place })))

function includes(list: readonly Spoken[], { template }: Spoken): boolean {
  return list.some((each) => each.template === template)
}

let nats: NatsWithUsers
beforeAll(async () => {
  nats = await startNatsWithUsers(nodeIds)
})
afterAll(async () => {
  await nats[Symbol.asyncDispose]()
})

async function openAs(user: string): Promise<NatsConnection> {
  return await connect({
    servers: nats.url,
    user,
    pass: nats.passwordOf(user),
    inboxPrefix: inboxOf(user),
    reconnect: false,
  })
}

/** Does something on each subject; gives those for which the server refused it. */
async function refusals(
  user: string,
  subjects: readonly string[],
  act: (connection: NatsConnection, subject: string) => void,
): Promise<string[]> {
  const connection = await openAs(user)
  const refused = new Set<string>()
  const listening = (async () => {
    for await (const status of connection.status()) {
      if (status.type !== 'error') continue
      if (!(status.error instanceof PermissionViolationError)) throw status.error
      refused.add(status.error.subject)
    }
  })()
  for (const subject of subjects) act(connection, subject)
  await connection.flush()
  await connection.close()
  await listening
  return subjects.filter((subject) => refused.has(subject))
}

const publish = (connection: NatsConnection, subject: string): void =>
  connection.publish(subject, '{}')
const hear = (connection: NatsConnection, subject: string): void => {
  connection.subscribe(subject, { callback: () => undefined })
}

describe.each(cases)('$user', ({ user, voice, nodeId }) => {
  test('says what its service says of its own node, asks, and nothing else', async () => {
    const mayNot = allSubjects
      .filter(({ spoken, nodeId: of }) => {
        const isOwn = nodeId === undefined || of === undefined || of === nodeId
        return !(includes(voice.says, spoken) && isOwn) && !includes(voice.asks, spoken)
      })
      .map(({ subject }) => subject)
    const subjects = allSubjects.map(({ subject }) => subject)

    expect(await refusals(user, subjects, publish)).toEqual(mayNot)
    expect(mayNot.length).toBeGreaterThan(30)
  })

  test('hears the hints of its service, answers for its own node, and nothing else', async () => {
    const mayNot = allSubjects
      .filter(({ spoken, nodeId: of }) => {
        const isOwn = nodeId === undefined || of === undefined || of === nodeId
        const hears = spoken.kind === 'hint' && includes(voice.hears, spoken)
        return !hears && !(includes(voice.answers, spoken) && isOwn)
      })
      .map(({ subject }) => subject)
    const subjects = allSubjects.map(({ subject }) => subject)

    expect(await refusals(user, subjects, hear)).toEqual(mayNot)
  })

  test('neither hears replies to others nor everything', async () => {
    const others = cases.filter((other) => other.user !== user)
    const subjects = [
      '>',
      'corro.>',
      'corro.*.*.*',
      '_INBOX.>',
      '$JS.>',
      '$KV.>',
      '$SYS.>',
      ...others.map((other) => `${inboxOf(other.user)}.>`),
    ]

    expect(await refusals(user, subjects, hear)).toEqual(subjects)
  })

  test("neither reads nor changes another's durable, stream, name or document", async () => {
    const others = cases.filter((other) => other.user !== user)
    const durables = others.flatMap((other) => durablesOf(other))
    const subjects = [
      ...durables.flatMap(({ stream, name }) => [
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
        `$JS.API.CONSUMER.CREATE.${stream}.${name}`,
        `$JS.API.CONSUMER.CREATE.${stream}.${name}.corro.>`,
        `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${name}`,
        `$JS.API.CONSUMER.DELETE.${stream}.${name}`,
        `$JS.API.CONSUMER.PAUSE.${stream}.${name}`,
        `$JS.ACK.${stream}.${name}.1.1.1.1.0`,
      ]),
      ...durablesOf({ user, voice, nodeId }).flatMap(({ stream, name }) => [
        `$JS.API.CONSUMER.CREATE.${stream}.${name}`,
        `$JS.API.CONSUMER.DELETE.${stream}.${name}`,
      ]),
      ...streams.flatMap(({ name }) => [
        `$JS.API.STREAM.CREATE.${name}`,
        `$JS.API.STREAM.UPDATE.${name}`,
        `$JS.API.STREAM.DELETE.${name}`,
        `$JS.API.STREAM.PURGE.${name}`,
        `$JS.API.CONSUMER.CREATE.${name}`,
      ]),
      ...others.flatMap((other) =>
        other.nodeId === undefined
          ? []
          : [`$KV.${claimBucket.name}.${other.nodeId}.${other.voice.service}`],
      ),
      ...others
        .filter((other) => other.voice.service !== voice.service)
        .map((other) => deadLettered.subject({ service: other.voice.service })),
      ...(voice.service === 'config-manager' ? [] : [`$KV.${rolloutBucket.name}.lease`]),
      ...(voice.service === 'gateway' ? [] : [`$KV.${tokenBucket.name}.0123456789`]),
    ]

    expect(await refusals(user, subjects, publish)).toEqual(subjects)
  })
})

function durablesOf({ voice, nodeId }: Case): readonly { stream: string; name: string }[] {
  if (nodeId === undefined) return analyticsVoice.durables
  return nodeVoices.find((each) => each === voice)?.durables(nodeId) ?? []
}

test('the operator sees everything and says nothing', async () => {
  const subjects = allSubjects.map(({ subject }) => subject)

  expect(await refusals('operator', ['corro.>', ...subjects], hear)).toEqual([])
  expect(await refusals('operator', subjects, publish)).toEqual(subjects)
  await using connection = disposable(await openAs('operator'))
  const manager = await jetstreamManager(connection.nats, { checkAPI: false })
  expect((await manager.streams.info('RECORDS')).config.name).toBe('RECORDS')
})

test('nobody gets in without a user, or with the password of another', async () => {
  const attempts = [
    {},
    { user: 'analytics', pass: nats.passwordOf('operator') },
    { user: 'nobody', pass: nats.passwordOf('operator') },
  ]
  for (const attempt of attempts) {
    await expect(connect({ servers: nats.url, reconnect: false, ...attempt })).rejects.toThrow(
      /authorization/i,
    )
  }
})

test('an answer goes to whoever asked, and only one', async () => {
  await using gateway = disposable(await openAs('gateway-node1'))
  await using subscriber = disposable(await openAs('subscriber-node1'))
  const subject = 'corro.command.subscriber.status.node1'
  subscriber.nats.subscribe(subject, {
    callback: (_, message) => {
      message.respond('first')
      message.respond('second')
    },
  })
  await subscriber.nats.flush()
  const heard: string[] = []
  const inbox = `${inboxOf('gateway-node1')}.own`
  gateway.nats.subscribe(inbox, { callback: (_, message) => void heard.push(message.string()) })

  gateway.nats.publish(subject, '{}', { reply: inbox })
  await gateway.nats.flush()
  const reply = await gateway.nats.request(subject, '{}')
  await subscriber.nats.flush()
  await gateway.nats.flush()

  expect(reply.string()).toBe('first')
  expect(heard).toEqual(['first'])
})

function disposable(connection: NatsConnection) {
  return { nats: connection, [Symbol.asyncDispose]: () => connection.close() }
}
