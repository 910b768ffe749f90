import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { logLevels } from './log.ts'

/** Variables that do not fit, one line each, with their names and never their values. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

/** Reads the environment by a schema whose properties are the variables' names. */
export function readEnvironment<Schema extends TObject>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): Static<Schema> {
  const given = Object.fromEntries(
    Object.keys(schema.properties).flatMap((name) => {
      const value = environment[name]
      return value === undefined || value === '' ? [] : [[name, value]]
    }),
  )
  const value = Value.Convert(schema, Value.Default(schema, given))
  if (Value.Check(schema, value)) return value
  const lines = [...Value.Errors(schema, value)].flatMap((error) => {
    const missing = 'requiredProperties' in error.params ? error.params.requiredProperties : []
    return Array.isArray(missing) && missing.length > 0
      ? missing.map((name) => `${name} is missing: ${describe(schema, name)}`)
      : [
          `${error.instancePath.slice(1)} ${error.message}: ${describe(schema, error.instancePath.slice(1))}`,
        ]
  })
  throw new EnvironmentError(lines.join('\n'))
}

function describe(schema: TObject, name: string): string {
  const property: unknown = schema.properties[name]
  const description =
    typeof property === 'object' && property !== null && 'description' in property
      ? property.description
      : undefined
  return typeof description === 'string' ? description : 'see the README of the service'
}

/** A type as a variable: what it means, and its default. A spread would lose the type's kind. */
export function setting<Schema extends TSchema>(
  type: Schema,
  options: { description: string; default?: unknown },
): Schema {
  const copy = { ...type, ...options }
  // What tells a conversion that text may stand for a number; it is not enumerable.
  const kind = Object.getOwnPropertyDescriptor(type, '~kind')
  return kind ? Object.defineProperty(copy, '~kind', kind) : copy
}

/** A whole number from text such as `5001`. */
export const Port = Type.Integer({ minimum: 1, maximum: 65535 })

export const LogLevelSetting = Type.Enum([...logLevels], {
  default: 'info',
  description: 'fatal, error, warn, info, debug or trace',
})
