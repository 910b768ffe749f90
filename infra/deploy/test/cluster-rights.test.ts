import { accessOptions } from '@corroport/bus'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type ClusterWithUsers, startClusterWithUsers } from './cluster-with-users.ts'

const nodeIds = ['node1', 'node2', 'node3']
let cluster: ClusterWithUsers

beforeAll(async () => {
  cluster = await startClusterWithUsers(nodeIds)
}, 120_000)
afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
}, 60_000)

/** What the server refused to anybody, since it began. */
function violations(): string[] {
  return cluster.nats
    .log()
    .split('\n')
    .filter((line) => /violation|authorization/i.test(line))
}

/** What `corroport` answers. Throws what it says where it does not succeed. */
async function corroport(nodeId: string, ...args: string[]): Promise<string> {
  const { code, out } = await cluster.corroport(nodeId, ...args)
  if (code !== 0) throw new Error([args.join(' '), out, ...violations()].join('\n'))
  return out
}

test.each([
  ['a row is acknowledged by all others', ['send', 'hello']],
  ['what is sent over NATS is acknowledged by all others', ['send', 'hello', '--direct']],
  [
    'an experiment of all nodes over both ways loses nothing',
    [
      'experiment',
      'run',
      '--transport',
      'both',
      '--origins',
      'all',
      '--count',
      '10',
      '--max-loss',
      '0.1%',
    ],
  ],
  ['the clocks are compared', ['clocks']],
  ['all nodes have the same rows', ['cluster', 'wait', 'converged']],
  ['every plane is well', ['cluster', 'wait', 'ready']],
  ['nodes are diagnosed', ['node', 'diagnose', 'node2']],
  ['all agents and analytics are queried', ['query', 'SELECT count(*) AS n FROM node_messages']],
  ['records are listed', ['records', '--limit', '5']],
  ['points of presence are heard', ['edge', 'pops']],
  [
    'a backend is written by one of them',
    'edge add web-1 --app web --region eu --ip 10.0.0.1 --port 80 --pop node2'.split(' '),
  ],
  ['another tells its backends', ['edge', 'routes', '--pop', 'node3']],
])(
  '%s, and the server refuses nobody anything',
  async (_, args) => {
    await corroport('node1', ...args)

    expect(violations()).toEqual([])
  },
  60_000,
)

test('a setting is rolled out to all agents', async () => {
  const plan = await corroport(
    'node1',
    'config',
    'plan',
    '--set',
    'perf.min_sync_backoff=2',
    '--json',
  )
  const { id } = JSON.parse(plan) as { id: string }

  await corroport('node1', 'config', 'apply', id, '--yes')

  expect(violations()).toEqual([])
}, 120_000)

test('a node leaves and joins', async () => {
  await corroport('node3', 'cluster', 'leave', '--confirm', 'node3')
  await corroport('node3', 'cluster', 'join', cluster.gossipOf('node1'), cluster.gossipOf('node2'))
  await corroport('node1', 'send', 'welcome back')

  expect(violations()).toEqual([])
}, 120_000)

test('live events come to a page', async () => {
  const reading = new AbortController()
  const events = await fetch(`${cluster.apiUrl('node2')}/api/events`, { signal: reading.signal })
  let text = ''
  const live = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of events.body ?? []) text += decoder.decode(chunk, { stream: true })
  })()
  live.catch(() => undefined) // aborted below

  await corroport('node1', 'send', 'seen live')
  await until(() => text.includes('corro.ack.received.node1'))
  reading.abort()

  expect(violations()).toEqual([])
}, 60_000)

test('a record that is refused becomes a letter of each who refused it', async () => {
  await tell('subscriber-node2', 'corro.change.observed.node2')

  const letters = await until(async () => {
    const found = await lettersNow()
    return found.length >= 2 && found
  })

  expect(letters.map(({ service }) => service).toSorted()).toEqual(['ack-sender', 'analytics'])
  expect(violations()).toEqual([])
}, 60_000)

test('a gateway redrives where it was given the right, and only then', async () => {
  const [letter] = await lettersNow()
  if (!letter) throw new Error('there is no letter')
  const { code, out } = await cluster.corroport('node1', 'dead', 'redrive', String(letter.sequence))
  expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(/ermission/) })

  await cluster.nats.reload({ isRedriving: true })
  await corroport('node1', 'cluster', 'wait', 'ready')
  await corroport('node1', 'dead', 'redrive', String(letter.sequence))
}, 60_000)

interface Letter {
  sequence: number
  service: string
}

async function lettersNow(): Promise<Letter[]> {
  const text = await corroport('node1', 'dead', 'list', '--json')
  return (JSON.parse(text) as { letters: Letter[] }).letters
}

/** Stores what nobody can read, as that user. */
async function tell(user: string, subject: string): Promise<void> {
  const nats = await connect(accessOptions(cluster.nats.access(user)))
  await jetstream(nats).publish(subject, '{}')
  await nats.close()
}
