import { NodeId } from '@corroport/contracts'
import { InvalidArgumentError } from 'commander'
import { Value } from 'typebox/value'

const mostNodes = 99

/** `3` is node1 to node3; `node-0..node-8` a range; else names with commas between them. */
export function parseNodes(text: string): string[] {
  if (/^[1-9]\d?$/.test(text)) return numbered('node', 1, Number(text))
  const range = /^([a-zA-Z][a-zA-Z0-9_-]*?)(\d{1,3})\.\.([a-zA-Z][a-zA-Z0-9_-]*?)(\d{1,3})$/.exec(
    text,
  )
  const [, prefix = '', first, samePrefix, last] = range ?? []
  const names =
    range && prefix === samePrefix ? numbered(prefix, Number(first), Number(last)) : text.split(',')
  const areDistinct = new Set(names).size === names.length
  const areNames = names.every((name) => Value.Check(NodeId, name))
  if (names.length === 0 || names.length > mostNodes || !areDistinct || !areNames) {
    throw new InvalidArgumentError(
      `Give a number up to ${mostNodes}, names such as node1,node2, or a range node-0..node-8.`,
    )
  }
  return names
}

function numbered(prefix: string, first: number, last: number): string[] {
  return Array.from(
    { length: Math.max(0, last - first + 1) },
    (_, index) => `${prefix}${first + index}`,
  )
}
