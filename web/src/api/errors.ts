/** The gateway answered, but not with success. `message` says what is wrong and what would be right. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly status: number
  /** What is wrong with single fields, by the name that the API has for them. */
  readonly fields: Readonly<Record<string, string>>
  /** What else is wrong, all at once. */
  readonly problems: readonly string[]

  constructor(
    status: number,
    detail: string,
    options: { fields?: Record<string, string>; problems?: readonly string[] } = {},
  ) {
    super(detail)
    this.status = status
    this.fields = options.fields ?? {}
    this.problems = options.problems ?? []
  }
}

/** No answer at all: the gateway is down, or the network between. */
export class UnreachedError extends Error {
  override name = 'UnreachedError'
}

/** Whether asking again a little later may help. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof UnreachedError ||
    (error instanceof RefusedError && [429, 502, 503, 504].includes(error.status))
  )
}

export function isUnauthorized(error: unknown): boolean {
  return error instanceof RefusedError && error.status === 401
}

export function isNotFound(error: unknown): boolean {
  return error instanceof RefusedError && error.status === 404
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
