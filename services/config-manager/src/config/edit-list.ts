import type { AST } from 'toml-eslint-parser'
import { formatString, lineEnd, lineStop } from './toml-text.ts'

/** An element, and what surrounds it but for the comma. */
interface Item {
  value: string | undefined
  spelling: string
  /** From the line before, or from the element before in the same line. */
  lead: string
  /** A comment to its right, with the space before it. */
  beside: string
}

interface List {
  /** A comment to the right of the bracket, with the space before it. */
  open: string
  items: Item[]
  tail: string
  hasFinalComma: boolean
}

/**
 * A list of strings with other elements. Those that stay keep their spelling and their comments; a
 * comment on a line of its own stays also when the element below it goes.
 */
export function editList(
  text: string,
  tokens: readonly AST.Token[],
  list: AST.TOMLArray,
  wanted: readonly string[],
): string {
  const { open, items, tail, hasFinalComma } = readList(text, tokens, list)
  const isMultiline = text.slice(...list.range).includes('\n')
  const indent = items.map(({ lead }) => /\n([ \t]*)$/.exec(lead)?.[1]).find((found) => found)
  const newLine = lineEnd(text) + (indent ?? '  ')
  const separator = isMultiline ? newLine : ' '

  const left = [...items]
  const kept = wanted.map((value) => {
    const index = left.findIndex((item) => item.value === value)
    return index === -1 ? undefined : left.splice(index, 1)[0]
  })
  const orphans = orphanedComments(items, new Set(left))

  const leadOf = (item: Item | undefined, index: number): string => {
    if (index === 0 && !isMultiline) return items[0]?.lead ?? tail
    return item === undefined || (index > 0 && item.lead === '') ? separator : item.lead
  }
  let written = open
  let comment = open
  wanted.forEach((value, index) => {
    const item = kept[index]
    const above = (item && orphans.get(item)) ?? ''
    written += above + ownLine(leadOf(item, index), comment + above !== '', newLine)
    written += item?.spelling ?? formatString(value)
    if (index < wanted.length - 1 || (hasFinalComma && isMultiline)) written += ','
    comment = item?.beside ?? ''
    written += comment
  })
  const above = orphans.get(undefined) ?? ''
  return `[${written}${above}${ownLine(tail, comment + above !== '', lineEnd(text))}]`
}

/** What follows a comment has to stand on the next line. */
function ownLine(text: string, isAfterComment: boolean, newLine: string): string {
  return isAfterComment && !text.includes('\n') ? newLine : text
}

function readList(text: string, tokens: readonly AST.Token[], list: AST.TOMLArray): List {
  const end = list.range[1] - 1
  const { elements } = list
  const startOf = (index: number): number => elements[index]?.range[0] ?? end
  const [open, firstLead] = splitAtLineEnd(text.slice(list.range[0] + 1, startOf(0)))
  let lead = firstLead
  let hasFinalComma = false
  const items = elements.map((element, index) => {
    const [from, to] = [element.range[1], startOf(index + 1)]
    const comma = tokens.find(
      ({ type, value, range: [at] }) =>
        type === 'Punctuator' && value === ',' && at >= from && at < to,
    )
    hasFinalComma = comma !== undefined
    const gap = text.slice(from, comma?.range[0] ?? to) + text.slice(comma?.range[1] ?? to, to)
    const [beside, rest] = splitAtLineEnd(gap)
    const item = { value: textOf(element), spelling: text.slice(...element.range), lead, beside }
    lead = rest
    return item
  })
  return { open, items, tail: lead, hasFinalComma }
}

/** Comments above elements that go, by the element above which they are then; undefined: the end. */
function orphanedComments(
  items: readonly Item[],
  gone: ReadonlySet<Item>,
): Map<Item | undefined, string> {
  const orphans = new Map<Item | undefined, string>()
  let comments = ''
  for (const item of items) {
    if (gone.has(item)) {
      if (item.lead.includes('#')) comments += item.lead.trimEnd()
    } else if (comments !== '') {
      orphans.set(item, comments)
      comments = ''
    }
  }
  if (comments !== '') orphans.set(undefined, comments)
  return orphans
}

/** What stands beside something, and what begins with the end of the line. */
function splitAtLineEnd(gap: string): [beside: string, rest: string] {
  if (!gap.includes('\n')) return ['', gap]
  const at = lineStop(gap, 0)
  return [gap.slice(0, at).trimEnd(), gap.slice(at)]
}

function textOf(node: AST.TOMLContentNode): string | undefined {
  return node.type === 'TOMLValue' && node.kind === 'string' ? node.value : undefined
}
