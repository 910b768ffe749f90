import { given, type RawSearch, readText } from '../../search.ts'

interface EdgeSearch {
  /** Whose backends and decisions are shown; without it those of the first that is present. */
  pop?: string
  /** Only its backends. */
  app?: string
  /** The question: where this address would be sent, asking for this app, without these backends. */
  client?: string
  wanted?: string
  without?: string
}

export function edgeSearch(raw: RawSearch): EdgeSearch {
  return given({
    pop: readText(raw.pop, 64),
    app: readText(raw.app, 128),
    client: readText(raw.client, 64),
    wanted: readText(raw.wanted, 128),
    without: readText(raw.without, 4000),
  })
}
