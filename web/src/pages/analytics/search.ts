import { given, type RawSearch, readChoice, readText } from '../../search.ts'

export const tabs = [
  'summary',
  'distribution',
  'time',
  'receivers',
  'messages',
  'environment',
] as const
export type Tab = (typeof tabs)[number]

interface AnalyticsSearch {
  /** The chosen one, by its id. */
  experiment?: string
  tab?: Tab
  /** Which of both is looked at; without it the first. */
  transport?: 'gossip' | 'direct'
  /** The axis of the distribution; without it logarithmic. */
  scale?: 'linear'
  /** Ids with commas: the sides of the comparison. */
  a?: string
  b?: string
  /** The page of the history: experiments that are older than this. */
  before?: string
  /** The page of the messages: those that follow this one. */
  after?: string
}

export function analyticsSearch(raw: RawSearch): AnalyticsSearch {
  const before = readText(raw.before, 40)
  const isMoment = before !== undefined && !Number.isNaN(Date.parse(before))
  return given({
    experiment: readIds(raw.experiment, 1)[0],
    tab: readChoice(raw.tab, tabs),
    transport: readChoice(raw.transport, ['gossip', 'direct']),
    scale: readChoice(raw.scale, ['linear']),
    a: readIds(raw.a, 100).join(',') || undefined,
    b: readIds(raw.b, 100).join(',') || undefined,
    before: isMoment ? before : undefined,
    after: readText(raw.after, 300),
  })
}

/** The ids of a side: each once, in the order of choosing. */
export function readIds(raw: unknown, most = 100): string[] {
  const ids = readText(raw, 6500)?.split(',') ?? []
  return [...new Set(ids.filter((id) => /^[a-zA-Z0-9_-]{1,64}$/.test(id)))].slice(0, most)
}
