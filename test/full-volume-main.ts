// Runs among mounts of its own: the state of node1 is on a small volume, which is filled.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectBus, findStreamHead } from '@corroport/bus'
import type { MessageDetail, SendReply } from '@corroport/contracts'
import { startCluster } from '@corroport/local'
import { createLog } from '@corroport/service'
import { countRecords, createTemporaryFolder, findMiscounts, until } from '@corroport/testing'
import { getJson, postJson } from './http.ts'

const names = ['subscriber', 'ack-sender', 'config-manager', 'gateway'] as const
const advice = 'make room on the volume of STATE_DIR'
const withinMs = 60_000

using home = createTemporaryFolder()
const small = join(home.path, 'nodes/node1')
using _volume = mountVolume(small)
await using cluster = await startCluster({
  home: home.path,
  portOffset: 'free',
  nodes: 2,
  isProcessPerService: true,
  environment: process.env,
})
await cluster.ready()
const [node1, node2] = [cluster.node(1), cluster.node(2)]

const before = [await send(node2, 'before'), await sendDirect(node2)]
for (const pk of before) await acknowledged(node2, pk)
const processes = pids()

const filler = join(small, 'filler')
fill(filler)
const sent: string[] = []
for (let count = 0; count < 20; count += 1)
  sent.push(await send(node2, `${count} ${'x'.repeat(9000)}`))
const unheard = await sendDirect(node2)
const refusal = await until(() => send(node1, 'y'.repeat(9000)).then(() => false, String))
// Each has something to keep now: rows, a direct request, samples, what it was told to send.
for (const name of names) {
  const isTold = async () =>
    (await whyNotReady(name))?.includes(advice) && logOf(name).includes(advice)
  await until(isTold, withinMs)
}

rmSync(filler)
for (const pk of sent) await acknowledged(node2, pk)
for (const name of names) {
  await until(async () => (await whyNotReady(name)) === undefined, withinMs)
}
const after = await send(node1, 'after')
await acknowledged(node1, after)

await using bus = connectBus({
  url: cluster.shape.natsUrl,
  name: 'test',
  log: createLog({ level: 'fatal' }),
})
await until(() => bus.isConnected)
const messages = [
  ...sent.map((messageId) => ({ messageId, originNodeId: node2.nodeId })),
  { messageId: after, originNodeId: node1.nodeId },
]
const miscounts = async () =>
  findMiscounts(await countRecords(bus), messages, [node1.nodeId, node2.nodeId])
await until(async () => (await miscounts()).length === 0).catch(() => undefined) // told below
const { acks, missing } = await detail(node2, unheard)
const outcome = {
  refusal,
  miscounts: await miscounts(),
  unheard: { acks, missing },
  hasEnded: names.filter((name) => pids()[name] !== processes[name]),
  deadLetters: (await findStreamHead(bus, 'DEAD', 2000)).last,
}
process.stdout.write(JSON.stringify(outcome))

async function send(from: typeof node1, content: string): Promise<string> {
  const { message } = await postJson<SendReply>(`${from.apiUrl}/api/messages/send`, { content })
  return message.pk
}

async function sendDirect(from: typeof node1): Promise<string> {
  const url = `${from.apiUrl}/api/messages/send_direct`
  return (await postJson<SendReply>(url, { content: 'direct' })).message.pk
}

function detail(at: typeof node1, pk: string): Promise<MessageDetail> {
  return getJson<MessageDetail>(`${at.apiUrl}/api/messages/${encodeURIComponent(pk)}`)
}

async function acknowledged(at: typeof node1, pk: string): Promise<void> {
  await until(async () => (await detail(at, pk)).acks.length === 1, withinMs)
}

function whyNotReady(name: (typeof names)[number]): Promise<string | undefined> {
  return node1.service(name).definition.look(AbortSignal.timeout(5000))
}

function logOf(name: string): string {
  return readFileSync(cluster.layout.log(`node1-${name}`), 'utf8')
}

function pids(): Record<string, number | undefined> {
  return Object.fromEntries(names.map((name) => [name, node1.service(name).pid]))
}

/** A volume of 16 MB there, until it is disposed. */
function mountVolume(path: string): Disposable {
  mkdirSync(path, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', path])
  return { [Symbol.dispose]: () => void execFileSync('umount', [path]) }
}

/** To the last byte. */
function fill(path: string): void {
  for (const size of [65_536, 4096, 512, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      if (!(Error.isError(error) && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
}
