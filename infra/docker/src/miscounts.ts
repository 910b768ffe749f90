import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Api } from './api.ts'

const page = 5000
const Pairs = Type.Array(Type.Tuple([Type.String(), Type.String()]))

/**
 * What is missing or told more than once, in words; empty when all is right. Rows of Corrosion are
 * what was sent; analytics has to have each once as sent, and once from each other node.
 */
export async function findMiscounts(
  api: Api,
  { accepted, nodeIds }: { accepted: readonly string[]; nodeIds: readonly string[] },
): Promise<{ rows: number; found: string[] }> {
  const rows = await pairs(
    api,
    'corrosion',
    'SELECT pk, node_id FROM node_messages WHERE pk > ? ORDER BY pk',
  )
  // One after another: analytics answers no more than two at once.
  const sent = await pairs(api, 'analytics', nodesOf('sent', 'origin'))
  const receipts = await pairs(api, 'analytics', nodesOf('receipt', 'node_id'))
  const acks = await pairs(api, 'analytics', nodesOf('ack', 'node_id'))
  const found = accepted.filter((id) => !rows.has(id)).map((id) => `${id} was accepted and is lost`)
  for (const [id, origin] of rows) {
    const others = nodeIds.filter((nodeId) => nodeId !== origin).join()
    const expect = (what: string, map: Map<string, string>, nodes: string): void => {
      if (map.get(id) !== nodes) found.push(`${id} ${what} by ${map.get(id) ?? 'nobody'}`)
    }
    expect('sent', sent, origin)
    expect('received', receipts, others)
    expect('acknowledged', acks, others)
  }
  return { rows: rows.size, found }
}

function nodesOf(table: string, column: string): string {
  return `SELECT message_id, string_agg(${column}, ',' ORDER BY ${column}) FROM ${table}
    WHERE message_id > $1 GROUP BY message_id ORDER BY message_id`
}

/** Two columns, page by page, by the first. */
async function pairs(
  api: Api,
  source: 'corrosion' | 'analytics',
  sql: string,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (let last = ''; ; ) {
    const rows = Value.Parse(Pairs, await api.query(source, `${sql} LIMIT ${page}`, [last]))
    for (const [key, value] of rows) {
      found.set(key, value)
      last = key
    }
    if (rows.length < page) return found
  }
}
