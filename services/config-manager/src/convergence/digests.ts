import { type Bus, messageOf, RefusalError } from '@corroport/bus'
import { nowMicroseconds, rowsDigested, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import { digestTables } from './table-digest.ts'

const deadlineMs = 20_000

/** Answers who asks what rows this node's agent has. */
export function answerDigests(deps: {
  nodeId: string
  bus: Bus
  agent: CorrosionClient
}): AsyncDisposable {
  const { nodeId, bus, agent } = deps
  const stopping = new AbortController()
  let latest: Promise<unknown> = Promise.resolve()

  const digest = async (tables: readonly string[] | undefined, endsAt: number) => {
    const takenAt = toTimestamp(nowMicroseconds())
    const options = () => {
      const timeoutMs = Math.ceil(endsAt - performance.now())
      if (timeoutMs <= 0) throw new Error(`not done in ${deadlineMs / 1000} s`)
      return { signal: stopping.signal, timeoutMs }
    }
    try {
      return { tables: await digestTables(agent, tables, options), takenAt }
    } catch (cause) {
      const why = messageOf(cause)
      throw new RefusalError('unavailable', `the agent's rows were not read: ${why}`)
    }
  }

  const responder = bus.respond(rowsDigested, { nodeId }, ({ tables }) => {
    const endsAt = performance.now() + deadlineMs
    // One after the other, since each reads whole tables. Waiting counts.
    const digested = latest.then(() => digest(tables, endsAt))
    latest = digested.catch(() => undefined) // told to whoever asked
    return digested
  })

  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await responder[Symbol.asyncDispose]()
    },
  }
}
