import { isDeepStrictEqual } from 'node:util'
import type { SettingValue } from '@corroport/contracts'
import type { AST } from 'toml-eslint-parser'
import { editList } from './edit-list.ts'
import {
  type Entry,
  isTable,
  listEntries,
  parseToml,
  type SettingPath,
  type TomlTable,
  valueAt,
} from './toml.ts'
import { formatString, formatValue, lineEnd, lineStop } from './toml-text.ts'

export interface TomlEdit {
  path: SettingPath
  /** Null takes it out, and with it each table that would be left empty. */
  value: SettingValue
}

/**
 * The text with these settings changed, and every other character of it kept: comments, order,
 * spacing, line ends. Throws when that cannot be done in this text.
 */
export function editToml(text: string, edits: readonly TomlEdit[]): string {
  const intended = parseToml(text).table
  let edited = text
  for (const { path, value } of edits) {
    intend(intended, path, value)
    const next = editOne(edited, path, value)
    if (!says(next, intended)) {
      throw new Error(
        `${path.join('.')} cannot be changed in this file without changing something else`,
      )
    }
    edited = next
  }
  return edited
}

function says(text: string, intended: TomlTable): boolean {
  try {
    return isDeepStrictEqual(withoutEmpty(parseToml(text).table), withoutEmpty(intended))
  } catch {
    return false // an edit that does not even leave TOML
  }
}

function editOne(text: string, path: SettingPath, value: SettingValue): string {
  const { ast, table } = parseToml(text)
  if (isDeepStrictEqual(valueAt(table, path), value)) return text
  const entries = listEntries(ast)
  const found = entries.find((entry) => isDeepStrictEqual(entry.path, path))
  if (found) {
    return value === null
      ? remove(text, entries, found)
      : replace(text, ast, found.node.value, value)
  }

  const name = path.join('.')
  if (entries.some((entry) => startsWith(entry.path, path))) throw new Error(`${name} is a table`)
  const above = entries.find(
    ({ path: outer, node }) => startsWith(path, outer) && node.value.type !== 'TOMLInlineTable',
  )
  if (above) throw new Error(`${above.path.join('.')} is no table, so ${name} cannot be set`)
  return value === null ? text : add(text, ast, path, value)
}

function replace(
  text: string,
  ast: AST.TOMLProgram,
  node: AST.TOMLContentNode,
  value: Exclude<SettingValue, null>,
): string {
  if (node.type === 'TOMLArray' && Array.isArray(value)) {
    return splice(text, node.range, editList(text, ast.tokens, node, value))
  }
  const isFloat = node.type === 'TOMLValue' && node.kind === 'float'
  return splice(text, node.range, formatValue(value, isFloat))
}

function remove(text: string, entries: readonly Entry[], entry: Entry): string {
  const { container, node, containerPath } = entry
  if (container.body.length === 1 && containerPath.length > 1) {
    // An agent takes an empty table for a wrong one, where it would do without.
    const outer = entries.find(({ node: { value } }) => value === container)
    if (outer) return remove(text, entries, outer)
    if (container.type === 'TOMLTable' && container.kind === 'standard') {
      const withoutEntry = cutLines(text, node.range)
      return cutLines(withoutEntry, container.key.range)
    }
  }
  if (container.type !== 'TOMLInlineTable') return cutLines(text, node.range)
  const index = container.body.indexOf(node)
  const [before, after] = [container.body[index - 1], container.body[index + 1]]
  if (before) return splice(text, [before.range[1], node.range[1]], '')
  return splice(text, [node.range[0], after?.range[0] ?? node.range[1]], '')
}

function add(
  text: string,
  ast: AST.TOMLProgram,
  path: SettingPath,
  value: Exclude<SettingValue, null>,
): string {
  const assign = (depth: number): string =>
    `${path.slice(depth).map(formatKey).join('.')} = ${formatValue(value)}`
  const parent = path.slice(0, -1)
  const entries = listEntries(ast)

  const inline = entries.findLast(
    ({ path: outer, node }) => node.value.type === 'TOMLInlineTable' && startsWith(path, outer),
  )
  if (inline?.node.value.type === 'TOMLInlineTable') {
    const last = inline.node.value.body.at(-1)
    const assigned = assign(inline.path.length)
    return last
      ? splice(text, [last.range[1], last.range[1]], `, ${assigned}`)
      : splice(text, inline.node.value.range, `{ ${assigned} }`)
  }

  // A table that dotted keys made can only be continued beside them.
  const beside = entries.findLast(
    ({ path: other, containerPath }) =>
      containerPath.length < parent.length &&
      other.length > parent.length &&
      startsWith(other, parent),
  )
  if (beside) return addLine(text, beside.node.range, assign(beside.containerPath.length))

  const tables = ast.body[0].body.filter((node) => node.type === 'TOMLTable')
  const table = tables.find((node) => isDeepStrictEqual(node.resolvedKey, parent))
  if (table) {
    return addLine(text, table.body.at(-1)?.range ?? table.key.range, assign(parent.length))
  }
  const eol = lineEnd(text)
  if (parent.length === 0) return `${assign(0)}${eol}${text}`
  const ends = text === '' || text.endsWith('\n')
  const header = `[${parent.map(formatKey).join('.')}]`
  const gap = text === '' ? '' : eol
  return `${text}${ends ? '' : eol}${gap}${header}${eol}${assign(parent.length)}${ends ? eol : ''}`
}

/** A line below the one in which the range ends, indented as the range's first line. */
function addLine(text: string, [start, end]: AST.Range, line: string): string {
  const indent = /^[ \t]*/.exec(text.slice(lineStart(text, start)))?.[0] ?? ''
  const at = lineStop(text, end)
  return splice(text, [at, at], `${lineEnd(text)}${indent}${line}`)
}

/** Takes out the lines of a range, with a comment beside it. */
function cutLines(text: string, [start, end]: AST.Range): string {
  const next = text.indexOf('\n', end)
  return splice(text, [lineStart(text, start), next === -1 ? text.length : next + 1], '')
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1
}

function splice(text: string, [start, end]: readonly [number, number], replacement: string) {
  return text.slice(0, start) + replacement + text.slice(end)
}

function formatKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : formatString(key)
}

function startsWith(path: readonly (string | number)[], start: readonly (string | number)[]) {
  return path.length > start.length && start.every((key, index) => path[index] === key)
}

/** The same change on the values. */
function intend(table: TomlTable, path: SettingPath, value: SettingValue): void {
  const [key = '', ...rest] = path
  if (rest.length > 0) {
    const inner = Object.hasOwn(table, key) ? table[key] : undefined
    if (isTable(inner)) intend(inner, rest, value)
    else if (value !== null) intend(define(table, key, {}), rest, value)
  } else if (value === null) delete table[key]
  else define(table, key, value)
}

// Assigning to `__proto__` would not make a key.
function define<T>(table: TomlTable, key: string, value: T): T {
  Object.defineProperty(table, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
  return value
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (!isTable(value)) return value
  const filled = Object.entries(value)
    .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
    .filter(([, inner]) => !(inner instanceof Map && inner.size === 0))
  return new Map(filled)
}
