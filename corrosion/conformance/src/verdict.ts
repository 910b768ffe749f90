import type { Case } from './conformance-case.ts'
import { type AgentKind, knownDifferences } from './known-differences.ts'

export type Verdict =
  | { kind: 'same' }
  | { kind: 'known'; reasons: readonly string[] }
  /** Different in another way than is listed, or listed and no longer different. */
  | {
      kind: 'unknown'
      wanted: readonly string[]
      got: readonly string[]
      reasons: readonly string[]
    }

export function judge(
  agent: AgentKind,
  { name, expected }: Pick<Case, 'name' | 'expected'>,
  got: readonly string[],
): Verdict {
  const listed = knownDifferences.filter(
    ({ agent: of, cases }) => of === agent && cases.includes(name),
  )
  const wanted = listed.reduce((lines, { rewrite }) => rewrite(lines), expected)
  const reasons = listed.map(({ reason }) => reason)
  const isFree = listed.every(({ isOccasional }) => isOccasional === true)
  if (isFree && isEqual(expected, got)) return { kind: 'same' }
  return isEqual(wanted, got)
    ? { kind: 'known', reasons }
    : { kind: 'unknown', wanted, got, reasons }
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((line, index) => line === other[index])
}
