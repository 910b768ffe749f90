import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { createAccessToken, openTokenBucket } from '@corroport/bus'
import type { Role } from '@corroport/contracts'
import { until } from '@corroport/testing'
import type { Page } from 'playwright-core'
import { places } from '../src/shell/places.ts'
import { type AskOptions, settled, startConsole } from './console.ts'

export type GuardedConsole = Awaited<ReturnType<typeof startGuardedConsole>>

interface NewToken {
  token: string
  id: string
}

/** A console whose gateways ask for a token. It notes what must stay secret, and finds it again. */
export async function startGuardedConsole() {
  // Of NATS and agents that ask for none: what services are given is not to be seen in any case.
  const configured = {
    NATS_USER: 'corroport',
    NATS_PASSWORD: newSecret(),
    AGENT_API_TOKEN: newSecret(),
  }
  await using starting = new AsyncDisposableStack()
  const shown = starting.use(await startConsole({ ACCESS: 'tokens', ...configured }))
  const { layout, shape, databaseUrl = '' } = shown.cluster
  const { apiUrl } = shown.cluster.node(1)
  const secrets = new Set<string>()
  const keepSecret = (secret = ''): void => {
    if (secret === '') throw new Error('what is kept secret is empty')
    secrets.add(secret)
  }
  keepSecret(configured.NATS_PASSWORD)
  keepSecret(configured.AGENT_API_TOKEN)
  keepSecret(new URL(databaseUrl).password)

  /** Resolves when node1 takes it; of one that has expired already, at once. */
  const newToken = async (role: Role, expiresAt: string | null = null): Promise<NewToken> => {
    await using bucket = await openTokenBucket({ url: shape.natsUrl })
    const { token, record } = createAccessToken({ name: `${role} anna`, role, expiresAt })
    keepSecret(token)
    await bucket.add(record)
    if (expiresAt === null) await until(() => isTaken(apiUrl, token))
    return { token, id: record.id }
  }

  /** The cookie of a browser that signed in at node1. */
  const newSession = async (token: string): Promise<string> => {
    const response = await fetch(`${apiUrl}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    })
    const [cookie = ''] = response.headers.getSetCookie()[0]?.split(';') ?? []
    keepSecret(cookie.split('=')[1])
    return cookie
  }

  const operator = await newToken('operator')
  const cookie = await newSession(operator.token)
  const isTelling = (text: string): boolean => [...secrets].some((secret) => text.includes(secret))
  const started = starting.move()

  return {
    shown,
    operator,
    /** Of a session of the operator at node1. */
    cookie,
    newToken,
    newSession,

    /** Resolves when node1 does not take it any more. */
    async revoke({ id, token }: NewToken): Promise<void> {
      await using bucket = await openTokenBucket({ url: shape.natsUrl })
      await bucket.revoke(id)
      await until(async () => !(await isTaken(apiUrl, token)))
    },

    /** As the operator. */
    ask: (path: string, { headers, ...options }: AskOptions = {}): Promise<string> =>
      shown.ask(path, {
        ...options,
        headers: { authorization: `Bearer ${operator.token}`, ...headers },
      }),

    /** As the operator, at node1. */
    async open(path: string): Promise<Page> {
      const page = await shown.open(path, { cookie })
      await settled(page)
      return page
    },

    /** A browser keeps it where no script can read it. */
    async keepSecretsOf(page: Page): Promise<void> {
      for (const { value } of await page.context().cookies()) keepSecret(value)
    },

    /** Pages and files in which something secret stands. */
    async findLeaks(): Promise<string[]> {
      const leaks: string[] = []
      for (const { to } of places) {
        await using page = await shown.open(to, { cookie })
        await settled(page)
        if (isTelling(await page.content())) leaks.push(to)
      }
      const files = readdirSync(layout.home, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .filter((path) => !path.startsWith(layout.postgresFolder))
      if (!files.includes(layout.log('node1'))) throw new Error('no log was looked into')
      return leaks.concat(files.filter((path) => isTelling(readFileSync(path, 'latin1'))))
    },

    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function newSecret(): string {
  return randomBytes(24).toString('base64url')
}

/** From another address, since what is not good yet counts as a guess of its address. */
async function isTaken(apiUrl: string, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` }
  const sent = request(`${apiUrl}/api/session`, { headers, localAddress: '127.0.0.7' })
  sent.end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode === 200
}
