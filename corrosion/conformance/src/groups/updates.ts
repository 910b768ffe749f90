import { post } from '../agent-process.ts'
import type { Group } from '../conformance-case.ts'
import type { LineFeed } from '../raw-http.ts'
import { type RecordedStep, readRecording } from '../recordings.ts'
import { headLinesOf } from '../transcript.ts'
import { quietMs } from './streams.ts'

/** Later batches go out at once, where a subscription's would wait for its flush of 600 ms. */
const atOnceMs = 150

export function updatesGroup(): Group {
  let feed: LineFeed | undefined
  const opened = (): LineFeed => {
    if (feed === undefined) throw new Error('the updates feed was not opened')
    return feed
  }
  const recorded = readRecording('v1.0.0', 'streams').filter(({ step }) =>
    step.startsWith('updates'),
  )
  return {
    name: 'updates',
    nodeCount: 1,
    cases: [
      {
        name: 'updates: opened',
        expected: headLinesOf({ status: 200, headers: Object.entries(recorded[0]?.headers ?? {}) }),
        async run({ node }) {
          feed = await node.open(post('/v1/updates/node_messages'))
          return headLinesOf(feed)
        },
      },
      ...recorded.map((step) => ({
        name: `updates: ${step.step.replace('updates stream: ', '')}`,
        expected: (step.received ?? []).map(({ line }) => line),
        run: async ({ node }: Parameters<Group['cases'][0]['run']>[0]) => {
          await node.transact(...statementsOf(step))
          const count = step.received?.length ?? 0
          return count === 0 ? opened().takeFor(quietMs) : opened().take(count)
        },
      })),
      {
        name: 'updates: later ones are told at once',
        expected: ['at once'],
        async run({ node }) {
          let fastestMs = Number.POSITIVE_INFINITY
          for (const text of ['a', 'b', 'c', 'd', 'e']) {
            await node.transact(['UPDATE node_messages SET message = ? WHERE pk = ?', [text, 'u2']])
            const committedAt = performance.now()
            await opened().take(1)
            fastestMs = Math.min(fastestMs, performance.now() - committedAt)
          }
          return [fastestMs < atOnceMs ? 'at once' : `after ${Math.round(fastestMs)} ms`]
        },
      },
      {
        name: 'updates: composite key in the order of the key',
        expected: ['{"notify":["update",[7,"x"]]}'],
        async run({ node }) {
          using keys = await node.open(post('/v1/updates/keys_only'))
          await node.transact("INSERT INTO keys_only(a, b) VALUES ('x', 7)")
          return await keys.take(1)
        },
      },
      {
        name: 'updates: replace',
        expected: ['{"notify":["update",["u2"]]}'],
        async run({ node }) {
          await node.transact(
            "INSERT OR REPLACE INTO node_messages(pk, message) VALUES ('u2', 'f')",
          )
          return opened().takeFor(quietMs)
        },
      },
      {
        name: 'updates: insert and delete in a transaction',
        expected: ['{"notify":["delete",["u9"]]}'],
        async run({ node }) {
          await node.transact(
            "INSERT INTO node_messages(pk) VALUES ('u9')",
            "DELETE FROM node_messages WHERE pk = 'u9'",
          )
          return opened().takeFor(quietMs)
        },
      },
    ],
  }
}

function statementsOf({ step, transaction }: RecordedStep): string[] {
  if (typeof transaction === 'string') return [transaction]
  if (step.includes('two keys')) {
    return [
      "INSERT INTO node_messages(pk) VALUES('u2')",
      "INSERT INTO node_messages(pk) VALUES('u3')",
    ]
  }
  return transaction ?? []
}
