import * as contracts from '@corroport/contracts'
import {
  ContractError,
  definitionsAmong,
  type EventDefinition,
  matches,
} from '@corroport/contracts'

const events = definitionsAmong(Object.values(contracts)).filter(
  (definition): definition is EventDefinition => definition.kind !== 'command',
)
// By the tokens before the first parameter: a live page asks this of every event.
const byBeginning = Map.groupBy(events, ({ template }) => template.slice(0, template.indexOf('{')))

/** Of a payload that is shown as text. */
export const noJson = 'the payload is no JSON'

/** Why a payload does not fit the contract of its subject; null where it does. */
export function violationOf(subject: string, payload: unknown): string | null {
  const event = definitionOf(subject)
  if (!event) return 'no event has this subject'
  try {
    event.parse(payload)
  } catch (error) {
    if (error instanceof ContractError) return error.message
    throw error
  }
  return sayOtherSubject(event, subject, payload)
}

function definitionOf(subject: string): EventDefinition | undefined {
  for (let end = subject.indexOf('.'); end > 0; end = subject.indexOf('.', end + 1)) {
    const found = byBeginning
      .get(subject.slice(0, end + 1))
      ?.find(({ wildcard }) => matches(wildcard, subject))
    if (found) return found
  }
  return undefined
}

/** A record under the subject of another node would be taken for that node's. */
function sayOtherSubject(
  { template }: EventDefinition,
  subject: string,
  payload: unknown,
): string | null {
  if (!hasFields(payload)) return null
  const tokens = subject.split('.')
  for (const [index, part] of template.split('.').entries()) {
    if (!part.startsWith('{')) continue
    const name = part.slice(1, -1)
    const said = payload[name]
    if (said !== undefined && said !== tokens[index]) {
      return `its ${name} is not the ${tokens[index]} of its subject`
    }
  }
  return null
}

function hasFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
