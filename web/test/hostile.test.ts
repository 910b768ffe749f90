// Strangers: who may not be let in, what they write into the tables, and their pages.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { createAccessToken, openTokenBucket } from '@corroport/bus'
import {
  createParser,
  ExperimentReply,
  MessagesReply,
  maxContentBytes,
  RecordsReply,
  type Role,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connect } from '@nats-io/transport-node'
import type { Page } from 'playwright-core'
import { places } from '../src/shell/places.ts'
import { type Console, startConsole, takePicture } from './console.ts'

const parseExperiment = createParser('experiment', ExperimentReply)
const parseMessages = createParser('messages', MessagesReply)
const parseRecords = createParser('records', RecordsReply)

const newSecret = (): string => randomBytes(24).toString('base64url')
/** Of NATS and agents that ask for none: what services are given is not to be seen in any case. */
const configured = {
  NATS_USER: 'corroport',
  NATS_PASSWORD: newSecret(),
  AGENT_API_TOKEN: newSecret(),
}
const secrets: string[] = [configured.NATS_PASSWORD, configured.AGENT_API_TOKEN]

let shown: Console
let operator: { token: string; id: string }
/** Of sessions of the operator, by the number of the node. */
const cookies: string[] = []

beforeAll(async () => {
  shown = await startConsole({ ACCESS: 'tokens', ...configured })
  // So that one gateway is as on a laptop: whoever reaches it may do everything.
  const open = shown.cluster.node(3).service('gateway')
  Object.assign(open.definition.env, { ACCESS: 'open' })
  await open.stop()
  open.start()
  await open.ready(AbortSignal.timeout(30_000))

  const { password } = new URL(shown.cluster.databaseUrl ?? '')
  secrets.push(password)
  operator = await newToken('operator')
  cookies[1] = await newSession(operator.token)
}, 150_000)

afterAll(async () => {
  await shown[Symbol.asyncDispose]()
})

const urlOf = (node: number): string => shown.cluster.node(node).apiUrl

async function newToken(
  role: Role,
  { expiresAt = null, isRevoked = false }: { expiresAt?: string | null; isRevoked?: boolean } = {},
): Promise<{ token: string; id: string }> {
  await using bucket = await openTokenBucket({ url: shown.cluster.shape.natsUrl })
  const { token, record } = createAccessToken({ name: `${role} anna`, role, expiresAt })
  secrets.push(token)
  await bucket.add(record)
  if (isRevoked) await bucket.revoke(record.id)
  else if (expiresAt === null) await until(() => isTaken(token))
  return { token, id: record.id }
}

async function revoke(id: string): Promise<void> {
  await using bucket = await openTokenBucket({ url: shown.cluster.shape.natsUrl })
  await bucket.revoke(id)
}

/** From another address, since what is not good yet counts as a guess of its address. */
async function isTaken(token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` }
  const sent = request(`${urlOf(1)}/api/session`, { headers, localAddress: '127.0.0.7' })
  sent.end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode === 200
}

/** The cookie of a browser that signed in at node1. */
async function newSession(token: string): Promise<string> {
  const response = await fetch(`${urlOf(1)}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  const [cookie = ''] = response.headers.getSetCookie()[0]?.split(';') ?? []
  secrets.push(cookie.split('=')[1] ?? '')
  return cookie
}

/** As the operator, over node1. */
async function ask(path: string, body?: object, accept = 'application/json'): Promise<string> {
  const response = await fetch(`${urlOf(1)}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${operator.token}`,
      accept,
    },
  })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
}

