/** Ends a command with 1 and one line that says what to do. */
export class Failure extends Error {
  override name = 'Failure'
}
