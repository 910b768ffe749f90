/** What a client did not get, and why: the only words about a failure that leave the process. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly status: number
  readonly extension: Readonly<Record<string, unknown>>

  constructor(status: number, detail: string, extension: Record<string, unknown> = {}) {
    super(detail)
    this.status = status
    this.extension = extension
  }
}
