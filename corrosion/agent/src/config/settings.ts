import { parse, TomlError, type TomlTable } from 'smol-toml'
import { isTable, type Kind, table } from './kind.ts'

/** The settings cannot be used; one line for each problem, each with its place and its key. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** One table. What is not there reads as undefined, and so does what is wrong, which is noted. */
export interface Section {
  names: () => string[]
  section: (name: string) => Section
  /** Several names are one setting; only one of them may be given. */
  read: <T>(names: string | readonly string[], kind: Kind<T>) => T | undefined
  /** As `read`; that there is none is a problem. */
  require: <T>(names: string | readonly string[], kind: Kind<T>) => T | undefined
  /** As `read`, of what has no effect here: `unused` lists it when it is given. */
  passOver: (names: string | readonly string[], kind: Kind<unknown>) => void
  refuse: (name: string, complaint: string) => void
}

/** A TOML file with what the environment puts in its place, and all that was found in it. */
export interface Settings {
  root: Section
  /** One line each. */
  problems: string[]
  unused: string[]
  /** What nothing asked for. */
  unknown(): string[]
}

type Path = readonly string[]

/**
 * Environment variables replace settings, as in Corrosion: `GOSSIP__ADDR` is `gossip.addr`. A
 * variable that is called as a whole section hides that section from Corrosion; it is refused.
 */
export function readSettings(
  file: { path: string; text: string },
  env: NodeJS.ProcessEnv,
  sections: readonly string[],
): Settings {
  const problems: string[] = []
  const unused: string[] = []
  const asked = new Set<string>()
  const opened = new Set<string>()
  const variables = new Map<string, string>()
  const tree = parseToml(file)

  for (const [variable, value] of Object.entries(env)) {
    const path = variable.toLowerCase().split('__')
    if (value === undefined || !sections.includes(path[0] ?? '')) continue
    if (path.length === 1) {
      problems.push(`environment variable ${variable}: hides [${label(path)}], unset it`)
    } else {
      put(tree, path, value)
      variables.set(label(path), variable)
    }
  }

  // What is missing is missing from the table around it.
  const place = (path: Path): string => {
    const variable = variables.get(label(path))
    if (variable !== undefined) return `environment variable ${variable}`
    if (path.length === 0) return file.path
    const line = lineOf(file.text, path)
    return line === undefined ? place(path.slice(0, -1)) : `${file.path} line ${line}`
  }

  const read = <T>(path: Path, kind: Kind<T>): T | undefined => {
    asked.add(label(path))
    const given = lookUp(tree, path)
    if (given === undefined) return undefined
    const isText = variables.has(label(path)) && typeof given === 'string'
    const value = kind.read(isText && kind.fromText ? kind.fromText(given) : given)
    if (value === undefined) {
      const shown = kind.isSecret ? 'what it is' : JSON.stringify(given)
      problems.push(`${place(path)}: ${label(path)} must be ${kind.expected}, not ${shown}`)
    }
    return value
  }

  const section = (path: Path): Section => {
    const content = path.length === 0 ? tree : (read(path, table) ?? {})
    opened.add(label(path))
    const given = (names: string | readonly string[]): Path => {
      const all = [names].flat()
      const [first, ...others] = all.filter((name) => Object.hasOwn(content, name))
      for (const other of others) {
        const twice = [...path, other]
        problems.push(`${place(twice)}: ${label(twice)} is the same setting as ${first}`)
      }
      return [...path, first ?? all[0] ?? '']
    }
    return {
      names: () => Object.keys(content),
      section: (name) => section([...path, name]),
      read: (names, kind) => read(given(names), kind),
      require(names, kind) {
        const found = given(names)
        if (lookUp(tree, found) === undefined) {
          problems.push(`${place(path)}: ${label(found)} is missing, it must be ${kind.expected}`)
        }
        return read(found, kind)
      },
      passOver(names, kind) {
        const found = given(names)
        if (read(found, kind) !== undefined) unused.push(label(found))
      },
      refuse(name, complaint) {
        problems.push(`${place([...path, name])}: ${label([...path, name])} ${complaint}`)
      },
    }
  }

  // A table that is read as a whole is known with all that is in it.
  const unknownIn = (value: unknown, path: Path): string[] => {
    if (!isTable(value) || !opened.has(label(path))) return []
    return Object.entries(value).flatMap(([name, inner]) => {
      const below = [...path, name]
      return asked.has(label(below)) ? unknownIn(inner, below) : label(below)
    })
  }

  return { root: section([]), problems, unused, unknown: () => unknownIn(tree, []) }
}

function parseToml({ path, text }: { path: string; text: string }): TomlTable {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.split('\n')
    throw new ConfigError(`${path} line ${error.line} column ${error.column}: ${reason}`, {
      cause: error,
    })
  }
}

/** The line on which a setting begins: after the longest beginning of the text that lacks it. */
function lineOf(text: string, path: Path): number | undefined {
  const lines = text.split('\n')
  let line = 1
  for (let end = 1; end <= lines.length; end++) {
    const beginning = parseBeginning(lines.slice(0, end).join('\n'))
    if (beginning === undefined) continue
    if (lookUp(beginning, path) !== undefined) return line
    line = end + 1
  }
  return undefined
}

function parseBeginning(text: string): TomlTable | undefined {
  try {
    return parse(text)
  } catch {
    return undefined // it ends in the middle of a value
  }
}

function lookUp(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, name) => (isTable(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    tree,
  )
}

function put(tree: TomlTable, path: Path, value: string): void {
  const [name = '', ...rest] = path
  if (rest.length === 0) {
    tree[name] = value
    return
  }
  const inner = Object.hasOwn(tree, name) ? tree[name] : undefined
  const below: TomlTable = isTable(inner) ? inner : {}
  tree[name] = below
  put(below, rest, value)
}

function label(path: Path): string {
  return path.map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))).join('.')
}