async function openAs(cookie: string | undefined, path: string, node = 1): Promise<Page> {
  const page = await shown.open(path, { node, ...(cookie === undefined ? {} : { cookie }) })
  page.setDefaultTimeout(10_000)
  await page.locator('.top .badge', { hasText: /live$/ }).waitFor()
  await page.waitForFunction(() => document.querySelector('.loading') === null)
  return page
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Access token for node1').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** A browser keeps it where no script can read it. */
async function keepSecretOf(page: Page): Promise<void> {
  const held = await page.context().cookies()
  secrets.push(...held.map(({ value }) => value))
}

describe('who is let in', () => {
  const lasting = 3000

  test.each(['/', '/messages', '/query-console'])(
    'nobody without a token sees anything of the cluster at %s',
    async (path) => {
      await using page = await shown.open(path)
      await page.getByLabel('Access token for node1').waitFor()

      expect(await page.locator('body').innerHTML()).not.toMatch(/node[23]|127\.0\.0\.1/)
      expect(await page.getByRole('navigation').count()).toBe(0)
    },
    30_000,
  )

  test('a token that is not good is refused beside its field, with the reason', async () => {
    await using page = await shown.open('/')
    const past = { expiresAt: '2020-01-01T00:00:00.000000Z' }
    const { token: unknown } = createAccessToken({ name: 'x', role: 'admin', expiresAt: null })
    const wrong = {
      'cpt_too-short': 'begins with cpt_ and has 57 characters',
      [unknown]: 'not known',
      [(await newToken('admin', { isRevoked: true })).token]: 'was revoked at',
      [(await newToken('admin', past)).token]: 'expired at 2020-01-01',
    }

    for (const [token, reason] of Object.entries(wrong)) {
      await signIn(page, token)

      await page.locator('.field.wrong .error', { hasText: reason }).waitFor()
      expect(await page.getByLabel('Access token for node1').inputValue()).toBe(token)
    }
    await takePicture(page, 'sign-in-refused')
  }, 30_000)

  test('a viewer reads, and is told why nothing can be changed', async () => {
    await using page = await shown.open('/messages')
    await signIn(page, (await newToken('viewer')).token)
    await page.locator('.top').getByText('read-only').waitFor()
    await keepSecretOf(page)

    await page.getByLabel('Text', { exact: true }).fill('not for viewers')
    await page.getByRole('button', { name: 'Send', exact: true }).click()

    await page.locator('.field.wrong', { hasText: /takes the role operator/ }).waitFor()
    expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe('not for viewers')
    await page.goto('/node')
    await page
      .getByText('This needs the role operator; you are signed in as viewer.')
      .first()
      .waitFor()
    await takePicture(page, 'node-viewer')
  }, 30_000)

  test('an operator sends, and after signing out nothing of the cluster is left', async () => {
    await using page = await shown.open('/messages')
    await signIn(page, (await newToken('operator')).token)
    await page.getByLabel('Text', { exact: true }).fill('from an operator')
    await keepSecretOf(page)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('link', { name: 'from an operator' }).waitFor()

    await page.getByRole('button', { name: 'Sign out operator anna' }).click()

    await page.getByLabel('Access token for node1').waitFor()
    expect(await page.locator('body').innerHTML()).not.toMatch(/node[23]|from an operator/)
    expect(await page.context().cookies()).toEqual([])
    await page.reload()
    await page.getByLabel('Access token for node1').waitFor()
  }, 30_000)

  test.each(['session', 'token'])(
    'a page whose %s ends says so within 3 s, keeps what was typed, and goes on after signing in',
    async (what) => {
      const { token, id } = await newToken('operator')
      const cookie = await newSession(token)
      await using page = await openAs(cookie, '/messages')
      const text = `typed before the ${what} ended`
      await page.getByLabel('Text', { exact: true }).fill(text)

      if (what === 'token') await revoke(id)
      else
        await fetch(`${urlOf(1)}/api/session`, {
          method: 'DELETE',
          headers: { ...ownPage(), cookie },
        })
      await page.getByText('The session is over.').waitFor({ timeout: lasting })

      expect(await page.getByLabel('Text', { exact: true }).inputValue()).toBe(text)
      await takePicture(page, `${what}-over`)
      await signIn(page, operator.token)
      await page.locator('.top .badge', { hasText: /live$/ }).waitFor()
      await keepSecretOf(page)
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await page.getByRole('link', { name: text }).waitFor()
    },
    30_000,
  )
})

const ownPage = () => ({ origin: urlOf(1) })

const markup = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
const script = 'javascript:window.hacked=3'
const reversed = '\u202Egnp.exe\u202C \u0007\u001b[31m\u0085\u2028 end of it'
const formula = '=HYPERLINK("http://stranger.test","open")'
const strangeNode = '<svg/onload=hacked=4>'
const rows = [
  { pk: 'node2_01K0000000000000000000000A', node: 'node2', text: markup },
  { pk: 'node2_01K0000000000000000000000B', node: 'node2', text: script },
  { pk: 'node2_01K0000000000000000000000C', node: 'node2', text: reversed },
  { pk: 'node2_01K0000000000000000000000D', node: 'node2', text: 'x'.repeat(maxContentBytes) },
  { pk: 'node2_01K0000000000000000000000E', node: 'node2', text: formula },
  { pk: `${markup}_of no node`, node: strangeNode, text: 'a row of no node' },
]
const [chosen = ''] = rows.map(({ pk }) => pk)
const experiment = 'strange'
const statement = `SELECT message, originating_endpoint, region, pk, '${formula.replaceAll("'", "''")}' AS f FROM node_messages ORDER BY pk`

describe('what strangers write is shown and never run', () => {
  beforeAll(async () => {
    await using agent = createCorrosionClient({ url: shown.cluster.node(2).agentUrl })
    const now = new Date().toISOString().replace('Z', '000Z')
    await agent.transact([
      ...rows.map(
        ({ pk, node, text }, index) =>
          [
            'INSERT INTO node_messages (pk, node_id, message, sequence, timestamp, originating_endpoint, region) VALUES (?, ?, ?, ?, ?, ?, ?)',
            [pk, node, text, Date.now() + index, now, script, markup],
          ] as const,
      ),
      [
        'INSERT INTO node_configs (node_id, region, ack_endpoint, public_key, state, state_at, updated_at, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        [strangeNode, markup, script, markup, markup, markup, markup, markup],
      ],
      [
        'INSERT INTO node_configs (node_id, region, ack_endpoint, state_at, updated_at) VALUES (?, ?, ?, ?, ?)',
        ['stranger', markup, '127.0.0.1:9', now, now],
      ],
    ])

    const nats = await connect({ servers: shown.cluster.shape.natsUrl })
    nats.publish(`corro.lifecycle.started.${strangeNode}`, JSON.stringify({ nodeId: markup }))
    nats.publish(`corro.message.sent.${strangeNode}`, markup)
    nats.publish('corro.member.status', JSON.stringify({ [markup]: reversed }))
    await nats.drain()

    const plan = { id: experiment, name: markup, note: script, count: 5, interval_ms: 20 }
    await ask('/api/experiments', plan)
    await until(async () => {
      const reply = parseExperiment(JSON.parse(await ask(`/api/experiments/${experiment}`)))
      return reply.experiment.status === 'finished'
    })
    await until(async () => {
      const { messages } = parseMessages(JSON.parse(await ask('/api/messages')))
      return rows.every(({ pk }) => messages.some((message) => message.pk === pk))
    })
  }, 60_000)

  async function expectNothingRan(page: Page): Promise<void> {
    expect(await page.evaluate(() => Reflect.get(window, 'hacked'))).toBeUndefined()
    const made = page.locator(
      'img, script:not([src]), iframe, [onerror], [onload], [href^="javascript:"]',
    )
    expect(await made.count()).toBe(0)
  }

  test.each(places.map(({ to }) => to))(
    'at %s',
    async (path) => {
      await using page = await openAs(cookies[1], path)

      await expectNothingRan(page)
      expect(shown.complaintsOf(page)).toEqual([])
    },
    30_000,
  )

  test('in the list of messages and in the life of one, as text', async () => {
    await using page = await openAs(cookies[1], `/messages?message=${chosen}`)

    const list = page.getByRole('region', { name: 'Messages, newest first' })
    for (const text of [markup, script, formula]) {
      await list.getByRole('link', { name: text, exact: true }).waitFor()
    }
    await page.getByRole('region', { name: 'The message on every node' }).waitFor()
    await expectNothingRan(page)
    expect(shown.complaintsOf(page)).toEqual([])
    await takePicture(page, 'messages-of-strangers')
  }, 30_000)

  test('in the cells of a query, short and 64 KiB long', async () => {
    await using page = await openAs(
      cookies[1],
      `/query-console?${new URLSearchParams({ sql: statement })}`,
    )
    await page.getByRole('button', { name: 'Run', exact: true }).click()

    const result = page.getByRole('region', { name: 'Rows of node1' })
    await result.getByText(script, { exact: true }).first().waitFor()
    await result.getByRole('button', { name: '65,536 characters' }).click()
    await page.getByRole('dialog').getByText('xxxxxx').waitFor()
    await page.keyboard.press('Escape')
    await result
      .getByRole('button', { name: `${markup.length} characters` })
      .first()
      .click()
    await page.getByRole('dialog').getByText(markup, { exact: true }).waitFor()
    await expectNothingRan(page)
    expect(shown.complaintsOf(page)).toEqual([])
  }, 30_000)

  test('in an event that is opened, with the contract that it breaks', async () => {
    await using page = await openAs(cookies[1], `/events?q=${encodeURIComponent(strangeNode)}`)

    for (const subject of ['corro.lifecycle.started', 'corro.message.sent']) {
      await page.getByRole('button', { name: `invalid ${subject}.${strangeNode}` }).click()
      await page.locator('.events-whole', { hasText: 'Breaks its contract' }).waitFor()
      await expectNothingRan(page)
      await page.getByRole('button', { expanded: true, name: strangeNode }).click()
    }
    expect(shown.complaintsOf(page)).toEqual([])
  }, 30_000)

  test.each(['summary', 'distribution', 'time', 'receivers', 'messages', 'environment'])(
    'in the name of an experiment, at its %s',
    async (tab) => {
      await using page = await openAs(cookies[1], `/analytics?experiment=${experiment}&tab=${tab}`)

      await page.getByText(markup).first().waitFor()
      await expectNothingRan(page)
      expect(shown.complaintsOf(page)).toEqual([])
    },
    30_000,
  )

  test.each([
    `/node?node=${encodeURIComponent(strangeNode)}`,
    `/node?node=stranger`,
    `/cluster?node=${encodeURIComponent(strangeNode)}&q=${encodeURIComponent(markup)}`,
    `/messages?message=${encodeURIComponent(rows.at(-1)?.pk ?? '')}`,
    `/messages?region=${encodeURIComponent(markup)}&node=${encodeURIComponent(strangeNode)}`,
    `/operations?operation=${encodeURIComponent(markup)}&rollout=${encodeURIComponent(script)}`,
    `/${encodeURIComponent(markup)}?range=${encodeURIComponent(markup)}&from=${encodeURIComponent(script)}`,
  ])(
    'of the address %s',
    async (path) => {
      await using page = await openAs(cookies[1], path)

      await expectNothingRan(page)
      // That there is no such thing, or that it is silent, is an answer, and the browser notes each.
      const isAnswer = /^Failed to load resource: .* a status of (400|404|422|503)/
      expect(shown.complaintsOf(page).filter((line) => !isAnswer.test(line))).toEqual([])
    },
    30_000,
  )

  test('a formula is no formula in any file', async () => {
    const kept = `'${formula.replaceAll('"', '""')}`
    await using messages = await openAs(cookies[1], '/messages')
    const panel = messages.getByRole('region', { name: 'Messages', exact: true })
    expect(
      await savedBy(messages, () => panel.getByRole('button', { name: 'CSV' }).click()),
    ).toContain(`,"${kept}",`)

    await using query = await openAs(
      cookies[1],
      `/query-console?${new URLSearchParams({ sql: statement })}`,
    )
    await query.getByRole('button', { name: 'Run', exact: true }).click()
    const save = query.getByRole('button', { name: 'Save query-node1 as CSV' })
    const saved = await savedBy(query, () => save.click())
    const served = await ask('/api/query', { sql: statement }, 'text/csv')
    for (const csv of [saved, served]) {
      expect(csv).toContain(`,"${kept}"\r\n`)
      expect(csv).not.toMatch(/(^|,|\n)"?=/)
    }
  }, 30_000)
})

async function savedBy(page: Page, act: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), act()])
  return readFileSync(await download.path(), 'utf8')
}

