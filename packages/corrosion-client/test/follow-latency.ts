// Write on one agent → rows event of `follow` on another, beside the raw updates feed read in the
// same process. Prints milliseconds. Run: node test/follow-latency.ts [writes] [writes per second]
import { setTimeout as delay } from 'node:timers/promises'
import { startCorrosionAgent } from '../../testing/src/corrosion-agent.ts'
import { createCorrosionClient, createMemoryShadow, follow } from '../src/index.ts'

const [writes = 400, perSecond = 20] = process.argv.slice(2).map(Number)
await using first = await startCorrosionAgent()
await using second = await startCorrosionAgent({ bootstrap: [first.gossipAddr] })
await using writer = createCorrosionClient({ url: first.url })
await using reader = createCorrosionClient({ url: second.url })

const stop = new AbortController()
const rawAt = new Map<string, number>()
const followAt = new Map<string, number>()
const lineAt = new Map<string, number>()
const updates = await reader.updates('node_messages', { signal: stop.signal })
const hear = async () => {
  for await (const { key } of updates.events) {
    if (!rawAt.has(String(key[0]))) rawAt.set(String(key[0]), performance.now())
  }
}
const shadow = createMemoryShadow()
const observe = async () => {
  for await (const event of follow(reader, {
    table: 'node_messages',
    shadow,
    signal: stop.signal,
  })) {
    if (event.kind !== 'rows') continue
    const now = performance.now()
    for (const { key, seenAt } of event.rows) {
      followAt.set(String(key[0]), now)
      lineAt.set(String(key[0]), seenAt / 1000 - performance.timeOrigin)
    }
    shadow.apply(event.rows)
  }
}
const heard = hear()
  .catch(() => stop.signal.throwIfAborted())
  .catch(() => {})
const observed = observe()

const writtenAt = new Map<string, number>()
const total = writes + 20
for (let index = 0; index < total; index++) {
  const pk = `m${index}`
  // The first ones open the feeds' 600 ms and let the agents measure their round trip.
  if (index >= 20) writtenAt.set(pk, performance.now())
  await writer.transact([['INSERT INTO node_messages (pk, message) VALUES (?, ?)', [pk, 'hello']]])
  await delay(index < 20 ? 100 : 1000 / perSecond)
}
await delay(2_000)
stop.abort()
await Promise.all([heard, observed])

const summarize = (name: string, values: number[]) => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1]?.toFixed(2)
  console.log(`${name}: n ${sorted.length}, p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}`)
}
const since = (seen: Map<string, number>) =>
  [...writtenAt].flatMap(([pk, at]) => (seen.has(pk) ? [(seen.get(pk) ?? at) - at] : []))
summarize('write → raw updates line', since(rawAt))
summarize('write → updates line of follow', since(lineAt))
summarize('write → rows of follow', since(followAt))
const between = (from: Map<string, number>, to: Map<string, number>) =>
  [...to].flatMap(([pk, at]) =>
    from.has(pk) && writtenAt.has(pk) ? [at - (from.get(pk) ?? at)] : [],
  )
summarize('raw line → rows of follow', between(rawAt, followAt))
summarize('its own line → rows of follow', between(lineAt, followAt))
