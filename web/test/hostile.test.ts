// Strangers: what they write into the tables, what their pages try, and what is too much.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { createParser, ExperimentReply, MessagesReply, maxContentBytes } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { connect } from '@nats-io/transport-node'
import type { Page } from 'playwright-core'
import { places } from '../src/shell/places.ts'
import { type Console, takePicture } from './console.ts'
import { type GuardedConsole, startGuardedConsole } from './guarded-console.ts'
import { attack, postForm } from './stranger-page.ts'

jest.setTimeout(60_000)

const parseExperiment = createParser('experiment', ExperimentReply)
const parseMessages = createParser('messages', MessagesReply)

let guarded: GuardedConsole
let shown: Console

beforeAll(async () => {
  guarded = await startGuardedConsole()
  shown = guarded.shown
  // So that one gateway is as on a laptop: whoever reaches it may do everything.
  const open = shown.cluster.node(3).service('gateway')
  Object.assign(open.definition.env, { ACCESS: 'open' })
  await open.stop()
  open.start()
  await open.ready(AbortSignal.timeout(30_000))
}, 150_000)

afterAll(async () => {
  await guarded[Symbol.asyncDispose]()
})

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
    await guarded.ask('/api/experiments', { body: plan })
    await until(async () => {
      const reply = parseExperiment(JSON.parse(await guarded.ask(`/api/experiments/${experiment}`)))
      return reply.experiment.status === 'finished'
    })
    await until(async () => {
      const { messages } = parseMessages(JSON.parse(await guarded.ask('/api/messages')))
      return rows.every(({ pk }) => messages.some((message) => message.pk === pk))
    })
  }, 120_000)

  async function expectNothingRan(page: Page): Promise<void> {
    expect(await page.evaluate(() => Reflect.get(window, 'hacked'))).toBeUndefined()
    const made = page.locator(
      'img, script:not([src]), iframe, [onerror], [onload], [href^="javascript:"]',
    )
    expect(await made.count()).toBe(0)
  }

  test.each(places.map(({ to }) => to))('at %s', async (path) => {
    await using page = await guarded.open(path)

    await expectNothingRan(page)
    expect(shown.complaintsOf(page)).toEqual([])
  })

  test('in the list of messages and in the life of one, as text', async () => {
    await using page = await guarded.open(`/messages?message=${chosen}`)

    const list = page.getByRole('region', { name: 'Messages, newest first' })
    for (const text of [markup, script, formula]) {
      await list.getByRole('link', { name: text, exact: true }).waitFor()
    }
    await page.getByRole('region', { name: 'The message on every node' }).waitFor()
    await expectNothingRan(page)
    expect(shown.complaintsOf(page)).toEqual([])
    await takePicture(page, 'messages-of-strangers')
  })

  test('in the cells of a query, short and 64 KiB long', async () => {
    await using page = await guarded.open(
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
  })

  test('in an event that is opened, with the contract that it breaks', async () => {
    await using page = await guarded.open(`/events?q=${encodeURIComponent(strangeNode)}`)

    for (const subject of ['corro.lifecycle.started', 'corro.message.sent']) {
      await page.getByRole('button', { name: `invalid ${subject}.${strangeNode}` }).click()
      await page.locator('.events-whole', { hasText: 'Breaks its contract' }).waitFor()
      await expectNothingRan(page)
      await page.getByRole('button', { expanded: true, name: strangeNode }).click()
    }
    expect(shown.complaintsOf(page)).toEqual([])
  })

  test.each(['summary', 'distribution', 'time', 'receivers', 'messages', 'environment'])(
    'in the name of an experiment, at its %s',
    async (tab) => {
      await using page = await guarded.open(`/analytics?experiment=${experiment}&tab=${tab}`)

      await page.getByText(markup).first().waitFor()
      await expectNothingRan(page)
      expect(shown.complaintsOf(page)).toEqual([])
    },
  )

  test.each([
    `/node?node=${encodeURIComponent(strangeNode)}`,
    `/node?node=stranger`,
    `/cluster?node=${encodeURIComponent(strangeNode)}&q=${encodeURIComponent(markup)}`,
    `/messages?message=${encodeURIComponent(rows.at(-1)?.pk ?? '')}`,
    `/messages?region=${encodeURIComponent(markup)}&node=${encodeURIComponent(strangeNode)}`,
    `/operations?operation=${encodeURIComponent(markup)}&rollout=${encodeURIComponent(script)}`,
    `/${encodeURIComponent(markup)}?range=${encodeURIComponent(markup)}&from=${encodeURIComponent(script)}`,
  ])('of the address %s', async (path) => {
    await using page = await guarded.open(path)

    await expectNothingRan(page)
    // That there is no such thing, or that it is silent, is an answer, and the browser notes each.
    const isAnswer = /^Failed to load resource: .* a status of (400|404|422|503)/
    expect(shown.complaintsOf(page).filter((line) => !isAnswer.test(line))).toEqual([])
  })

  test('a formula is no formula in any file', async () => {
    const kept = `'${formula.replaceAll('"', '""')}`
    await using messages = await guarded.open('/messages')
    const panel = messages.getByRole('region', { name: 'Messages', exact: true })
    expect(
      await savedBy(messages, () => panel.getByRole('button', { name: 'CSV' }).click()),
    ).toContain(`,"${kept}",`)

    await using query = await guarded.open(
      `/query-console?${new URLSearchParams({ sql: statement })}`,
    )
    await query.getByRole('button', { name: 'Run', exact: true }).click()
    const save = query.getByRole('button', { name: 'Save query-node1 as CSV' })
    const saved = await savedBy(query, () => save.click())
    const served = await guarded.ask('/api/query', {
      body: { sql: statement },
      headers: { accept: 'text/csv' },
    })
    for (const csv of [saved, served]) {
      expect(csv).toContain(`,"${kept}"\r\n`)
      expect(csv).not.toMatch(/(^|,|\n)"?=/)
    }
  })
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
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  // Of 127.0.0.1 the port is another and the site the same, so that its requests carry the cookie.
  test.each(['127.0.0.1', 'localhost'])('of %s reads nothing and changes nothing', async (host) => {
    const { port } = server.address() as AddressInfo
    const address = `http://${host}:${port}/`
    const gateway = shown.cluster.node(node).apiUrl
    const cookie = node === 1 ? { cookie: guarded.cookie } : {}
    await using page = await shown.open(address, { node, ...cookie })

    expect(await page.evaluate(attack, gateway)).toEqual([])
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      await page.goto(address)
      await page.evaluate(postForm, { gateway, type })
      await page.getByText('may not change anything here').waitFor()
    }
    await page.goto(address)
    await page.evaluate((framed) => {
      const frame = document.createElement('iframe')
      frame.src = `${framed}/cluster`
      document.body.append(frame)
    }, gateway)
    await until(() => shown.complaintsOf(page).some((line) => line.includes('frame-ancestors')))
    expect(page.frames().filter((frame) => frame.url().startsWith(gateway))).toEqual([])
    await using agent = createCorrosionClient({ url: shown.cluster.node(node).agentUrl })
    const ofStrangers = "SELECT pk FROM node_messages WHERE message LIKE '%of a stranger%'"
    // Whoever is answered has his row by then, so that none can be on its way.
    expect((await agent.query(ofStrangers)).rows).toEqual([])
  })
})

describe('what is too much is refused with a sentence', () => {
  test('a body of 10 MB, and a text that is a byte too long', async () => {
    await using page = await guarded.open('/messages')
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
  })

  test('a body that comes in drops is cut off', async () => {
    const { port, host } = new URL(shown.cluster.node(1).apiUrl)
    const socket = connectSocket(Number(port), '127.0.0.1')
    const head = [
      'POST /api/messages/send HTTP/1.1',
      `host: ${host}`,
      `authorization: Bearer ${guarded.operator.token}`,
      'content-type: application/json',
      'content-length: 1000',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n{`)
    const dripping = setInterval(() => socket.write(' '), 500)
    let answer = ''
    socket.on('data', (chunk) => {
      answer += String(chunk)
    })
    socket.on('error', () => undefined) // a drop that comes after it was cut off
    await once(socket, 'close').finally(() => clearInterval(dripping))

    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(answer).toMatch(/\w+ \w+ \w+/)
  })
})

test('after all of this no secret stands in a log, a file or a page', async () => {
  expect(await guarded.findLeaks()).toEqual([])
})
