import { traverseNodes } from 'toml-eslint-parser'
import { isTable, listEntries, parseToml } from './toml.ts'

const secretName = /token|passw|secret|auth|bearer|credential|key/i
const fileName = /_(file|path|dir)$/i
const withCredentials = /:\/\/[^/\s]*@/

/**
 * A file's text with what is secret in it hidden. A secret that is not the one of the text before is
 * marked as new, since a difference would else be none.
 */
export function maskText(text: string, before?: string): string {
  const known = new Map(
    before === undefined ? [] : findSecrets(before).map(({ path, value }) => [path, value]),
  )
  let masked = text
  for (const { path, value, range } of findSecrets(text).toReversed()) {
    const isNew = before !== undefined && known.get(path) !== value
    masked = masked.slice(0, range[0]) + (isNew ? '"*** (new)"' : '"***"') + masked.slice(range[1])
  }
  return masked
}

/** The values of a file as JSON, with what is secret hidden. */
export function maskValue(value: unknown, isSecret = false): unknown {
  if (Array.isArray(value)) return value.map((each) => maskValue(each, isSecret))
  if (isTable(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        maskValue(each, isSecret || isSecretKey(key)),
      ]),
    )
  }
  if (typeof value === 'boolean') return value
  if (isSecret || (typeof value === 'string' && withCredentials.test(value))) return '***'
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'number' ? value : String(value)
}

interface Secret {
  path: string
  value: string
  range: readonly [number, number]
}

function findSecrets(text: string): Secret[] {
  const { ast } = parseToml(text)
  /** By where they begin. */
  const secrets = new Map<number, Secret>()
  for (const { path, node } of listEntries(ast)) {
    const isSecret = path.some((key) => typeof key === 'string' && isSecretKey(key))
    let index = 0
    traverseNodes(node.value, {
      enterNode(inner) {
        if (inner.type !== 'TOMLValue' || inner.kind === 'boolean') return
        const value = text.slice(...inner.range)
        if (!isSecret && !withCredentials.test(value)) return
        index += 1
        secrets.set(inner.range[0], {
          path: `${JSON.stringify(path)} ${index}`,
          value,
          range: inner.range,
        })
      },
      leaveNode() {},
    })
  }
  for (const { range } of ast.comments) {
    const comment = text.slice(...range)
    const assigned = [...comment.matchAll(/([\w-]+)["']?\s*[=:]\s*/g)].find(([, key = '']) =>
      isSecretKey(key),
    )
    if (!assigned && !withCredentials.test(comment)) continue
    const start = range[0] + (assigned ? assigned.index + assigned[0].length : 1)
    secrets.set(start, {
      path: `comment ${start}`,
      value: text.slice(start, range[1]),
      range: [start, range[1]],
    })
  }
  return [...secrets.values()].toSorted((one, other) => one.range[0] - other.range[0])
}

function isSecretKey(key: string): boolean {
  return secretName.test(key) && !fileName.test(key)
}
