import {
  CorrosionBusyError,
  type CorrosionClient,
  CorrosionConnectionError,
  CorrosionResponseError,
  type Statement,
  type TransactionResult,
} from '@corroport/corrosion-client'

/** Writes one row; rejects as `transact` does. `sizeBytes`: about how large it is on its way. */
export type WriteRow = (statement: Statement, sizeBytes: number) => Promise<TransactionResult>

interface Waiting extends PromiseWithResolvers<TransactionResult> {
  statement: Statement
  sizeBytes: number
  since: number
}

const maxInFlight = 2
const maxRows = 100
// Agents take bodies of 2 MB.
const maxBytes = 512 * 1024

/**
 * Rows that come while two transactions are under way gather, and go together in the next one: to
 * an agent, which writes one transaction after the other, twenty rows cost little more than one.
 */
export function createRowWriter(
  agent: Pick<CorrosionClient, 'transact'>,
  timeoutMs: number,
): WriteRow {
  const waiting: Waiting[] = []
  let inFlight = 0

  const write = async (rows: readonly Waiting[]): Promise<void> => {
    try {
      const statements = rows.map(({ statement }) => statement)
      const result = await agent.transact(statements, { timeoutMs })
      for (const row of rows) row.resolve(result)
    } catch (error) {
      const isRefused =
        error instanceof CorrosionResponseError && !(error instanceof CorrosionBusyError)
      // Nothing of it was written, perhaps because of one row among them.
      if (isRefused && rows.length > 1) {
        for (const row of rows) await write([row])
        return
      }
      for (const row of rows) row.reject(error)
    }
  }

  const takeTogether = (): Waiting[] => {
    const rows: Waiting[] = []
    let bytes = 0
    for (const row of waiting) {
      bytes += row.sizeBytes
      if (rows.length === maxRows || (rows.length > 0 && bytes > maxBytes)) break
      rows.push(row)
    }
    waiting.splice(0, rows.length)
    return rows.filter((row) => {
      const isLate = performance.now() - row.since > timeoutMs
      if (isLate) {
        const message = `the agent was busy for ${timeoutMs} ms`
        row.reject(new CorrosionConnectionError(message, 'not-sent'))
      }
      return !isLate
    })
  }

  const goOn = (): void => {
    while (inFlight < maxInFlight && waiting.length > 0) {
      const rows = takeTogether()
      if (rows.length === 0) continue
      inFlight += 1
      void write(rows).then(() => {
        inFlight -= 1
        goOn()
      })
    }
  }

  return (statement, sizeBytes) => {
    const row = { ...Promise.withResolvers<TransactionResult>(), statement, sizeBytes }
    waiting.push({ ...row, since: performance.now() })
    goOn()
    return row.promise
  }
}
