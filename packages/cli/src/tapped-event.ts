import * as contracts from '@corroport/contracts'
import { matches } from '@corroport/contracts'

/** Something that was said on NATS, held against its contract. */
export interface TappedEvent {
  time: string
  subject: string
  kind: 'record' | 'hint' | 'command' | 'unknown'
  /** As parsed from JSON; the text itself when it is none. */
  payload: unknown
  violation: string | null
}

const definitions = contracts.definitionsAmong(Object.values(contracts))

export function judge(subject: string, text: string, time: Date): TappedEvent {
  const definition = definitions.find(({ wildcard }) => matches(wildcard, subject))
  const event = { time: time.toISOString(), subject, kind: definition?.kind ?? 'unknown' } as const
  let payload: unknown = text
  try {
    payload = JSON.parse(text)
    if (definition?.kind === 'command') definition.parseRequest(payload)
    else definition?.parse(payload)
    return { ...event, payload, violation: definition ? null : 'no event has this subject' }
  } catch (error) {
    const violation = error instanceof contracts.ContractError ? error.message : 'not JSON'
    return { ...event, payload, violation }
  }
}
