import { STATUS_CODES } from 'node:http'
import { CommandError, isVolumeFull } from '@corroport/bus'
import {
  ContractError,
  type Issue,
  nowMicroseconds,
  type Problem,
  toTimestamp,
} from '@corroport/contracts'
import {
  CorrosionBusyError,
  CorrosionConnectionError,
  CorrosionProtocolError,
  CorrosionResponseError,
} from '@corroport/corrosion-client'
import type { FastifyError } from 'fastify'

/** An answer other than success. The message says what is wrong and, where it helps, what to do. */
export class ProblemError extends Error {
  override name = 'ProblemError'
  readonly status: number
  /** Further members of the problem document. */
  readonly extension: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds: number | undefined

  constructor(
    status: number,
    detail: string,
    options: {
      extension?: Record<string, unknown>
      retryAfterSeconds?: number
      cause?: unknown
    } = {},
  ) {
    super(detail, { cause: options.cause })
    this.status = status
    this.extension = options.extension ?? {}
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** For `catch`, around what is asked over NATS: says who did not answer. */
export function notAnsweredBy(who: string, advice = ''): (cause: unknown) => never {
  return (cause) => {
    if (!(cause instanceof CommandError) || cause.reason === 'refused') throw cause
    const detail = `${who} does not answer (${cause.message})${advice}`
    throw new ProblemError(503, detail, { cause, retryAfterSeconds: 1 })
  }
}

/** For `catch`, around what is asked of analytics. */
export function silentAnalytics(cause: unknown): never {
  return notAnsweredBy('analytics', ': its /health/ready says what it lacks')(cause)
}

const refusalStatus = {
  invalid: 422,
  'not-found': 404,
  conflict: 409,
  locked: 423,
  unavailable: 503,
} as const

export interface Failure {
  status: number
  problem: Problem & Record<string, unknown>
  retryAfterSeconds: number | undefined
}

/** The one place where a failure becomes a status. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof ProblemError) {
    return failure(error.status, error.message, error.extension, error.retryAfterSeconds)
  }
  if (isVolumeFull(error)) {
    const detail = 'this node keeps nothing more: make room on the volume of its STATE_DIR'
    return failure(503, detail, {}, 5)
  }
  if (error instanceof CommandError) {
    const { refusal } = error
    if (refusal === undefined) return failure(502, error.message)
    const errors = refusal.problems.map((message) => ({ path: '', message }))
    const extension = errors.length > 0 ? { errors } : {}
    return failure(refusalStatus[refusal.code], refusal.message, extension)
  }
  if (error instanceof CorrosionConnectionError || error instanceof CorrosionBusyError) {
    return failure(503, `the agent does not answer: ${error.message}`, {}, 1)
  }
  if (error instanceof CorrosionResponseError || error instanceof CorrosionProtocolError) {
    return failure(502, `the agent refused: ${error.message}`)
  }
  if (error instanceof ContractError) return failure(502, error.message)
  if (isFastifyError(error)) {
    if (error.validation) {
      const errors = withoutNull(error.validation).flatMap(describeIssue)
      const detail = errors.map(({ path, message }) => `${path} ${message}`).join(', ')
      return failure(400, detail, { errors })
    }
    const status = error.statusCode ?? 500
    if (status === 415) return failure(status, 'a body must be JSON: content-type application/json')
    if (status < 500) return failure(status, error.message)
  }
  return failure(500, 'an error of the gateway itself; its log says more')
}

function failure(
  status: number,
  detail: string,
  extension: Readonly<Record<string, unknown>> = {},
  retryAfterSeconds?: number,
): Failure {
  const problem = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    error: detail,
    timestamp: toTimestamp(nowMicroseconds()),
    ...extension,
  }
  return { status, problem, retryAfterSeconds }
}

// Made by a constructor function, so that neither `Error.isError` nor a class tells it.
function isFastifyError(error: unknown): error is FastifyError {
  return typeof error === 'object' && error !== null && 'code' in error && 'statusCode' in error
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'a JSON object',
  integer: 'a whole number',
  number: 'a number',
}

type ValidationIssue = NonNullable<FastifyError['validation']>[number]

/** Of what may be null, only what else is wrong with it. */
function withoutNull(issues: readonly ValidationIssue[]): ValidationIssue[] {
  const isOfNull = ({ keyword, params }: ValidationIssue): boolean =>
    keyword === 'type' && params.type === 'null'
  const nullable = new Set(issues.filter(isOfNull).map(({ instancePath }) => instancePath))
  return issues.filter(
    (issue) => !isOfNull(issue) && !(issue.keyword === 'anyOf' && nullable.has(issue.instancePath)),
  )
}

/** `content is missing` rather than `must have required properties content`. */
function describeIssue({ keyword, instancePath, params, message }: ValidationIssue): Issue[] {
  const path = instancePath.slice(1).replaceAll('/', '.') || 'the request'
  switch (keyword) {
    case 'required':
      return eachOf(params.requiredProperties, 'is missing')
    case 'additionalProperties':
      return eachOf(params.additionalProperties, 'is not known')
    case 'type':
      return [{ path, message: `must be ${typeNames[String(params.type)] ?? 'another type'}` }]
    case 'minLength':
      return [{ path, message: params.limit === 1 ? 'is empty' : 'is too short' }]
    case 'pattern':
      return [{ path, message: formOf(params) }]
    case 'minimum':
    case 'maximum':
      return [{ path, message: rangeOf(params) }]
    case 'anyOf':
      return [{ path, message: 'is not one of the allowed values' }]
    case 'const':
    case 'boolean':
      return [] // said by the anyOf or the additionalProperties that follows
    default:
      return [{ path, message: message ?? 'does not fit' }]
  }
}

function formOf({ description }: ValidationIssue['params']): string {
  return typeof description === 'string' ? `must be ${description}` : 'is malformed'
}

function rangeOf({ minimum, maximum }: ValidationIssue['params']): string {
  if (typeof maximum !== 'number') return `must be at least ${Number(minimum)}`
  if (typeof minimum !== 'number') return `must be at most ${maximum}`
  return `must be from ${minimum} to ${maximum}`
}

function eachOf(names: unknown, message: string): Issue[] {
  return Array.isArray(names) ? names.map((name) => ({ path: String(name), message })) : []
}
