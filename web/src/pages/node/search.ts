import { given, type RawSearch, readChoice, readText } from '../../search.ts'

export const tabs = [
  'overview',
  'samples',
  'configuration',
  'bootstrap',
  'agent',
  'history',
] as const
export type Tab = (typeof tabs)[number]

interface NodeSearch {
  /** By itself the node of this gateway. */
  node?: string
  tab?: Tab
  /** Which files a change is meant for; by itself this node's. */
  target?: 'all'
  rollout?: string
  operation?: string
}

export function nodeSearch(raw: RawSearch): NodeSearch {
  return given({
    node: readText(raw.node, 64),
    tab: readChoice(raw.tab, tabs),
    target: readChoice(raw.target, ['all']),
    rollout: readText(raw.rollout, 128),
    operation: readText(raw.operation, 128),
  })
}
