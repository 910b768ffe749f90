import { parse, TomlError } from 'smol-toml'
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'

/** The keys that lead to a setting, from the outermost table inwards. */
export type SettingPath = readonly string[]

/** What a file says, by key. */
export type TomlTable = { [key: string]: unknown }

/** A setting where it stands in the text. */
export interface Entry {
  path: (string | number)[]
  node: AST.TOMLKeyValue
  container: AST.TOMLTopLevelTable | AST.TOMLTable | AST.TOMLInlineTable
  containerPath: (string | number)[]
}

/** Where it is no TOML, this throws with the line and the column. */
export function parseToml(text: string): { table: TomlTable; ast: AST.TOMLProgram } {
  try {
    // First the one that says more exactly what is wrong where.
    const table = parse(text, { integersAsBigInt: 'asNeeded' })
    return { table, ast: parseTOML(text, { tomlVersion: '1.0.0' }) }
  } catch (error) {
    if (error instanceof ParseError) {
      throw new Error(
        `no TOML, line ${error.lineNumber}, column ${error.column + 1}: ${lowerFirst(error.message)}`,
        { cause: error },
      )
    }
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.replace('Invalid TOML document: ', '').split('\n')
    throw new Error(`no TOML, line ${error.line}, column ${error.column}: ${reason}`, {
      cause: error,
    })
  }
}

/** What stands at the end of a path; undefined when nothing does. */
export function valueAt(table: TomlTable, path: SettingPath): unknown {
  return path.reduce<unknown>(
    (value, key) => (isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    table,
  )
}

/** The keys of a dotted name, as TOML reads them: `a."b.c".d`. Undefined when it is no name. */
export function parseSettingName(name: string): SettingPath | undefined {
  try {
    const [entry, ...rest] = parseTOML(`${name} = 0`, { tomlVersion: '1.0.0' }).body[0].body
    const isName = entry?.type === 'TOMLKeyValue' && entry.key.range[1] === name.length
    return isName && rest.length === 0 ? entry.key.keys.map(keyText) : undefined
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}

/** Every setting of a text, also those of inline tables and of lists of tables. */
export function listEntries(ast: AST.TOMLProgram): Entry[] {
  const entries: Entry[] = []
  const walk = (container: Entry['container'], containerPath: Entry['containerPath']): void => {
    for (const node of container.body) {
      if (node.type === 'TOMLTable') {
        walk(node, node.resolvedKey)
        continue
      }
      const path = [...containerPath, ...node.key.keys.map(keyText)]
      entries.push({ path, node, container, containerPath })
      walkValue(node.value, path)
    }
  }
  const walkValue = (value: AST.TOMLContentNode, path: Entry['path']): void => {
    if (value.type === 'TOMLInlineTable') walk(value, path)
    if (value.type === 'TOMLArray') {
      value.elements.forEach((element, index) => {
        walkValue(element, [...path, index])
      })
    }
  }
  walk(ast.body[0], [])
  return entries
}

/** Not a date, and not a list. */
export function isTable(value: unknown): value is TomlTable {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  )
}

function keyText(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === 'TOMLBare' ? key.name : key.value
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
