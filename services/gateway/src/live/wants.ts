import { type LiveTopic, liveTopics, matches } from '@corroport/contracts'
import { ProblemError } from '../errors.ts'
import { readFilters } from '../subject-filters.ts'

const rememberedSubjects = 1000

/** Whether a subject is among what a page asked for; everything is, where it asked for nothing. */
export function readWants(query: {
  topics?: string
  subjects?: string
}): (subject: string) => boolean {
  const filters = [
    ...filtersOfTopics(query.topics),
    ...(query.subjects ? readFilters(query.subjects) : []),
  ]
  if (filters.length === 0) return () => true
  // Of the few subjects that there are, each comes often.
  const known = new Map<string, boolean>()
  return (subject) => {
    let isWanted = known.get(subject)
    if (isWanted === undefined) {
      isWanted = filters.some((filter) => matches(filter, subject))
      if (known.size >= rememberedSubjects) known.clear()
      known.set(subject, isWanted)
    }
    return isWanted
  }
}

function filtersOfTopics(list: string | undefined): string[] {
  if (!list) return []
  return list.split(',').flatMap((part) => {
    const topic = part.trim()
    if (isTopic(topic)) return liveTopics[topic]
    const known = Object.keys(liveTopics).join(', ')
    throw new ProblemError(400, `topics: ${JSON.stringify(topic)} is none of ${known}`)
  })
}

function isTopic(name: string): name is LiveTopic {
  return Object.hasOwn(liveTopics, name)
}
