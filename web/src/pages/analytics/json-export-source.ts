import { type Experiment, fromJsonExport, JsonExport, type StoredEvent } from '@corroport/contracts'
import { Value } from 'typebox/value'

interface JsonSource {
  experiment: Experiment
  events: StoredEvent[]
}

/** A JSON export, ours or of the first CorroPort. Loaded with its schemas only when there is one. */
export function readJsonExport(text: string): JsonSource {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new Error('the file is no JSON, damaged or cut short', { cause })
  }
  // Compiling the schema would be quicker, and is what the content security policy forbids.
  if (!Value.Check(JsonExport, json)) {
    const problems = Value.Errors(JsonExport, json)
      .slice(0, 5)
      .map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
    throw new Error(`the file is no export of an experiment: ${problems.join(', ')}`)
  }
  return fromJsonExport(json)
}
