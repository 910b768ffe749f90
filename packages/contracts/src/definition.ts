import { type Static, type TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

/** The names between braces of a subject template: `corro.ack.sent.{nodeId}` has `nodeId`. */
export type SubjectParameter<Template extends string> =
  Template extends `${string}{${infer Name}}${infer Rest}` ? Name | SubjectParameter<Rest> : never

type SubjectParameters<Template extends string> = Readonly<
  Record<SubjectParameter<Template>, string>
>

/** One thing that is wrong with a value, for a person to read: `/content: must be string`. */
export interface Issue {
  path: string
  message: string
}

/** A value that does not fit its contract. Says where and why; never holds the value itself. */
export class ContractError extends Error {
  override name = 'ContractError'
  readonly issues: Issue[]

  constructor(what: string, issues: Issue[]) {
    const reasons = issues.map((issue) => `${issue.path || '/'} ${issue.message}`).join(', ')
    super(`${what} does not fit its contract: ${reasons}`)
    this.issues = issues
  }
}

/** Checks a value of outside against a schema. Throws `ContractError`. */
export type Parse<Schema extends TSchema> = (value: unknown) => Static<Schema>

/** Compiles a schema to a check; `what` names the value in its errors. */
export function createParser<Schema extends TSchema>(what: string, schema: Schema): Parse<Schema> {
  // Compiled at the first use: a process uses few of all schemas, and compiling all takes 250 ms.
  let validator: Validator<{}, Schema> | undefined
  return (value) => {
    validator ??= Compile(schema)
    if (validator.Check(value)) return value
    const issues = [...validator.Errors(value)].slice(0, 10).map((error) => ({
      path: error.instancePath,
      message: error.message,
    }))
    throw new ContractError(what, issues)
  }
}

interface Subject<Template extends string> {
  readonly template: Template
  /** The subject with every parameter as `*`. */
  readonly wildcard: string
  /** Throws when a value is no token: a dot, star or space in it would change who hears. */
  subject(parameters: SubjectParameters<Template>): string
  /** A subject filter; parameters that are left out match everything. */
  filter(parameters?: Partial<SubjectParameters<Template>>): string
}

interface Event<Template extends string, Schema extends TSchema> extends Subject<Template> {
  readonly summary: string
  readonly schema: Schema
  parse: Parse<Schema>
}

/** Counted: JetStream, through the outbox, with an id that comes from the fact itself. */
export interface RecordDefinition<
  Template extends string = string,
  Schema extends TSchema = TSchema,
> extends Event<Template, Schema> {
  readonly kind: 'record'
  /** The `Nats-Msg-Id`: equal for the same fact, however often it is told. */
  identify(payload: Static<Schema>): string
}

/** Not counted: core NATS; the receiver can ask again. */
export interface HintDefinition<Template extends string = string, Schema extends TSchema = TSchema>
  extends Event<Template, Schema> {
  readonly kind: 'hint'
}

/** Request and reply. */
export interface CommandDefinition<
  Template extends string = string,
  Request extends TSchema = TSchema,
  Reply extends TSchema = TSchema,
> extends Subject<Template> {
  readonly kind: 'command'
  readonly summary: string
  readonly request: Request
  readonly reply: Reply
  readonly timeoutMs: number
  parseRequest: Parse<Request>
  parseReply: Parse<Reply>
}

export type EventDefinition = RecordDefinition | HintDefinition

const token = /^[a-zA-Z0-9_-]{1,64}$/

function createSubject<Template extends string>(template: Template): Subject<Template> {
  const fill = (parameters: Record<string, string | undefined>): string =>
    template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = parameters[name]
      if (value === undefined) return '*'
      if (!token.test(value)) {
        throw new Error(`${name} ${JSON.stringify(value)} cannot be a token of ${template}`)
      }
      return value
    })
  return {
    template,
    wildcard: fill({}),
    subject: fill,
    filter: (parameters = {}) => fill(parameters),
  }
}

export function defineRecord<const Template extends `corro.${string}`, Schema extends TSchema>(
  template: Template,
  summary: string,
  schema: Schema,
  identify: (payload: Static<Schema>) => string,
): RecordDefinition<Template, Schema> {
  const parse = createParser(template, schema)
  return { kind: 'record', ...createSubject(template), summary, schema, parse, identify }
}

export function defineHint<const Template extends `corro.hint.${string}`, Schema extends TSchema>(
  template: Template,
  summary: string,
  schema: Schema,
): HintDefinition<Template, Schema> {
  return {
    kind: 'hint',
    ...createSubject(template),
    summary,
    schema,
    parse: createParser(template, schema),
  }
}

export function defineCommand<
  const Template extends `corro.command.${string}`,
  Request extends TSchema,
  Reply extends TSchema,
>(
  template: Template,
  summary: string,
  shapes: { request: Request; reply: Reply; timeoutMs: number },
): CommandDefinition<Template, Request, Reply> {
  return {
    kind: 'command',
    ...createSubject(template),
    summary,
    ...shapes,
    parseRequest: createParser(`request of ${template}`, shapes.request),
    parseReply: createParser(`reply of ${template}`, shapes.reply),
  }
}

/** The events and commands among what a module exports. */
export function definitionsAmong(
  values: readonly unknown[],
): (EventDefinition | CommandDefinition)[] {
  return values.filter(
    (value): value is EventDefinition | CommandDefinition =>
      typeof value === 'object' && value !== null && 'kind' in value && 'template' in value,
  )
}
