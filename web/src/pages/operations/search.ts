import { given, type RawSearch, readChoice, readText, readWhole } from '../../search.ts'
import { type Outcome, outcomes } from './audit.ts'

export const tabs = ['rollouts', 'nodes', 'audit', 'dead', 'ledger'] as const
export type Tab = (typeof tabs)[number]

export interface OperationsSearch {
  /** Without it the rollouts. */
  tab?: Tab
  /** The chosen rollout. */
  rollout?: string
  /** Whose operations; without it those of all nodes. */
  node?: string
  /** Filters of the audit trail. */
  who?: string
  action?: string
  outcome?: Outcome
  /** The page of dead letters that are older than this one. */
  before?: number
  /** The chosen dead letter. */
  letter?: number
}

export function operationsSearch(raw: RawSearch): OperationsSearch {
  return given({
    tab: readChoice(raw.tab, tabs),
    rollout: readText(raw.rollout, 128),
    node: readText(raw.node, 64),
    who: readText(raw.who, 200),
    action: readText(raw.action, 300),
    outcome: readChoice(raw.outcome, outcomes),
    before: readWhole(raw.before, 1, Number.MAX_SAFE_INTEGER),
    letter: readWhole(raw.letter, 1, Number.MAX_SAFE_INTEGER),
  })
}
