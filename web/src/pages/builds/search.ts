import { buildStatuses } from '@corroport/contracts'
import { given, type RawSearch, readChoice, readText } from '../../search.ts'

interface BuildsSearch {
  /** Only builds that are so, for this platform. */
  status?: (typeof buildStatuses)[number]
  platform?: 'ios' | 'android'
  /** Whose log and history are shown. */
  build?: string
}

export function buildsSearch(raw: RawSearch): BuildsSearch {
  return given({
    status: readChoice(raw.status, buildStatuses),
    platform: readChoice(raw.platform, ['ios', 'android']),
    build: readText(raw.build, 64),
  })
}
