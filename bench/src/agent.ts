// The development agent beside the real one: start, writes, propagation, memory.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { startCorrosionAgent, until } from '@corroport/testing'
import { developmentAgent, findAgent } from '../../infra/setup/find-agent.mjs'
import { connectionTo } from './one-connection.ts'
import { treeMegabytes } from './process-memory.ts'
import { type Distribution, describe } from './quantiles.ts'
import { type Result, writeResult } from './result.ts'

const say = (line: string): void => console.error(line)
writeResult('agent', await measure(developmentAgent.path, findAgent(process.env, 'real').path))

async function measure(development: string, real: string): Promise<Result> {
  const starts = await measureStarts(development)
  const rates = {
    real: await measureRate('real', real),
    development: await measureRate('development', development),
  }
  const feeds = {
    real: await measureFeed('real', real),
    development: await measureFeed('development', development),
  }
  const megabytes = await measureMemory(development)
  const share = rates.development / rates.real
  const ratio = feeds.development.p50 / feeds.real.p50
  return {
    figures: [
      {
        name: 'development agent, start → first answered query, empty database',
        measured: ms(starts),
        baseline: '–',
        bar: 'p50 ≤ 400 ms',
        isMet: starts.p50 <= 400,
      },
      {
        name: 'single-row transactions over HTTP, one connection',
        measured: `${Math.round(rates.development)}/s, ${Math.round(share * 100)} % of the real agent's`,
        baseline: `real agent ${Math.round(rates.real)}/s`,
        bar: '≥ 40 %',
        isMet: share >= 0.4,
      },
      {
        name: 'write → updates feed of another agent',
        measured: `${ms(feeds.development)}, ${ratio.toFixed(2)} × the real agents'`,
        baseline: `real agents ${ms(feeds.real)}`,
        bar: 'p50 within a factor of 2, either way',
        isMet: ratio <= 2 && ratio >= 0.5,
      },
      {
        name: 'memory of a development agent with its readers after 50,000 rows',
        measured: `${megabytes} MB`,
        baseline: '–',
        bar: '≤ 200 MB',
        isMet: megabytes <= 200,
      },
    ],
    raw: { starts, rates, feeds, megabytes },
  }
}

async function measureStarts(binary: string): Promise<Distribution> {
  say('starting a development agent 20 times')
  await using agent = await startCorrosionAgent({ binary })
  const samples: number[] = []
  for (let round = 0; round < 20; round++) {
    await agent.kill('SIGKILL')
    for (const file of readdirSync(agent.folder)) {
      if (file.startsWith('corrosion.db')) rmSync(join(agent.folder, file))
    }
    const startedAt = performance.now()
    await agent.start()
    samples.push(performance.now() - startedAt)
  }
  return describe(samples)
}

async function measureRate(kind: string, binary: string): Promise<number> {
  say(`writing single rows for 8 s at a ${kind} agent`)
  await using agent = await startCorrosionAgent({ binary })
  await using connection = connectionTo(agent.url)
  const write = (id: string) =>
    connection.post('/v1/transactions', [
      ['INSERT INTO node_messages (pk, message) VALUES (?, ?)', [id, 'hello']],
    ])
  for (let index = 0; index < 200; index++) await write(`warm-${index}`)
  const startedAt = performance.now()
  let count = 0
  while (performance.now() - startedAt < 8000) await write(`row-${count++}`)
  return count / ((performance.now() - startedAt) / 1000)
}

async function measureFeed(kind: string, binary: string): Promise<Distribution> {
  say(`400 writes at 20/s at one ${kind} agent, heard at another`)
  await using first = await startCorrosionAgent({ binary })
  await using second = await startCorrosionAgent({ binary, bootstrap: [first.gossipAddr] })
  await using writer = createCorrosionClient({ url: first.url })
  await using reader = createCorrosionClient({ url: second.url })
  const stop = new AbortController()
  const heardAt = new Map<string, number>()
  const { events } = await reader.updates('node_messages', { signal: stop.signal })
  const hear = async (): Promise<void> => {
    for await (const { key } of events) heardAt.set(String(key[0]), performance.now())
  }
  const heard = hear().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  const write = async (pk: string): Promise<number> => {
    const from = performance.now()
    await writer.transact([['INSERT INTO node_messages (pk, message) VALUES (?, ?)', [pk, 'x']]])
    return from
  }
  // The feed's first event waits up to 600 ms, and agents measure their round trips first.
  for (let index = 0; !heardAt.has(`warm-${index - 1}`) || index < 60; index++) {
    await write(`warm-${index}`)
    await wait(100)
  }
  const writtenAt = new Map<string, number>()
  for (let index = 0; index < 400; index++) {
    const pk = `row-${index}`
    writtenAt.set(pk, await write(pk))
    await wait(50)
  }
  await wait(1000)
  stop.abort()
  await heard
  return describe([...writtenAt].map(([pk, from]) => (heardAt.get(pk) ?? Infinity) - from))
}

async function measureMemory(binary: string): Promise<number> {
  say('writing 50,000 rows, with a subscription and a feed open')
  await using agent = await startCorrosionAgent({ binary })
  await using client = createCorrosionClient({ url: agent.url })
  const stop = new AbortController()
  const subscription = await client.subscribe('SELECT pk, message FROM node_messages', {
    signal: stop.signal,
  })
  const updates = await client.updates('node_messages', { signal: stop.signal })
  const told = { changes: 0 }
  const count = async (events: AsyncIterable<unknown>): Promise<void> => {
    for await (const _event of events) told.changes++
  }
  const counted = [subscription.events, updates.events].map((events) =>
    count(events).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error
    }),
  )
  for (let start = 0; start < 50_000; start += 100) {
    await client.transact(
      Array.from({ length: 100 }, (_, index) => [
        'INSERT INTO node_messages (pk, message) VALUES (?, ?)',
        [`row-${start + index}`, 'a message of the usual length'],
      ]),
    )
  }
  await client.query('SELECT count(*), max(message) FROM node_messages')
  await until(() => told.changes >= 100_000)
  const megabytes = treeMegabytes(agent.pid)
  stop.abort()
  await Promise.all(counted)
  return megabytes
}

function ms({ n, p50, p95, p99 }: Distribution): string {
  return `p50 ${p50.toFixed(2)} ms, p95 ${p95.toFixed(2)}, p99 ${p99.toFixed(2)} (n ${n})`
}
