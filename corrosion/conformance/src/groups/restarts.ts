import { post } from '../agent-process.ts'
import type { Case, Group, World } from '../conformance-case.ts'
import type { LineFeed } from '../raw-http.ts'
import { converge } from '../replicas.ts'
import { headLinesOf, linesOf } from '../transcript.ts'

const subscribe = post(
  '/v1/subscriptions',
  'SELECT pk, message FROM node_messages WHERE message > 0',
)

/** Of every answer to that statement. */
const head = (id: string) => [
  '200',
  'corro-query-hash: bc09b273b177ec26',
  `corro-query-id: ${id}`,
  'transfer-encoding: chunked',
]

const resume = (id: string, from: number) => ({
  method: 'GET',
  path: `/v1/subscriptions/${id}?from=${from}`,
})

const inserts = (...keys: string[]) =>
  keys.map((key) => ["INSERT INTO node_messages(pk, message) VALUES (?, '1')", [key]])

/** The first node subscribes, is stopped and started; the second writes while it is away. */
export function gracefulRestartGroup(): Group {
  const opened = openedCase('restart: a subscription before SIGTERM')
  return {
    name: 'restart-sigterm',
    nodeCount: 2,
    cases: [
      opened.case,
      {
        name: 'restart: SIGTERM ends the streams and the process',
        expected: ['stream ended', 'exit 0'],
        async run({ node }) {
          const code = await node.kill('SIGTERM')
          const hasEnded = await opened.feed().ends(1_000)
          return [hasEnded ? 'stream ended' : 'stream open', `exit ${code}`]
        },
      },
      {
        name: 'restart: after SIGTERM the old id resumes with what was written meanwhile',
        expected: [
          ...head('<id 1>'),
          '{"change":["insert",2,["b","1"],2]}',
          '{"change":["insert",3,["c","1"],3]}',
          ...head('<id 1>'),
          '{"columns":["pk","message"]}',
          '{"row":[1,["a","1"]]}',
          '{"row":[2,["b","1"]]}',
          '{"row":[3,["c","1"]]}',
          '{"eoq":{"time":<time>,"change_id":3}}',
        ],
        async run({ node, nodes }) {
          await nodes[1]?.transact(...inserts('c', 'b'))
          await node.start()
          using resumed = await node.open(resume(opened.id(), 1))
          if (resumed.status !== 200) return [...headLinesOf(resumed), ...(await resumed.take(1))]
          const lines = [...headLinesOf(resumed), ...(await resumed.take(2))]
          using again = await node.open(subscribe)
          return [...lines, ...headLinesOf(again), ...(await again.take(5))]
        },
      },
    ],
  }
}

export function killedRestartGroup(): Group {
  const opened = openedCase('restart: a subscription before SIGKILL')
  return {
    name: 'restart-sigkill',
    nodeCount: 2,
    cases: [
      opened.case,
      {
        name: 'restart: after SIGKILL the old id is unknown',
        expected: [
          '404',
          'content-length: right',
          'content-type: application/json',
          '{"error":"could not find subscription with id <id 1>"}',
        ],
        async run({ node, nodes }) {
          await node.kill('SIGKILL')
          await nodes[1]?.transact(...inserts('c', 'b'))
          // A peer of a killed agent talks on to its dead connection, for up to 30 s.
          await nodes[1]?.kill('SIGKILL')
          await Promise.all(nodes.map((each) => each.start()))
          await converge(nodes)
          return linesOf(await node.ask(resume(opened.id(), 1)))
        },
      },
      {
        name: 'restart: after SIGKILL the same statement is a new subscription',
        expected: [
          ...head('<id 2>'),
          '{"columns":["pk","message"]}',
          '{"row":[1,["a","1"]]}',
          // In the order in which they were written, where a flush would have sorted them.
          '{"row":[2,["c","1"]]}',
          '{"row":[3,["b","1"]]}',
          '{"eoq":{"time":<time>,"change_id":0}}',
          '{"change":["insert",4,["d","1"],1]}',
        ],
        async run({ node }) {
          using renewed = await node.open(subscribe)
          const snapshot = await renewed.take(5)
          await node.transact(...inserts('d'))
          return [...headLinesOf(renewed), ...snapshot, ...(await renewed.take(1))]
        },
      },
      {
        name: 'restart: versions go on, and the actor is the same',
        expected: ['version 4', 'same actor'],
        async run({ node }) {
          const before = await node.rows('SELECT hex(crsql_site_id())')
          await node.kill('SIGKILL')
          await node.start()
          const version = await node.transact(...inserts('e'))
          const after = await node.rows('SELECT hex(crsql_site_id())')
          return [`version ${version}`, before[0] === after[0] ? 'same actor' : 'another actor']
        },
      },
    ],
  }
}

function openedCase(name: string) {
  let feed: LineFeed | undefined
  const opened = (): LineFeed => {
    if (feed === undefined) throw new Error('the subscription was not opened')
    return feed
  }
  const openedFirst: Case = {
    name,
    expected: [
      ...head('<id 1>'),
      '{"columns":["pk","message"]}',
      '{"eoq":{"time":<time>,"change_id":0}}',
      '{"change":["insert",1,["a","1"],1]}',
    ],
    async run({ node, nodes }: World) {
      await node.transact("INSERT INTO node_messages(pk, message) VALUES ('z', '-1')")
      feed = await node.open(subscribe)
      const snapshot = await feed.take(2)
      await node.transact(...inserts('a'))
      const lines = [...headLinesOf(feed), ...snapshot, ...(await feed.take(1))]
      await converge(nodes)
      return lines
    },
  }
  return {
    case: openedFirst,
    feed: opened,
    id: () => opened().headers.find(([header]) => header === 'corro-query-id')?.[1] ?? '',
  }
}
