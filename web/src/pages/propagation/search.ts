import { given, type RawSearch, readText } from '../../search.ts'

interface PropagationSearch {
  /** Key of the message that is looked at; without it the latest. */
  message?: string
  /** Replay of the time range: where it stands, as RFC 3339. */
  at?: string
}

export function propagationSearch(raw: RawSearch): PropagationSearch {
  const at = readText(raw.at, 40)
  const isMoment = at !== undefined && !Number.isNaN(Date.parse(at))
  return given({ message: readText(raw.message, 128), at: isMoment ? at : undefined })
}
