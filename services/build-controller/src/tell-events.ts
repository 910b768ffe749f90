import { setTimeout as wait } from 'node:timers/promises'
import { type Bus, type Connection, publishRecords, type ToldRecord } from '@corroport/bus'
import { buildAudited, buildRecords, toTimestamp } from '@corroport/contracts'
import type { Pool, PoolClient } from 'pg'
import type { Logger } from 'pino'
import { type BuildEvent, forgetTold, listUntold, markTold } from './store/events.ts'

const batch = 500
const lookEveryMs = 250
const againMs = 1000
const takeOverEveryMs = 2000
// A store of NATS that was wiped or went back is told again what it may have lost. Less than the
// streams' window, so that what is still stored is recognised.
const again = { newest: 5000, seconds: 9 * 60 }

/**
 * Tells on NATS what the database says has happened, in its order. Of several controllers one does,
 * which holds a lock of the database; what it dies over is told again, under the same ids.
 */
export function startTelling({
  pool,
  bus,
  log,
}: {
  pool: Pool
  bus: Bus
  log: Logger
}): AsyncDisposable {
  let isFailureTold = false
  return bus.onConnected(async (connection, signal) => {
    const pause = (milliseconds: number) =>
      wait(milliseconds, undefined, { signal }).catch(() => undefined)
    while (!signal.aborted) {
      let client: PoolClient | undefined
      try {
        client = await pool.connect()
        if (await isOurs(client)) {
          await forgetTold(client, again)
          while (!signal.aborted) {
            const count = await tellNext(client, connection, log)
            isFailureTold = false
            if (count < batch) await pause(lookEveryMs)
          }
        } else await pause(takeOverEveryMs)
      } catch (err) {
        if (signal.aborted) return
        if (!isFailureTold) log.warn({ err }, 'events wait')
        isFailureTold = true
        await pause(againMs)
      } finally {
        // Not back to the pool: with its end it lets go of the lock.
        client?.release(true)
      }
    }
  })
}

async function isOurs(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT pg_try_advisory_lock(hashtext('corroport builds'), hashtext('tell')) AS ours`,
  )
  return rows[0]?.ours === true
}

async function tellNext(client: PoolClient, connection: Connection, log: Logger): Promise<number> {
  const events = await listUntold(client, batch)
  if (events.length === 0) return 0
  const records = events.flatMap((event) => {
    try {
      return [toRecord(event)]
    } catch (err) {
      // Kept where it is, and looked at by a person: nobody else could read it.
      log.error({ err, event: event.id, kind: event.kind }, 'event not told')
      return []
    }
  })
  await publishRecords(connection, records)
  await markTold(client, events)
  return events.length
}

const recordOf = new Map(
  buildRecords.map((record) => [record.template.split('.').slice(1, 3).join('.'), record]),
)

function toRecord({ id, kind, build_id, worker_id, at, data }: BuildEvent): ToldRecord {
  const event = recordOf.get(kind)
  if (kind === 'build.audited') {
    const payload = buildAudited.parse({
      ...data,
      number: id,
      at: toTimestamp(at.getTime() * 1000),
    })
    return { event: buildAudited, subject: buildAudited.subject(payload), payload }
  }
  const isOfBuild = kind.startsWith('build.')
  const subject = isOfBuild ? build_id : worker_id
  if (!event || subject === null) throw new Error(`${kind} is no kind of event`)
  const payload = {
    ...data,
    number: id,
    at: toTimestamp(at.getTime() * 1000),
    ...(isOfBuild && { buildId: build_id }),
    ...(kind !== 'build.submitted' && { workerId: worker_id }),
  }
  event.parse(payload)
  return { event, subject: `corro.${kind}.${subject}`, payload }
}
