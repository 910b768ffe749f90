import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createTemporaryFolder, seededRandom } from '@corroport/testing'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { AdminError, openAdmin } from '../src/index.ts'
import { cut } from './cut.ts'
import { agents, type RecordedAdminExchange, recording } from './replay.ts'

const seed = Date.now()
const random = seededRandom(seed)

beforeAll(() => console.info(`seed ${seed}`))

const isRefusal = ({ frames }: RecordedAdminExchange) => frames.at(-1)?.includes('Error') === true
const inTable = ({ request, frames }: RecordedAdminExchange) => [request, frames] as const

describe.each(agents)('the admin socket of %s', (agent) => {
  const exchanges = recording<RecordedAdminExchange>(agent, 'admin')

  test.each(exchanges.filter(isRefusal).map(inTable))(
    'the admin request %j is refused',
    async (request, frames) => {
      await using admin = await startAdminReplay(frames)

      await expect(openAdmin(admin.path).request(request)).rejects.toThrow(AdminError)
    },
  )

  test.each(exchanges.filter((exchange) => !isRefusal(exchange)).map(inTable))(
    'the admin request %j is answered from its frames',
    async (request, frames) => {
      await using admin = await startAdminReplay(frames)

      const answers = await openAdmin(admin.path).request(request)

      expect(answers).toHaveLength(frames.filter((frame) => frame.includes('"Json"')).length)
      expect(admin.asked()).toEqual(request)
    },
  )

  test('members, membership, versions and subscriptions are read from the admin socket', async () => {
    const frames = exchanges.map((exchange) => exchange.frames)
    await using members = await startAdminReplay(frames[1] ?? [])
    await using states = await startAdminReplay(frames[2] ?? [])
    await using sync = await startAdminReplay(frames[3] ?? [])
    await using subscriptions = await startAdminReplay(frames[4] ?? [])

    const [first] = await openAdmin(members.path).members()
    expect(first).toMatchObject({ clusterId: 0, ring: 0, lastSyncAt: null })
    expect(first?.actorId).toMatch(/^[0-9a-f]{32}$/)
    expect(first?.identifiedAt).toBeGreaterThan(2n ** 62n)
    expect(first?.rttsMs).toHaveLength(20)
    expect(await openAdmin(states.path).membershipStates()).toMatchObject([
      { state: 'Alive', incarnation: 0 },
      { state: 'Alive', incarnation: 0 },
    ])
    const { actorId, heads, need } = await openAdmin(sync.path).syncState()
    expect([...heads]).toEqual([[actorId, 24]])
    expect(need.size).toBe(0)
    expect((await openAdmin(subscriptions.path).subscriptions()).map(({ hash }) => hash)).toContain(
      '2ada37df9b7925c7',
    )
  })
})

async function startAdminReplay(frames: readonly string[]) {
  const folder = createTemporaryFolder()
  const path = join(folder.path, 'admin.sock')
  let asked: unknown
  const answer = async (socket: Socket) => {
    const [request]: Buffer[] = await once(socket, 'data')
    asked = JSON.parse((request ?? Buffer.alloc(4)).subarray(4).toString())
    const encoded = frames.map((frame) => {
      const bytes = Buffer.from(frame)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return Buffer.concat([length, bytes])
    })
    for (const piece of cut(Buffer.concat(encoded), 50, random)) {
      socket.write(piece)
      await new Promise(setImmediate)
    }
  }
  const server = createServer((socket) => {
    socket.on('error', () => {})
    void answer(socket)
  }).listen(path)
  await once(server, 'listening')
  return {
    path,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      server.close()
      folder[Symbol.dispose]()
    },
  }
}
