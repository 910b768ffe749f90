import { verifierOf } from '@corroport/analytics/query/password-verifier.ts'
import { Client, DatabaseError } from 'pg'

/** Addresses with the password that each role is to have. */
export interface PostgresUrls {
  /** A superuser, whose the database is. */
  owner: string
  /** The owner's before a rotation. */
  previousOwner: string | undefined
  analytics: string
  builds: string
  status: string
}

const wrongPassword = '28P01'

/**
 * Gives the owner its password, and makes the other roles or brings them up to date: analytics may
 * make tables and the role that reads them; builds may make a schema of its own; status may look at
 * the statistics of the server.
 */
export async function applyPostgresRoles(urls: PostgresUrls): Promise<string[]> {
  const client = await connectAsOwner(urls)
  try {
    const analytics = new URL(urls.analytics).username
    const builds = new URL(urls.builds).username
    const status = new URL(urls.status).username
    await client.query('BEGIN')
    // Two that make a role at once would both fail.
    await client.query("SELECT pg_advisory_xact_lock(hashtext('corroport roles'))")
    await setPassword(client, 'ALTER', urls.owner, '')
    await makeRole(client, urls.analytics, 'NOSUPERUSER CREATEROLE NOCREATEDB')
    await makeRole(client, urls.builds, 'NOSUPERUSER NOCREATEROLE NOCREATEDB')
    await makeRole(client, urls.status, 'NOSUPERUSER NOCREATEROLE NOCREATEDB CONNECTION LIMIT 100')
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
    const database = client.escapeIdentifier(rows[0]?.name ?? '')
    await client.query(`REVOKE CREATE, CONNECT, TEMPORARY ON DATABASE ${database} FROM PUBLIC`)
    for (const role of [analytics, builds, status]) {
      await client.query(
        `GRANT CONNECT ON DATABASE ${database} TO ${client.escapeIdentifier(role)}`,
      )
    }
    await client.query(`GRANT CREATE ON DATABASE ${database} TO ${client.escapeIdentifier(builds)}`)
    // With its own right to give it on: it makes the role that reads for people.
    await client.query(
      `GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${database} TO ${client.escapeIdentifier(analytics)} WITH GRANT OPTION`,
    )
    await client.query(
      `GRANT USAGE, CREATE ON SCHEMA public TO ${client.escapeIdentifier(analytics)} WITH GRANT OPTION`,
    )
    await client.query(`GRANT pg_read_all_stats TO ${client.escapeIdentifier(status)}`)
    await client.query('COMMIT')
    return [new URL(urls.owner).username, analytics, builds, status]
  } finally {
    await client.end()
  }
}

async function connectAsOwner({ owner, previousOwner }: PostgresUrls): Promise<Client> {
  try {
    return await connect(owner)
  } catch (error) {
    const isRotated = error instanceof DatabaseError && error.code === wrongPassword
    if (!isRotated || previousOwner === undefined) throw error
    return await connect(previousOwner)
  }
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({
    connectionString,
    application_name: 'corroport roles',
    connectionTimeoutMillis: 5000,
    query_timeout: 10_000,
  })
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end()
    throw error
  }
}

async function makeRole(client: Client, url: string, rights: string): Promise<void> {
  const name = new URL(url).username
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name])
  await setPassword(client, rowCount === 0 ? 'CREATE' : 'ALTER', url, rights)
}

async function setPassword(
  client: Client,
  verb: 'CREATE' | 'ALTER',
  url: string,
  rights: string,
): Promise<void> {
  const { username, password } = new URL(url)
  const verifier = client.escapeLiteral(verifierOf(decodeURIComponent(password)))
  await client.query(
    `${verb} ROLE ${client.escapeIdentifier(username)} LOGIN ${rights} PASSWORD ${verifier}`,
  )
}