describe.each([
  ['with tokens', 1],
  ['open to all', 3],
])('a page of another origin, against a gateway %s', (_mode, node) => {
  let server: Server

  beforeAll(async () => {
    const html = '<!doctype html><title>stranger</title><h1>stranger</h1>'
    server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(html)
    })
    server.listen(0, 'localhost')
    await once(server, 'listening')
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const sentMessages = async (): Promise<number> => {
    const { count } = parseRecords(
      JSON.parse(await ask('/api/records?subjects=corro.message.sent.*&limit=1000')),
    )
    return count
  }

  // Of 127.0.0.1 the port is another and the site the same, so that its requests carry the cookie.
  test.each(['127.0.0.1', 'localhost'])(
    'of %s reads nothing and changes nothing',
    async (host) => {
      const { port, address } = server.address() as AddressInfo
      const place =
        address === '::1' && host === '127.0.0.1' ? undefined : `http://${host}:${port}/`
      expect(place).toBeDefined()
      const before = await sentMessages()
      await using page = await shown.open(place ?? '', {
        node,
        ...(node === 1 ? { cookie: cookies[1] ?? '' } : {}),
      })

      expect(await page.evaluate(attack, urlOf(node))).toEqual([])
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
      ]) {
        await page.goto(place ?? '')
        await page.evaluate(postForm, { gateway: urlOf(node), type })
        await page.getByText('may not change anything here').waitFor()
      }
      await page.goto(place ?? '')
      await page.evaluate((gateway) => {
        const frame = document.createElement('iframe')
        frame.src = `${gateway}/cluster`
        document.body.append(frame)
      }, urlOf(node))
      await until(() => shown.complaintsOf(page).some((line) => line.includes('frame-ancestors')))
      const framed = page.frames().filter((frame) => frame.url().startsWith(urlOf(node)))
      expect(framed).toEqual([])
      expect(await sentMessages()).toBe(before)
    },
    60_000,
  )
})

