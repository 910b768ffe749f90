/** What the process answers with. Shown in `--help`. */
export const exitCodes = {
  ok: { code: 0, meaning: 'done; all is well' },
  failed: { code: 1, meaning: 'not done: not sent, not found, or not reached' },
  usage: { code: 2, meaning: 'wrong arguments' },
  missing: { code: 3, meaning: 'begun, but not acknowledged by all, or not ended, in time' },
  degraded: { code: 4, meaning: 'done; something is down or disagrees' },
  worse: { code: 5, meaning: 'done; measured worse than --max-loss or --fail-if allows' },
  interrupted: { code: 130, meaning: 'ended by Ctrl-C' },
} as const
/** A number where a command has codes of its own, which its `--help` says. */
export type Exit = keyof typeof exitCodes | number

export function codeOf(exit: Exit): number {
  return typeof exit === 'number' ? exit : exitCodes[exit].code
}

/** Ends a command: one line for a person, saying what to do, and an exit code. */
export class Failure extends Error {
  override name = 'Failure'
  readonly exit: Exit
  /** Everything that is wrong, a line each, where it is more than the message says. */
  readonly details: readonly string[]

  constructor(
    message: string,
    options: { exit?: Exit; cause?: unknown; details?: readonly string[] } = {},
  ) {
    super(message, { cause: options.cause })
    this.exit = options.exit ?? 'failed'
    this.details = options.details ?? []
  }
}
