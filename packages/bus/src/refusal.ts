import { createParser } from '@corroport/contracts'
import { type Static, Type } from 'typebox'

/** What kind of no: the gateway makes 422, 404, 409, 423 and 503 of them. */
export const RefusalCode = Type.Union([
  Type.Literal('invalid'),
  Type.Literal('not-found'),
  Type.Literal('conflict'),
  Type.Literal('locked'),
  Type.Literal('unavailable'),
])
export type RefusalCode = Static<typeof RefusalCode>

/** Thrown by whoever answers a command, for a no that is no failure of its own. */
export class RefusalError extends Error {
  override name = 'RefusalError'
  readonly code: RefusalCode
  /** Everything that is wrong, where it is more than one thing. */
  readonly problems: readonly string[]

  constructor(code: RefusalCode, message: string, problems: readonly string[] = []) {
    super(message)
    this.code = code
    this.problems = problems
  }
}

const RefusalBody = Type.Object({
  code: RefusalCode,
  problems: Type.Array(Type.String()),
})
export const parseRefusalBody = createParser('a refusal', RefusalBody)
