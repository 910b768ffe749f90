import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentProcess } from '../agent-process.ts'
import type { Case, Group } from '../conformance-case.ts'
import { actorOf, clockOf, converge, rowsOf, writeApart } from '../replicas.ts'

/** What two nodes write to the same rows without having heard of each other. */
interface Conflict {
  name: string
  table?: 'plain' | 'composite' | 'keys_only'
  /** Transactions of the first node, which both have before they part. `:id` is the case's own. */
  before?: readonly string[]
  /** Transactions of each node while they are apart. */
  apart: readonly (readonly string[])[]
  /**
   * The rows; the cells, each with column and version, `by` which transaction of which node; what
   * the second node has instead. The key of the case is `#`.
   */
  expected: readonly string[]
}

/** Read when asked for, so that nothing happens at import. */
function readConflicts(): Conflict[] {
  const path = join(import.meta.dirname, '../../expectations/conflicts.json')
  const conflicts: Conflict[] = JSON.parse(readFileSync(path, 'utf8'))
  return conflicts
}

/** All of them are written in one parting, each to a key of its own. */
export function conflictsGroup(): Group {
  const conflicts = readConflicts()
  /** Names of transactions by `version,"actor"`, as they stand in a clock row. */
  const transactions = new Map<string, string>()

  const write = async (node: AgentProcess, index: number, which: 'before' | 'apart') => {
    const actor = await actorOf(node)
    for (const [position, { before = [], apart }] of conflicts.entries()) {
      const texts = which === 'before' ? before : (apart[index] ?? [])
      const earlier = which === 'apart' && index === 0 ? before.length : 0
      for (const [nth, text] of texts.entries()) {
        const version = await node.transact(...statementsOf(text, idOf(position)))
        transactions.set(`${version},"${actor}"`, `${index + 1}.${earlier + nth + 1}`)
      }
    }
  }
  const written: Case = {
    name: 'conflict: all are written and both nodes end equal',
    expected: ['equal'],
    async run({ nodes, node }) {
      await write(node, 0, 'before')
      await converge(nodes)
      await writeApart(nodes, (each, index) => write(each, index, 'apart'))
      await converge(nodes)
      return ['equal']
    },
  }
  const seen = (conflict: Conflict, position: number): Case => ({
    name: `conflict: ${conflict.name}`,
    expected: conflict.expected,
    async run({ nodes }) {
      const { table = 'plain' } = conflict
      const id = idOf(position)
      const column = { plain: 'id', composite: 'i', keys_only: 'b' }[table]
      const linesOf = async (node: AgentProcess) => {
        const rows = await rowsOf(node, table, `abs(${column}) = ${id}`)
        const cells = await clockOf(node, table, `abs(p.${column}) = ${id}`)
        return [...rows, ...cells.map((cell) => named(cell, transactions))].map((line) =>
          line.replaceAll(String(id), '#'),
        )
      }
      const [first = [], second = []] = await Promise.all(nodes.map(linesOf))
      const differing = second.filter((line) => !first.includes(line))
      return [...first, ...differing.map((line) => `node 2: ${line}`)]
    },
  })
  return { name: 'conflicts', nodeCount: 2, cases: [written, ...conflicts.map(seen)] }
}

const idOf = (position: number) => 90_001 + position

function statementsOf(text: string, id: number): unknown[] {
  return text.split('; ').map((sql) => [sql, { ':id': id }])
}

/** `[…key,column version] by node.transaction seq n` of a clock row. */
function named(cell: string, transactions: ReadonlyMap<string, string>): string {
  const parts = /^(.*),(\d+,"[0-9a-f]{32}"),(\d+),"\d+"\]$/.exec(cell)
  if (parts === null) throw new Error(`a clock row of another form: ${cell}`)
  const [, keyAndVersion, origin = '', seq] = parts
  return `${keyAndVersion}] by ${transactions.get(origin) ?? 'unknown'} seq ${seq}`
}