/** Runs in the page of a stranger: the names of what it succeeded with. */
async function attack(gateway: string): Promise<string[]> {
  const body = JSON.stringify({ content: 'of a stranger' })
  const json = { 'content-type': 'application/json' }
  const read = async (path: string, options: RequestInit): Promise<void> => {
    const response = await fetch(`${gateway}${path}`, { credentials: 'include', ...options })
    await response.text()
    if (response.type === 'opaque') throw new Error('nothing can be read of it')
  }
  const loaded = (element: HTMLImageElement | HTMLScriptElement, path: string): Promise<void> =>
    new Promise((resolve, reject) => {
      element.addEventListener('load', () => resolve())
      element.addEventListener('error', () => reject(new Error('not loaded')))
      element.src = `${gateway}${path}`
      document.body.append(element)
    })
  const streamed = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const source = new EventSource(`${gateway}/api/events`, { withCredentials: true })
      source.addEventListener('open', () => resolve())
      source.addEventListener('error', () => {
        source.close()
        reject(new Error('not opened'))
      })
    })
  const send = '/api/messages/send'
  const attempts: Record<string, () => Promise<void>> = {
    'a read': () => read('/api/nodes', {}),
    'a read without CORS': () => read('/api/nodes', { mode: 'no-cors' }),
    'the session': () => read('/api/session', {}),
    'a post': () => read(send, { method: 'POST', headers: json, body }),
    'a post without CORS': () => read(send, { method: 'POST', mode: 'no-cors', body }),
    'a statement': () =>
      read('/api/query', { method: 'POST', headers: json, body: '{"sql":"SELECT 1"}' }),
    'signing out': () => read('/api/session', { method: 'DELETE' }),
    'an image': () => loaded(new Image(), '/icon.svg'),
    'a script': () => loaded(document.createElement('script'), '/api/nodes'),
    'the stream of events': streamed,
  }
  const succeeded: string[] = []
  for (const [name, attempt] of Object.entries(attempts)) {
    await attempt().then(
      () => succeeded.push(name),
      () => undefined,
    )
  }
  return succeeded
}

