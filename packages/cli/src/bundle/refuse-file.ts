import { Failure } from '../failure.ts'

/** For `catch`: a file that cannot be read or written is told in the words of the system. */
export function refuseFile(error: unknown): never {
  const isOfSystem = error instanceof Error && 'syscall' in error
  throw isOfSystem ? new Failure(error.message, { cause: error }) : error
}
