import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { dirname, join } from 'node:path'
import { createTemporaryFolder, until } from '@corroport/testing'
import { describe, expect, test } from '@jest/globals'
import { startAdmin } from '../src/admin/start-admin.ts'
import { encodeFrame, readFrames } from '../src/frames.ts'
import { createLog } from '../src/log.ts'
import { openStreams } from '../src/streams/streams.ts'
import { fastTimings, startNode } from './gossip-node.ts'

interface Recorded {
  request: unknown
  frames: string[]
}

const recordings = JSON.parse(
  readFileSync(
    join(
      import.meta.dirname,
      '../../../packages/corrosion-client/test/recordings/v1.0.0/admin.json',
    ),
    'utf8',
  ),
) as Recorded[]

/** An agent's admin socket with all that it shows; the network has one more agent. */
async function startSocket() {
  await using parts = new AsyncDisposableStack()
  const folder = parts.use(createTemporaryFolder())
  const other = parts.use(await startNode({ timings: fastTimings }))
  const node = parts.use(await startNode({ timings: fastTimings, bootstrap: [other.address] }))
  const lines: string[] = []
  const log = createLog({ format: 'plaintext', write: (line) => lines.push(line) })
  const streams = parts.adopt(
    openStreams({ store: node.store, folder: join(folder.path, 'subs'), log }),
    (opened) => opened.close(),
  )
  const path = join(folder.path, 'run/admin.sock')
  let reloads = 0
  const startAt = (at: string) =>
    startAdmin({
      path: at,
      store: node.store,
      gossip: node.gossip,
      streams,
      reload: async () => {
        reloads++
      },
      log,
    })
  parts.adopt(await startAt(path), (started) => started.close())
  const running = parts.move()
  return {
    path,
    startAt,
    lines,
    node,
    other,
    streams,
    reloads: () => reloads,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Sends bytes and ends; the frames that come back until the other side ends too. */
async function exchange(path: string, bytes: Buffer | string): Promise<string[]> {
  const socket = createConnection({ path, allowHalfOpen: true })
  socket.end(bytes)
  return (await Array.fromAsync(readFrames(socket, 1_000_000))).map(String)
}

function ask(path: string, ...requests: unknown[]): Promise<string[]> {
  const frames = requests.map((request) => encodeFrame(Buffer.from(JSON.stringify(request))))
  return exchange(path, Buffer.concat(frames))
}

/** What differs from run to run is made equal. */
function mask(frame: string): string {
  return frame
    .replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, '<uuid>')
    .replaceAll(/"ts":\[\d{4},\d{1,3},\d+,\d+,\d+,\d+,0,0,0\]/g, '"ts":[<time>]')
    .replaceAll(/"ts":\d{19}/g, '"ts":<ntp64>')
    .replaceAll(/"rtts":\[[\d,]+\]/g, '"rtts":[<ms>]')
    .replaceAll(/"last_sync_ts":(null|\d{19})/g, '"last_sync_ts":<ntp64>')
    .replaceAll(/"127\.0\.0\.1:\d+"/g, '"<address>"')
    .replaceAll(/"incarnation":\d+/g, '"incarnation":<n>')
    .replaceAll(/"<uuid>":\d+/g, '"<uuid>":<version>')
}

describe('the admin socket', () => {
  test('answers as Corrosion v1.0.0 was recorded', async () => {
    await using socket = await startSocket()
    socket.node.store.applySchema(
      "CREATE TABLE node_messages (pk TEXT NOT NULL PRIMARY KEY, node_id TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '', region TEXT NOT NULL DEFAULT '')",
    )
    const gone = new AbortController()
    for (const sql of [
      'SELECT pk FROM node_messages',
      "select pk, node_id, message from node_messages where region = 'lab'",
      "SELECT pk, node_id, message FROM node_messages WHERE region = 'lab'",
      "SELECT pk, message FROM node_messages WHERE region = 'lab'",
    ]) {
      socket.streams.subscribe({ sql, params: [] }, { signal: gone.signal })
    }
    socket.node.insert(1)
    await until(() => socket.node.gossip.members()[0]?.state.ring === 0)
    await until(() => socket.other.ids().length === 1)

    for (const { request, frames } of recordings) {
      // The recorded cluster had one agent more, and its heads one actor.
      const unique = new Set((await ask(socket.path, request)).map((frame) => mask(inOrder(frame))))
      expect([...unique]).toEqual([...new Set(frames.map((frame) => mask(inOrder(frame))))])
    }
    expect(socket.reloads()).toBe(1)
  })

  test('answers many requests of one connection, one after the other', async () => {
    await using socket = await startSocket()

    const frames = await ask(socket.path, 'Ping', { Subs: 'List' }, { Subs: { Info: {} } }, 'Ping')

    expect(frames).toEqual([
      '"Success"',
      '{"Json":[]}',
      '"Success"',
      '{"Error":{"msg":"specify hash or id for subscription"}}',
      '"Success"',
    ])
  })

  test('shows a subscription by id and by hash', async () => {
    await using socket = await startSocket()
    const { id, hash } = socket.streams.subscribe(
      { sql: 'SELECT id,\n   text FROM item', params: [] },
      { signal: new AbortController().signal },
    )

    const [byId] = await ask(socket.path, { Subs: { Info: { hash: null, id } } })
    const [byHash] = await ask(socket.path, { Subs: { Info: { hash, id: null } } })

    expect(JSON.parse(byId ?? '')).toMatchObject({
      Json: { id, hash, last_change_id: 0, original_query: 'SELECT id, text FROM item' },
    })
    expect(byHash).toBe(byId)
  })

  test('tells what is held of a version', async () => {
    await using socket = await startSocket()
    const { store } = socket.node
    socket.node.insert(1)
    socket.node.insert(1000)
    store.transact([{ sql: "UPDATE item SET text = 'x' WHERE id = 1", params: [] }])
    store.transact([{ sql: "UPDATE item SET text = 'y' WHERE id = 1", params: [] }])
    const version = async (actor_id: string, number: number) =>
      (await ask(socket.path, { Actor: { Version: { actor_id, version: number } } }))[0]

    expect(await version(store.actorId, 2)).toMatch(/"current":\{"db_version":2,"last_seq":\d+\}/)
    expect(await version(store.actorId, 3)).toBe('{"Json":"cleared or unkown"}')
    expect(await version(store.actorId, 5)).toBe('{"Json":null}')
    expect(await version('9ff55279-d3a3-45ed-91c1-9678caa444f3', 1)).toBe(
      '{"Error":{"msg":"unknown actor id: 9ff55279d3a345ed91c19678caa444f3"}}',
    )
  })

  test('compares what is known of versions with what is stored', async () => {
    await using socket = await startSocket()
    socket.node.insert(1)
    socket.node.store.learnHead('9ff55279d3a345ed91c19678caa444f3', 7)

    const [, report, end] = await ask(socket.path, { Sync: 'CheckBookieConsistency' })
    const gaps = await ask(socket.path, { Sync: 'ReconcileGaps' })

    expect(report).toBe(
      '{"Json":{"db_actors":2,"in_memory_actors":2,"ok":true,"only_in_db_actors":[],"only_in_memory_actors":[],"value_mismatch_actors":[]}}',
    )
    expect(end).toBe('"Success"')
    expect(gaps.map(mask)[0]).toContain('reconciling gaps for 1 actors...')
  })

  test.each([
    ['a length beyond 1 MiB', '00100001', 'frame size too big'],
    ['half a length', '0000', 'bytes remaining on stream'],
    ['half a frame', '0000000a22', 'bytes remaining on stream'],
    ['no JSON', '00000003ff00ff', 'expected value at line 1 column 1'],
    [
      'an HTTP request',
      Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex'),
      'frame size too big',
    ],
  ])('closes a connection with %s, and no other', async (_what, hex, reason) => {
    await using socket = await startSocket()
    const bystander = createConnection(socket.path)
    const answers = readFrames(bystander.iterator({ destroyOnReturn: false }), 1_000)

    expect(await exchange(socket.path, Buffer.from(hex, 'hex'))).toEqual([
      JSON.stringify({ Error: { msg: reason } }),
    ])
    bystander.write(encodeFrame(Buffer.from('"Ping"')))
    expect(String((await answers.next()).value)).toBe('"Success"')
    bystander.destroy()

    expect(socket.lines.join('')).toContain('could not decode incoming frame as command')
  })

  test('goes on when a client goes in the middle of an answer', async () => {
    await using socket = await startSocket()
    for (let i = 0; i < 50; i++) {
      const client = createConnection(socket.path)
      await once(client, 'connect')
      client.write(encodeFrame(Buffer.from('{"Sync":"Generate"}')))
      client.destroy()
    }

    expect(await ask(socket.path, 'Ping')).toEqual(['"Success"'])
  })

  test('can be opened by its own user alone, and goes with the agent', async () => {
    const socket = await startSocket()
    const { mode } = statSync(socket.path)
    await socket[Symbol.asyncDispose]()

    expect(mode & 0o777).toBe(0o600)
    expect(existsSync(socket.path)).toBe(false)
  })

  test('bends the network, and puts it back', async () => {
    await using socket = await startSocket()
    const unbent =
      '"every_link":{"bandwidth_kbps":null,"cut":false,"delay_ms":0,"jitter_ms":0,"loss":0}'

    await ask(socket.path, { Lab: { Set: { peer: '127.0.0.1:9', delay_ms: 5, cut: true } } })
    await ask(socket.path, { Lab: { Set: { peer: null, bandwidth_kbps: 64 } } })
    await ask(socket.path, { Lab: { Set: { peer: null, bandwidth_kbps: null } } })
    await ask(socket.path, { Lab: { Clock: { offset_ms: -300 } } })

    expect((await ask(socket.path, { Lab: 'Show' }))[0]).toBe(
      `{"Json":{"clock_offset_ms":-300,${unbent},"links":{"127.0.0.1:9":{"cut":true,"delay_ms":5}}}}`,
    )
    expect(await ask(socket.path, { Lab: 'Reset' }, { Lab: 'Show' })).toEqual([
      '"Success"',
      `{"Json":{"clock_offset_ms":0,${unbent},"links":{}}}`,
      '"Success"',
    ])
  })

  test.each([
    [{ Set: { loss: 2 } }, 'loss must be a number from 0 to 1'],
    [{ Set: { peer: 'node2', loss: 0 } }, 'peer must be the gossip address of a peer, ip:port'],
    [{ Set: { los: 0 } }, 'los is no setting of a link'],
    [{ Set: 5 }, 'settings are missing'],
    [
      { Clock: { offset_ms: 'x' } },
      'offset_ms must be a number from -1000000000000 to 1000000000000',
    ],
    [{ Clock: {} }, 'offset_ms is missing'],
  ])('does not bend it by %j', async (request, reason) => {
    await using socket = await startSocket()

    expect(await ask(socket.path, { Lab: request })).toEqual([
      JSON.stringify({ Error: { msg: reason } }),
    ])
  })
})

describe('the path of the admin socket', () => {
  test('is not taken from an agent that runs', async () => {
    await using socket = await startSocket()

    await expect(socket.startAt(socket.path)).rejects.toThrow(
      `admin.path ${socket.path} is in use by a running agent`,
    )
    expect(await ask(socket.path, 'Ping')).toEqual(['"Success"'])
  })

  test('is taken over from an agent that was killed', async () => {
    await using socket = await startSocket()
    const path = join(dirname(socket.path), 'stale.sock')
    spawnSync(process.execPath, [
      '-e',
      `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ])
    expect(statSync(path).isSocket()).toBe(true)

    const admin = await socket.startAt(path)

    expect(await ask(path, 'Ping')).toEqual(['"Success"'])
    await admin.close()
  })

  test('is refused when it is too long, a file, or under a file', async () => {
    await using socket = await startSocket()
    const folder = dirname(socket.path)
    const file = join(folder, 'file')
    writeFileSync(file, 'kept')

    await expect(socket.startAt(join(folder, 'x'.repeat(100)))).rejects.toThrow(
      /admin\.path has \d{3} bytes, a socket's path at most 10[37]/,
    )
    await expect(socket.startAt(file)).rejects.toThrow('is a file that is no socket')
    await expect(socket.startAt(join(file, 'a.sock'))).rejects.toThrow('cannot make the folder')
    expect(readFileSync(file, 'utf8')).toBe('kept')
  })
})

function inOrder(frame: string): string {
  if (!frame.startsWith('{"Json":[')) return frame
  const masked = frame.replaceAll(/"ms_per_sec_cost":\d+\.\d+/g, '"ms_per_sec_cost":-1')
  const { Json: list } = JSON.parse(masked) as { Json: { hash: string }[] }
  return JSON.stringify(list.toSorted((a, b) => (a.hash < b.hash ? -1 : 1)))
}
