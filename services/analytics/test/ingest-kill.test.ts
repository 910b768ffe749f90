import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Bus, connectBus, onceConnected } from '@corroport/bus'
import { ackReceived, ledgerQueried, messageReceived, toTimestamp } from '@corroport/contracts'
import { type NatsServer, seededRandom, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Db } from '../src/store/database.ts'
import { quiet, startDatabase } from './harness.ts'

const kills = Number(process.env.CORROPORT_KILLS ?? 6)
const seed = Number(process.env.CORROPORT_SEED ?? Math.floor(Math.random() * 2 ** 32))

test(`killed ${kills} times under load, Postgres and NATS too, it stores each record once`, async () => {
  process.stderr.write(`CORROPORT_SEED=${seed}\n`)
  const random = seededRandom(seed)
  await using nats = await startNatsServer()
  await using database = await startDatabase()
  const { db, postgres } = database
  await using bus = connectBus({ url: nats.url, name: 'test', log: quiet })
  await using load = startLoad(bus)
  await using ingest = startProcess(nats, postgres)
  /** Until so many more were sent: a point in time that depends on the work, not on the machine. */
  const someMore = async (): Promise<void> => {
    const enough = load.sent() + 500 + Math.floor(random() * 1500)
    await until(() => load.sent() >= enough)
  }
  const disturb = [
    async () => {
      await postgres.stop()
      await someMore()
      await postgres.start()
    },
    async () => {
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'ingest'`.execute(db)
    },
    async () => {
      await nats.kill()
      await nats.start()
    },
  ]

  for (let kill = 0; kill < kills; kill += 1) {
    await someMore()
    await ingest.end('SIGKILL')
    if (random() < 0.5) await someMore()
    ingest.start()
    await until(async () => (await countRows(db)) > 0)
    if (kill % 2 === 1) {
      await someMore()
      await disturb[Math.floor(kill / 2) % disturb.length]?.()
    }
  }
  await load.end()

  const sent = load.sent()
  await until(async () => (await countRows(db)) >= sent, 60_000)
  const ledger = await until(async () => {
    const answer = await bus.request(ledgerQueried, {}, {}).catch(() => undefined)
    return answer?.streams.find(({ stream, waiting }) => stream === 'RECORDS' && waiting === 0)
  })
  expect(await countRows(db)).toBe(sent)
  expect(ledger.missing).toEqual([])
  expect(ledger.refused).toBe(0)
  expect(ledger.stored).toBe(sent)
  expect(ledger.stored + ledger.duplicates).toBe(ledger.published)
}, 600_000)

test('stopped in the middle of a batch it finishes that one, and begins no other', async () => {
  await using nats = await startNatsServer()
  await using database = await startDatabase()
  const { db, pool, postgres } = database
  await using bus = connectBus({ url: nats.url, name: 'test', log: quiet })
  await using load = startLoad(bus)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const held = db.transaction().execute(async (transaction) => {
    await sql`LOCK TABLE receipt IN SHARE MODE`.execute(transaction)
    await released
  })
  await using ingest = startProcess(nats, postgres)
  await until(async () => {
    const { rowCount } = await pool.query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'ingest' AND wait_event_type = 'Lock'`,
    )
    return rowCount === 1
  })

  const stopped = ingest.end('SIGTERM')
  await load.end()
  release()
  await held

  expect(await stopped).toBe(0)
  const { stored } = await db.selectFrom('ledger').select('stored').executeTakeFirstOrThrow()
  const atStop = await countRows(db)
  expect(atStop).toBe(Number(stored))
  expect(atStop).toBeGreaterThan(0)
  expect(atStop).toBeLessThan(load.sent())
  ingest.start()
  await until(async () => (await countRows(db)) === load.sent())
}, 60_000)

async function countRows(db: Db): Promise<number> {
  const { rows } = await sql<{ n: string }>`
    SELECT (SELECT count(*) FROM receipt) + (SELECT count(*) FROM ack) AS n`.execute(db)
  return Number(rows[0]?.n)
}

interface Load extends AsyncDisposable {
  /** Records that NATS has confirmed. */
  sent: () => number
  end: () => Promise<void>
}

/** Receipts and acknowledgements, told again until NATS confirms them, as an outbox does. */
function startLoad(bus: Bus): Load {
  let sent = 0
  const ending = new AbortController()
  const atOnce = 50
  const running = (async () => {
    for (let from = 0; ; ) {
      try {
        await onceConnected(bus, async ({ jetstream }) => {
          const published = numbersFrom(from, atOnce).flatMap((number) => {
            const at = toTimestamp(1_800_000_000_000_000 + number)
            const message = {
              messageId: `m${number}`,
              transport: 'gossip',
              via: 'updates',
            } as const
            const receipt = { ...message, nodeId: 'node2', originNodeId: 'node1', receivedAt: at }
            const ack = {
              ...message,
              nodeId: 'node1',
              ackNodeId: 'node2',
              attempts: 1,
              receivedAt: at,
              sentAt: at,
              arrivedAt: at,
              roundTripMs: 1.5,
              roundTripClock: 'monotonic',
            } as const
            return [
              jetstream.publish(messageReceived.subject(receipt), JSON.stringify(receipt), {
                msgID: messageReceived.identify(receipt),
                timeout: 2000,
              }),
              jetstream.publish(ackReceived.subject(ack), JSON.stringify(ack), {
                msgID: ackReceived.identify(ack),
                timeout: 2000,
              }),
            ]
          })
          const confirmed = await Promise.allSettled(published)
          if (confirmed.some(({ status }) => status === 'rejected'))
            throw new Error('not confirmed')
        })
        from += atOnce
        sent += 2 * atOnce
        // Never behind a failure: some of those may be in the stream.
        if (ending.signal.aborted) return
      } catch {
        // The same again: NATS was away, and takes none of them twice.
      }
    }
  })()
  return {
    sent: () => sent,
    async end() {
      ending.abort()
      await running
    },
    async [Symbol.asyncDispose]() {
      await this.end()
    },
  }
}

function numbersFrom(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

function startProcess(nats: NatsServer, postgres: { url: string }) {
  const program = join(import.meta.dirname, 'ingest-only.ts')
  let child: ChildProcess | undefined
  const start = (): void => {
    child = spawn(process.execPath, [program], {
      env: {
        ...process.env,
        NATS_URL: nats.url,
        DATABASE_URL: postgres.url,
        NODE_OPTIONS: '',
      },
      stdio: 'ignore',
    })
  }
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return null
    child.kill(signal)
    await once(child, 'exit')
    return child.exitCode
  }
  start()
  return { start, end, [Symbol.asyncDispose]: () => end('SIGKILL').then(() => undefined) }
}
