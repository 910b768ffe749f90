import { type LiveTopic, liveTopics, streams } from '@corroport/contracts'
import { shellCommand } from '../../format/shell.ts'
import { isSubjectFilter } from '../../live/subject-filter.ts'

const mostFilters = 50

/** Every record; hints are asked for by name. */
export const everyRecord = streams.flatMap(({ subjects }) => subjects)

export function filtersOf(list: string): string[] {
  return list
    .split(',')
    .map((filter) => filter.trim())
    .filter((filter) => filter !== '')
}

/** What is wrong with a list of filters, and what would be right. */
export function filterProblem(list: string): string | undefined {
  const filters = filtersOf(list)
  if (filters.length > mostFilters) return `${mostFilters} filters at most`
  const wrong = filters.find((filter) => !isSubjectFilter(filter))
  if (wrong !== undefined) {
    return `${wrong} is no filter: write tokens with dots, * for one and > at the end for the rest`
  }
  const foreign = filters.find((filter) => !/^(corro|\*)\.|^>$/.test(filter))
  return foreign === undefined
    ? undefined
    : `${foreign} never fits: every subject begins with corro.`
}

/** With the filters of a topic, or without them where it had them all. */
export function toggleTopic(filters: readonly string[], topic: LiveTopic): string[] {
  const own: readonly string[] = liveTopics[topic]
  const others = filters.filter((filter) => !own.includes(filter))
  return hasTopic(filters, topic) ? others : [...others, ...own]
}

export function hasTopic(filters: readonly string[], topic: LiveTopic): boolean {
  return liveTopics[topic].every((filter) => filters.includes(filter))
}

export function asNatsCommand(filters: readonly string[]): string {
  return shellCommand(['nats', 'sub', ...filters])
}

/** It takes one subject, so several filters are several commands. */
export function asTapCommand(filters: readonly string[]): string {
  if (filters.join() === everyRecord.join()) {
    return shellCommand(['npx', 'corroport', 'tap', '--records-only'])
  }
  return filters.map((filter) => shellCommand(['npx', 'corroport', 'tap', filter])).join('\n')
}
