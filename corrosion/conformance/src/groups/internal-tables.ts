import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Case, Group } from '../conformance-case.ts'
import { actorOf, converge } from '../replicas.ts'

interface Look {
  name: string
  sql: string
  /** The rows on the first node; where the second has others, those. Actors are `<1>` and `<2>`. */
  expected: readonly string[]
}

function readLooks(): Look[] {
  const path = join(import.meta.dirname, '../../expectations/internal-tables.json')
  const looks: Look[] = JSON.parse(readFileSync(path, 'utf8'))
  return looks
}

/** What clients read of the agent's own tables, on the node that wrote and on one that did not. */
export function internalTablesGroup(): Group {
  return { name: 'internal-tables', nodeCount: 2, cases: [prepared, ...readLooks().map(seen)] }
}

const prepared: Case = {
  name: 'table: prepared',
  expected: ['equal'],
  async run({ node, nodes }) {
    const [, second] = nodes
    await node.transact("INSERT INTO node_messages(pk, message) VALUES ('t1', 'one')")
    await node.transact(
      "INSERT INTO keys_only(a, b) VALUES ('k', -1)",
      "INSERT INTO composite VALUES ('', 0, -0.5, x'00ff', 9007199254740993)",
    )
    await converge(nodes)
    await second?.transact("UPDATE node_messages SET message = 'two' WHERE pk = 't1'")
    await converge(nodes)
    await node.transact("INSERT OR REPLACE INTO node_messages(pk) VALUES ('t2')")
    await node.transact("INSERT OR REPLACE INTO node_messages(pk) VALUES ('t2')")
    await node.transact("INSERT INTO node_messages(pk) VALUES ('t3')")
    await node.transact("DELETE FROM node_messages WHERE pk = 't3'")
    await converge(nodes)
    return ['equal']
  },
}

function seen({ name, sql, expected }: Look): Case {
  return {
    name: `table: ${name}`,
    expected,
    async run({ nodes }) {
      const actors = await Promise.all(nodes.map(actorOf))
      const rowsOf = async (node: (typeof nodes)[number]) =>
        (await node.rows(sql)).map((row) =>
          actors.reduce((text, actor, index) => text.replaceAll(actor, `<${index + 1}>`), row),
        )
      const [first = [], second = []] = await Promise.all(nodes.map(rowsOf))
      const isEqual = first.join('\n') === second.join('\n')
      return [...first, ...(isEqual ? [] : ['on the second node:', ...second])]
    },
  }
}
