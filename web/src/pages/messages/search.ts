import { given, type RawSearch, readText, readWhole } from '../../search.ts'

export interface MessagesSearch {
  /** Of this origin. */
  node?: string
  /** Sent in this region. */
  region?: string
  /** How many pages of older messages are shown; without it one. */
  pages?: number
  /** The chosen one, by its key. */
  message?: string
  /** Whose receptions; without it this gateway's node. */
  receiver?: string
  /** Receptions of at least so many observations. */
  min?: number
}

export const mostPages = 20

export function messagesSearch(raw: RawSearch): MessagesSearch {
  return given({
    node: readText(raw.node, 64),
    region: readText(raw.region, 64),
    pages: readWhole(raw.pages, 2, mostPages),
    message: readText(raw.message, 100),
    receiver: readText(raw.receiver, 64),
    min: readWhole(raw.min, 2, 1_000_000),
  })
}
