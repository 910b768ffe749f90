import { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { RefusalError } from '@corroport/bus'
import { Client } from 'pg'
import type { ReaderAccess } from './reader-role.ts'

const connectTimeoutMs = 2000
// Beside the query itself; a server that hangs is given up after it.
const graceMs = 800
// Postgres sends a row whole, and one may be as large as a gigabyte.
const mostReceivedBytes = 16 * 1024 * 1024
const watchEveryMs = 10

/** A transaction that only reads. Disposing ends it, whatever runs. */
export interface ReadSession extends AsyncDisposable {
  readonly client: Client
  /** Why we ended it. */
  readonly endedFor: 'bytes' | 'time' | undefined
}

export async function openReadSession(
  { url, schema }: ReaderAccess,
  timeoutMs: number,
): Promise<ReadSession> {
  const socket = new Socket()
  const client = new Client({
    connectionString: url,
    application_name: 'analytics-reader',
    connectionTimeoutMillis: connectTimeoutMs,
    stream: () => socket,
    types: { getTypeParser: () => (text: string | Buffer) => text },
  })
  client.on('error', () => undefined) // the query that it was lost with fails by itself
  const lastMoment = performance.now() + timeoutMs + graceMs
  let endedFor: ReadSession['endedFor']
  const watching = setInterval(() => {
    if (socket.bytesRead > mostReceivedBytes) endedFor = 'bytes'
    else if (performance.now() > lastMoment) endedFor = 'time'
    if (endedFor) socket.destroy(new Error(`no answer within the limit of ${endedFor}`))
  }, watchEveryMs)
  const session: ReadSession = {
    client,
    get endedFor() {
      return endedFor
    },
    async [Symbol.asyncDispose]() {
      clearInterval(watching)
      // A server that hangs does not say goodbye.
      const patience = wait(graceMs, undefined, { ref: false })
      await Promise.race([client.end(), patience]).catch(() => undefined)
      socket.destroy()
    },
  }
  try {
    await client.connect()
    await client.query(`BEGIN TRANSACTION READ ONLY;
      SET LOCAL lock_timeout = ${timeoutMs};
      SET LOCAL idle_in_transaction_session_timeout = 15000;
      SET LOCAL work_mem = '8MB';
      SET LOCAL TimeZone = 'UTC';
      SET LOCAL DateStyle = 'ISO';
      SET LOCAL search_path = ${client.escapeIdentifier(schema)}`)
    const { rows } = await client.query<[string]>({
      text: 'SELECT rolsuper FROM pg_roles WHERE rolname = session_user',
      rowMode: 'array',
    })
    if (rows[0]?.[0] !== 'f') {
      throw new RefusalError('unavailable', 'the role of DATABASE_READER_URL is a superuser')
    }
    return session
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}
