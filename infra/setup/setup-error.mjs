/** Says what is missing and the one thing to do about it. */
export class SetupError extends Error {
  name = 'SetupError'

  constructor(message, remedy, options) {
    super(message, options)
    this.remedy = remedy
  }
}

export function reportFailure(error, out = process.stderr) {
  if (!(error instanceof SetupError)) throw error
  out.write(`\n${error.message}\n`)
  if (error.cause instanceof Error) out.write(`${error.cause.message}\n`)
  out.write(`\nTo do: ${error.remedy}\n`)
}
