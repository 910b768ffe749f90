import { askAdmin } from '../admin-frames.ts'
import type { AgentProcess } from '../agent-process.ts'
import type { Case, Group, World } from '../conformance-case.ts'
import { converge, rowsOf } from '../replicas.ts'

const insert = (id: number, a: string) => ['INSERT INTO plain(id, a) VALUES (?, ?)', [id, a]]

/** Two nodes: values, large transactions, and a node that was away. */
export function replicationGroup(): Group {
  return {
    name: 'replication',
    nodeCount: 2,
    cases: [
      {
        name: 'replication: every kind of value arrives as it was written',
        expected: [
          'composite ["",-9223372036854775808,0.0,[],null]',
          'composite ["\\u0001é😀",0,5e-324,[0,255],"te\\"xt"]',
          'composite ["\\u0001é😀",9223372036854775807,1.7976931348623157e308,[0],0.1]',
          'composite ["k",1,1.0,[1],[222,173]]',
        ],
        async run({ nodes, node }) {
          const sql = 'INSERT INTO composite VALUES (?, ?, ?, ?, ?)'
          await node.transact(
            [sql, ['k', 1, 1, [1], [222, 173]]],
            [sql, ['\u0001é😀', 0, 5e-324, [0, 255], 'te"xt']],
          )
          await node.transact(
            `INSERT INTO composite VALUES ('', -9223372036854775808, 0.0, x'', NULL)`,
            [
              `INSERT INTO composite VALUES (?, 9223372036854775807, 1.7976931348623157e308, x'00', 0.1)`,
              ['\u0001é😀'],
            ],
          )
          await converge(nodes)
          return rowsOf(second(nodes), 'composite')
        },
      },
      {
        name: 'replication: ten thousand rows in one transaction come whole',
        expected: ['version 3', 'counts 0 and 10000'],
        async run({ nodes, node }) {
          const version = await node.transact(
            `INSERT INTO plain(id, a) WITH RECURSIVE c(x) AS
               (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10000) SELECT x, 'row ' || x FROM c`,
          )
          const counts = new Set<string>()
          for (let last = ''; last !== '[10000]'; ) {
            last = (await second(nodes).rows('SELECT count(*) FROM plain'))[0] ?? ''
            counts.add(last)
          }
          await converge(nodes)
          // Had a part of it been seen, there would be another count.
          counts.add('[0]')
          const seen = [...counts].map((count) => count.slice(1, -1)).toSorted()
          return [`version ${version}`, `counts ${seen.join(' and ')}`]
        },
      },
      {
        name: 'replication: a node that was away for 1,000 versions',
        expected: ['12000 rows', 'x 500', 'no gaps', 'heads equal'],
        async run({ nodes, node }) {
          await second(nodes).kill('SIGKILL')
          for (let n = 0; n < 1_000; n += 1) {
            // Each second one is written over by the next, so that its version is empty.
            await node.transact(
              insert(20_000 + n, 'away'),
              insert(30_000 + n, 'away'),
              n % 2 === 0
                ? "UPDATE plain SET b = 'x' WHERE id = 1"
                : ['UPDATE plain SET b = ? WHERE id = 1', [`x ${(n + 1) / 2}`]],
            )
          }
          // A peer of a killed agent talks on to its dead connection, for up to 30 s.
          await node.kill('SIGKILL')
          await Promise.all(nodes.map((each) => each.start()))
          await converge(nodes)
          const [count = ''] = await second(nodes).rows('SELECT count(*) FROM plain')
          const [value = ''] = await second(nodes).rows('SELECT b FROM plain WHERE id = 1')
          return [`${count.slice(1, -1)} rows`, value.slice(2, -2), ...(await completeness(nodes))]
        },
      },
      {
        name: 'replication: versions that were written over are no gaps',
        expected: ['end', 'no gaps', 'heads equal'],
        async run({ nodes, node }) {
          await second(nodes).kill('SIGKILL')
          for (let n = 0; n < 50; n += 1) {
            await node.transact(['UPDATE plain SET b = ? WHERE id = 2', [n === 49 ? 'end' : n]])
          }
          await node.kill('SIGKILL')
          await Promise.all(nodes.map((each) => each.start()))
          await converge(nodes)
          const [value = ''] = await second(nodes).rows('SELECT b FROM plain WHERE id = 2')
          return [value.slice(2, -2), ...(await completeness(nodes))]
        },
      },
    ],
  }
}

/** Three nodes that are not all there at the same time. */
export function restartOrderGroup(): Group {
  const runs = async (nodes: World['nodes'], indexes: number[], write: number, id: number) => {
    const running = indexes.flatMap((index) => nodes[index] ?? [])
    await Promise.all(nodes.map((node) => node.kill('SIGKILL')))
    await Promise.all(running.map((node) => node.start()))
    await nodes[write]?.transact(insert(id, `by ${write + 1}`))
    await converge(running)
  }
  const order = (name: string, steps: readonly (readonly [number[], number])[]): Case => ({
    name: `restart order: ${name}`,
    expected: [
      ...steps.map(([, writer], index) => `plain [${index + 1},"by ${writer + 1}",null,0]`),
      'no gaps',
      'heads equal',
    ],
    async run({ nodes, node }) {
      for (const [index, [indexes, writer]] of steps.entries()) {
        await runs(nodes, indexes, writer, index + 1)
      }
      const rows = await rowsOf(node, 'plain')
      const lines = [...rows, ...(await completeness(nodes))]
      await node.transact('DELETE FROM plain')
      await converge(nodes)
      return lines
    },
  })
  return {
    name: 'restart-order',
    nodeCount: 3,
    cases: [
      order('from hand to hand', [
        [[0, 1], 0],
        [[1, 2], 1],
        [[0, 1, 2], 2],
      ]),
      order('what one wrote alone comes through another', [
        [[2], 2],
        [[2, 1], 1],
        [[1, 0], 0],
        [[0, 1, 2], 0],
      ]),
    ],
  }
}

function second(nodes: World['nodes']): AgentProcess {
  const [, node] = nodes
  if (node === undefined) throw new Error('unreachable: one node')
  return node
}

/** Heads are learnt with the next synchronisation, so they may come later than the rows. */
async function completeness(nodes: World['nodes']): Promise<string[]> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const states = await Promise.all(
      nodes.map((node) => askAdmin(node.adminPath, { Sync: 'Generate' })),
    )
    const jsons = states.map((frames) => frames.find((frame) => frame.startsWith('{"Json"')) ?? '')
    const isWhole = jsons.every((json) => json.includes('"need":{},"partial_need":{}'))
    const heads = jsons.map((json) =>
      (/"heads":\{([^}]*)\}/.exec(json)?.[1] ?? '').split(',').toSorted().join(','),
    )
    const isEqual = new Set(heads).size === 1
    if ((isWhole && isEqual) || performance.now() > deadline) {
      return [isWhole ? 'no gaps' : 'gaps', isEqual ? 'heads equal' : heads.join(' against ')]
    }
  }
}
