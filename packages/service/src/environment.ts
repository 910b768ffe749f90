import { readFileSync, statSync } from 'node:fs'
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { logLevels } from './log.ts'

/** Variables that do not fit, one line each, with their names and never their values. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
}

/**
 * Reads the environment by a schema whose properties are the variables' names. A secret may stand in a
 * file instead, which the variable with `_FILE` at its end names.
 */
export function readEnvironment<Schema extends TObject>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): Static<Schema> {
  const given: Record<string, string> = {}
  const problems = new Map<string, string>()
  for (const [name, property] of Object.entries(schema.properties)) {
    const value = environment[name]
    if (value !== undefined && value !== '') given[name] = value
    const path = isSecret(property) ? environment[`${name}_FILE`] : undefined
    if (path === undefined || path === '') continue
    if (name in given) problems.set(name, `${name} and ${name}_FILE are both set: leave one out`)
    else {
      const { text, problem } = readSecret(path)
      if (problem === undefined) given[name] = text
      else problems.set(name, `${name}_FILE=${path} ${problem}, or set ${name}`)
    }
  }
  const value = Value.Convert(schema, Value.Default(schema, given))
  if (problems.size === 0 && Value.Check(schema, value)) return value
  const lines = [...Value.Errors(schema, value)].flatMap((error) => {
    const missing = 'requiredProperties' in error.params ? error.params.requiredProperties : []
    const names = Array.isArray(missing) ? missing.map(String) : []
    const name = error.instancePath.slice(1)
    return names.length > 0
      ? names
          .filter((each) => !problems.has(each))
          .map((each) => `${each} is missing: ${describe(schema, each)}`)
      : [`${name} ${error.message}: ${describe(schema, name)}`]
  })
  throw new EnvironmentError([...problems.values(), ...lines].join('\n'))
}

const maxSecretBytes = 64 * 1024

/** What a file holds, less one newline at its end; else what is wrong with it, and what to do. */
function readSecret(
  path: string,
): { text: string; problem?: undefined } | { text?: undefined; problem: string } {
  try {
    const about = statSync(path)
    if (about.isDirectory()) {
      return {
        problem: 'is a folder, as Docker makes one of a mount without a source: mount a file',
      }
    }
    // Reading a pipe would wait, perhaps for ever.
    if (!about.isFile()) return { problem: 'is not a plain file: name one' }
    if (about.size > maxSecretBytes) {
      return { problem: `has ${about.size} bytes, more than the ${maxSecretBytes} of a secret` }
    }
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    return text === '' ? { problem: 'is empty: write the secret into it' } : { text }
  } catch (error) {
    const code = Error.isError(error) && 'code' in error ? String(error.code) : String(error)
    const fixes: Record<string, string> = {
      ENOENT: 'does not exist: mount the secret there',
      EACCES: `may not be read by user ${process.geteuid?.()}: give it to that user, or to one of its groups`,
    }
    return { problem: fixes[code] ?? `cannot be read (${code}): mount a file that can` }
  }
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
  options: { description: string; default?: unknown; isSecret?: true },
): Schema {
  const copy = { ...type, ...options }
  // What tells a conversion that text may stand for a number; it is not enumerable.
  const kind = Object.getOwnPropertyDescriptor(type, '~kind')
  return kind ? Object.defineProperty(copy, '~kind', kind) : copy
}

/** Marks a setting that a file may hold, and that is never shown. */
export function secret<Schema extends TSchema>(
  type: Schema,
  options: { description: string },
): Schema {
  return setting(type, { ...options, isSecret: true })
}

export function isSecret(property: unknown): boolean {
  return typeof property === 'object' && property !== null && 'isSecret' in property
}

/** A whole number from text such as `5001`. */
export const Port = Type.Integer({ minimum: 1, maximum: 65535 })

export const LogLevelSetting = Type.Enum([...logLevels], {
  default: 'info',
  description: 'fatal, error, warn, info, debug or trace',
})
