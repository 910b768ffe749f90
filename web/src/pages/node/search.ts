import { given, type RawSearch, readChoice, readText } from '../../search.ts'

export const tabs = [
  { id: 'overview', title: 'Overview' },
  { id: 'samples', title: 'Samples' },
  { id: 'configuration', title: 'Configuration' },
  { id: 'bootstrap', title: 'Change' },
  { id: 'agent', title: 'Agent files' },
  { id: 'history', title: 'History' },
] as const
export type Tab = (typeof tabs)[number]['id']

export interface NodeSearch {
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
    tab: readChoice(
      raw.tab,
      tabs.map(({ id }) => id),
    ),
    target: readChoice(raw.target, ['all']),
    rollout: readText(raw.rollout, 128),
    operation: readText(raw.operation, 128),
  })
}
