import { connectBus, onceConnected, readStream } from '@corroport/bus'
import {
  createParser,
  type DeadLettered,
  DeadLettersReply,
  deadLettered,
} from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { registerDeadLetters } from '../src/routes/dead-letters.ts'
import { createBareApp, routesOfFile, silent } from './harness.ts'

const routes = routesOfFile(registerDeadLetters)

function letterOf(change: Partial<DeadLettered> = {}): DeadLettered {
  return {
    service: 'ack-sender',
    durable: 'ack-sender_node1',
    stream: 'RECORDS',
    sequence: 3,
    subject: 'corro.message.received.node1',
    messageId: null,
    deliveries: 60,
    reason: 'disk full',
    payload: Buffer.from('{"number":1}').toString('base64'),
    sizeBytes: 12,
    deadAt: '2026-01-15T10:00:00.000001Z',
    ...change,
  }
}

/** Sets a letter aside; its sequence. */
async function bury(letter: object = letterOf()): Promise<number> {
  return await onceConnected(routes.bus, async ({ jetstream }) => {
    const subject = deadLettered.subject({ service: 'ack-sender' })
    const { seq } = await jetstream.publish(subject, JSON.stringify(letter))
    return seq
  })
}

const redrive = (sequence: number | string) => routes.post(`/api/dead/${sequence}/redrive`)
const remove = (sequence: number | string) =>
  routes.inject({ method: 'DELETE', url: `/api/dead/${sequence}` })

async function letters(query = '') {
  const response = await routes.get(`/api/dead${query}`)
  return createParser('letters', DeadLettersReply)(response.json())
}

async function storedAgain(): Promise<string[]> {
  return (await readStream(routes.bus, 'RECORDS')).map(({ text }) => text)
}

test('letters are listed newest first, page by page', async () => {
  const sequences = [await bury(), await bury(letterOf({ payload: 'bm90IEpTT04=', sizeBytes: 8 }))]

  const newest = await letters('?limit=1')
  const next = await letters(`?limit=1&before=${newest.next}`)

  expect(newest.letters).toEqual([
    {
      sequence: sequences[1],
      service: 'ack-sender',
      durable: 'ack-sender_node1',
      stream: 'RECORDS',
      subject: 'corro.message.received.node1',
      reason: 'disk full',
      deliveries: 60,
      dead_at: '2026-01-15T10:00:00.000001Z',
      size_bytes: 8,
      is_whole: true,
      payload: null,
      text: 'not JSON',
    },
  ])
  expect(next.letters).toMatchObject([
    { sequence: sequences[0], payload: { number: 1 }, text: null },
  ])
  expect([newest.total, newest.next, next.next]).toEqual([2, sequences[1], null])
})

test('a letter is redriven: its record is stored again, and the letter is gone', async () => {
  const sequence = await bury(letterOf({ payload: Buffer.from('{"number":2}').toString('base64') }))

  const response = await redrive(sequence)

  expect(response.json()).toMatchObject({
    status: 'success',
    subject: 'corro.message.received.node1',
    stored_as: { stream: 'RECORDS', sequence: expect.any(Number) },
  })
  expect((await storedAgain()).filter((text) => text === '{"number":2}')).toHaveLength(1)
  expect((await routes.get(`/api/dead/${sequence}`)).statusCode).toBe(404)
})

test('a letter that is redriven twice at once is stored once', async () => {
  const sequence = await bury(letterOf({ payload: Buffer.from('{"number":3}').toString('base64') }))

  const answers = await Promise.all([redrive(sequence), redrive(sequence), redrive(sequence)])

  expect(answers.map(({ statusCode }) => statusCode)).toContain(200)
  for (const { statusCode } of answers) expect([200, 404]).toContain(statusCode)
  expect((await storedAgain()).filter((text) => text === '{"number":3}')).toHaveLength(1)
  expect((await redrive(sequence)).statusCode).toBe(404)
})

test.each([
  ['a hint', letterOf({ subject: 'corro.hint.node.node1' }), 'is no subject of a record'],
  ['another letter', letterOf({ subject: 'corro.dead.gateway' }), 'is no subject of a record'],
  ['JetStream itself', letterOf({ subject: '$JS.API.STREAM.DELETE.DEAD' }), 'is no subject'],
  ['a wildcard', letterOf({ subject: 'corro.message.>' }), 'is no subject of a record'],
  ['a part', letterOf({ sizeBytes: 600_000 }), 'only the first 12 bytes of the record were kept'],
  ['no base64', letterOf({ payload: '!' }), 'is no dead letter'],
  ['no letter', { reason: 'none' }, 'is no dead letter'],
])('%s is not redriven, and stays', async (_, letter, detail) => {
  const sequence = await bury(letter)

  const response = await redrive(sequence)

  expect(response.statusCode).toBe(422)
  expect(response.json().detail).toContain(detail)
  const shown = await routes.get(`/api/dead/${sequence}`)
  expect(shown.json().letter.sequence).toBe(sequence)
})

test('a letter of before sizes were told is whole when it is shorter than what is kept', async () => {
  const { sizeBytes: _, ...old } = letterOf()
  const full = { ...old, payload: Buffer.alloc(512 * 1024).toString('base64') }

  expect((await redrive(await bury(old))).statusCode).toBe(200)
  expect((await redrive(await bury(full))).json().detail).toContain('only the first 524288 bytes')
})

test('a letter is thrown away once', async () => {
  const sequence = await bury()

  const first = await remove(sequence)
  const second = await remove(sequence)

  expect(first.json().status).toBe('success')
  expect(second.statusCode).toBe(404)
  expect(second.json().detail).toContain(`there is no dead letter ${sequence}`)
})

test.each([
  ['GET', '/api/dead?limit=0', 400, 'limit must be from 1 to 500'],
  ['GET', '/api/dead?before=0', 400, 'before must be from 1'],
  ['GET', '/api/dead?after=1', 400, 'after is not known'],
  ['GET', '/api/dead/first', 400, 'sequence must be a whole number'],
  ['GET', '/api/dead/99999', 404, 'there is no dead letter 99999'],
  ['DELETE', '/api/dead/99999', 404, 'there is no dead letter 99999'],
  ['DELETE', '/api/dead/-1', 400, 'sequence must be from 1'],
  ['POST', '/api/dead/99999/redrive', 404, 'there is no dead letter 99999'],
  ['POST', '/api/dead/0/redrive', 400, 'sequence must be from 1'],
] as const)('%s %s is answered with %i', async (method, url, status, detail) => {
  const response = await routes.inject({ method, url })

  expect(response.statusCode).toBe(status)
  expect(response.json().detail).toContain(detail)
})

test('without nats it is said what is away', async () => {
  await using bus = connectBus({ url: 'nats://127.0.0.1:1', name: 'test', log: silent })
  const app = createBareApp()
  registerDeadLetters(app, { config: { nodeId: 'node1' }, bus })

  for (const [method, url] of [
    ['GET', '/api/dead'],
    ['GET', '/api/dead/1'],
    ['POST', '/api/dead/1/redrive'],
    ['DELETE', '/api/dead/1'],
  ] as const) {
    const response = await app.inject({ method, url })
    expect([url, response.statusCode]).toEqual([url, 503])
  }
})
