export function messageOf(error: unknown): string {
  // Under jest an error of Node is no instance of the test's own Error.
  return Error.isError(error) ? error.message : String(error)
}