/** Runs in the page of a stranger, which it leaves. */
function postForm({ gateway, type }: { gateway: string; type: string }): void {
  const form = document.createElement('form')
  const input = document.createElement('input')
  input.name = '{"content":"of a stranger","x":"'
  input.value = '"}'
  form.method = 'POST'
  form.enctype = type
  form.action = `${gateway}/api/messages/send`
  form.append(input)
  document.body.append(form)
  form.submit()
}

describe('what is too much is refused with a sentence', () => {
  test('a body of 10 MB, and a text that is a byte too long', async () => {
    await using page = await openAs(cookies[1], '/messages')
    const answer = await page.evaluate(async () => {
      const response = await fetch('/api/messages/send', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ content: 'x'.repeat(10_000_000) }),
      })
      return { status: response.status, text: await response.text() }
    })

    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.text)).toMatchObject({ detail: expect.stringMatching(/\w+ \w+ \w+/) })
    const text = page.getByLabel('Text', { exact: true })
    await text.fill('x'.repeat(maxContentBytes + 1))
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('1 bytes too many: shorten it').waitFor()
    expect((await text.inputValue()).length).toBe(maxContentBytes + 1)
  }, 30_000)

  test('a body that comes in drops is cut off', async () => {
    const { port, host } = new URL(urlOf(1))
    const socket = connectSocket(Number(port), '127.0.0.1')
    const head = [
      'POST /api/messages/send HTTP/1.1',
      `host: ${host}`,
      `authorization: Bearer ${operator.token}`,
      'content-type: application/json',
      'content-length: 1000',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n{`)
    const dripping = setInterval(() => socket.write(' '), 500)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += String(chunk)
    })
    socket.on('error', () => undefined)
    await once(socket, 'close')
    clearInterval(dripping)

    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(answer).toMatch(/\w+ \w+ \w+/)
  }, 30_000)
})

test('after all of this no secret stands in a log, a file or a page', async () => {
  for (const { to } of places) {
    await using page = await openAs(cookies[1], to)
    expect(secretsIn(await page.content())).toEqual([])
  }

  const { home } = shown.cluster.layout
  const files = readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => !path.startsWith(shown.cluster.layout.postgresFolder))
  expect(files.some((path) => path.endsWith('node1.log'))).toBe(true)
  expect(files.filter((path) => secretsIn(readFileSync(path, 'latin1')).length > 0)).toEqual([])
}, 60_000)

function secretsIn(text: string): string[] {
  return secrets.filter((secret) => secret.length > 0 && text.includes(secret))
}
