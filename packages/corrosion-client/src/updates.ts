import { asList, asText, parseObject } from './decode.ts'
import { CorrosionProtocolError } from './errors.ts'
import { decodeCells } from './subscription.ts'
import type { SqliteValue } from './values.ts'

/**
 * A hint that the row with this key (its values in key order) was inserted or updated, or deleted.
 * Hints repeat, and those from before the feed was opened or after it broke are not sent again.
 */
export interface UpdateEvent {
  kind: 'update' | 'delete'
  key: SqliteValue[]
}

export interface Updates {
  id: string
  /** Throws `StreamLostError` at the end: the feed never completes. */
  events: AsyncIterable<UpdateEvent>
}

/** One line of an updates feed; `{ error }` is what the agent says before it gives up. */
export function decodeUpdateLine(line: string): UpdateEvent | { error: string } {
  const event = parseObject(line, 'an update event')
  if (event.notify !== undefined) {
    const [kind, key] = asList(event.notify, 'notify')
    if (kind !== 'update' && kind !== 'delete') {
      throw new CorrosionProtocolError(`an update of unknown kind: ${line.slice(0, 80)}`)
    }
    return { kind, key: decodeCells(key) }
  }
  if (event.error !== undefined) return { error: asText(event.error, 'error') }
  throw new CorrosionProtocolError(`unknown update event: ${line.slice(0, 80)}`)
}
