import { setTimeout as wait } from 'node:timers/promises'
import type { AgentProcess } from './agent-process.ts'

/** The keys of the tables of `schemas/tables.sql`, in the order of the key. */
const keys: Readonly<Record<string, readonly string[]>> = {
  node_messages: ['pk'],
  plain: ['id'],
  composite: ['t', 'i', 'r', 'x'],
  keys_only: ['b', 'a'],
}

/** Anti-entropy of the real agent backs off to 15 s, with jitter. */
const convergenceTimeoutMs = 45_000
const pollMs = 40

/**
 * Each node writes alone, while the others do not run, so that none can have seen what another
 * wrote. Then all run together. The same for every kind of agent, and no order of delivery to know.
 */
export async function writeApart(
  nodes: readonly AgentProcess[],
  write: (node: AgentProcess, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill('SIGKILL')))
  for (const [index, node] of nodes.entries()) {
    await node.start()
    await write(node, index)
    await node.kill('SIGKILL')
  }
  await Promise.all(nodes.map((node) => node.start()))
}

/** Waits until rows and clock rows are equal everywhere, but for living sentinels; gives them. */
export async function converge(nodes: readonly AgentProcess[]): Promise<string[]> {
  const deadline = performance.now() + convergenceTimeoutMs
  for (;;) {
    const [first = [], ...others] = await Promise.all(nodes.map(contentOf))
    if (others.every((other) => other.join('\n') === first.join('\n'))) return first
    if (performance.now() > deadline) {
      const missing = others.flatMap((other) => [
        ...first.filter((line) => !other.includes(line)).map((line) => `only first: ${line}`),
        ...other.filter((line) => !first.includes(line)).map((line) => `not first: ${line}`),
      ])
      throw new Error(`not equal after ${convergenceTimeoutMs} ms:\n${missing.join('\n')}`)
    }
    await wait(pollMs)
  }
}

export function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line.includes(' clock ') ? line.replace(/(?<=,\d+),"\d+"\]$/, ']') : line,
  )
}

/** All rows and all clock rows, with times. */
async function contentOf(node: AgentProcess): Promise<string[]> {
  const parts = await Promise.all(
    Object.keys(keys).flatMap((table) => [rowsOf(node, table), clockOf(node, table)]),
  )
  return parts.flat().flatMap(withoutOrigin).toSorted()
}

/**
 * The sentinel of a row that lives, without its origin. Of two nodes that brought the row to the same
 * life, each keeps its own for ever: real agents compare neither its version nor its site. In a
 * first life it may even be there on one node (a key was changed to it) and not on another (it was
 * inserted).
 */
function withoutOrigin(line: string): string[] {
  const sentinel = /^(.* clock .*,"-1",(\d*[13579])),\d+,"[0-9a-f]{32}",\d+,"\d+"\]$/.exec(line)
  if (sentinel === null) return [line]
  return sentinel[2] === '1' ? [] : [`${sentinel[1]}]`]
}

export async function rowsOf(node: AgentProcess, table: string, where = '1'): Promise<string[]> {
  const rows = await node.rows(`SELECT * FROM ${table} WHERE ${where} ORDER BY ${keyList(table)}`)
  return rows.map((row) => `${table} ${row}`)
}

/** `[…key, column, column version, version of the site, site, seq, time]` of each cell. */
export async function clockOf(node: AgentProcess, table: string, where = '1'): Promise<string[]> {
  const columns = (keys[table] ?? []).map((column) => `p."${column}"`).join(', ')
  const rows = await node.rows(
    `SELECT ${columns}, c.col_name, c.col_version, c.db_version, lower(hex(s.site_id)), c.seq, c.ts
       FROM ${table}__crsql_clock c
       JOIN ${table}__crsql_pks p ON p.__crsql_key = c.key
       JOIN crsql_site_id s ON s.ordinal = c.site_id
      WHERE ${where} ORDER BY ${columns}, c.seq, c.col_name`,
  )
  return rows.map((row) => `${table} clock ${row}`)
}

function keyList(table: string): string {
  return (keys[table] ?? []).map((column) => `"${column}"`).join(', ')
}

export async function actorOf(node: AgentProcess): Promise<string> {
  return JSON.parse((await node.rows('SELECT lower(hex(crsql_site_id()))'))[0] ?? '[""]')[0]
}
