import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { connectBus } from '@corroport/bus'
import { messageAccepted, messageFailed, messageSent } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { freePort, startCorrosionAgent, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { configOf, detailOf, newFolder, send, silent, startNode, told } from './harness.ts'

async function startNeighbours() {
  const stack = new AsyncDisposableStack()
  const nats = stack.use(await startNatsServer({ nodeIds: ['node1'] }))
  const agent = stack.use(await startCorrosionAgent())
  const bus = stack.use(connectBus({ url: nats.url, name: 'test', log: silent }))
  await until(() => bus.isConnected)
  return Object.assign(stack, { nats, agent, bus })
}

async function isWritten(agentUrl: string, pk: string): Promise<boolean> {
  await using client = createCorrosionClient({ url: agentUrl })
  const { rows } = await client.query(['SELECT 1 FROM node_messages WHERE pk = ?', [pk]])
  return rows.length > 0
}

test('a message whose agent is killed is not lost from sight: it failed, or it is in the database', async () => {
  await using near = await startNeighbours()
  const { nats, agent, bus } = near
  await using node1 = await startNode(configOf({ NATS_URL: nats.url, AGENT_URL: agent.url }))
  await send(node1.api)

  const sending = Array.from({ length: 50 }, () =>
    node1.api.post('/api/messages/send', { content: 'hi' }),
  )
  await Promise.race(sending)
  await agent.kill('SIGKILL')
  const answers = await Promise.all(sending)
  await agent.start()

  expect(new Set(answers.map(({ status }) => status)).isSubsetOf(new Set([200, 503, 504]))).toBe(
    true,
  )
  const sent = new Set((await told(bus, messageSent)).map(({ messageId }) => messageId))
  const settled = await until(async () => {
    const accepted = (await told(bus, messageAccepted)).map(({ messageId }) => messageId)
    const failed = (await told(bus, messageFailed)).map(({ messageId }) => messageId)
    return accepted.length + failed.length >= 51 && { accepted, failed }
  })
  expect(new Set([...settled.accepted, ...settled.failed])).toEqual(sent)
  for (const pk of settled.accepted) expect(await isWritten(agent.url, pk)).toBe(true)
  for (const pk of settled.failed) expect(await isWritten(agent.url, pk)).toBe(false)
}, 60_000)

test('an agent that hangs leaves the outcome open; it is settled when the agent goes on', async () => {
  await using near = await startNeighbours()
  const { nats, agent, bus } = near
  await using node1 = await startNode(configOf({ NATS_URL: nats.url, AGENT_URL: agent.url }))
  await send(node1.api)
  await agent.kill('SIGSTOP')

  const answer = await node1.api.post('/api/messages/send', { content: 'hi' })
  const { pk } = answer.body
  const open = await node1.api.get(`/api/messages/${String(pk)}`)
  await agent.kill('SIGCONT')

  expect(answer.status).toBe(504)
  expect(detailOf(answer)).toContain(`ask GET /api/messages/${String(pk)}`)
  expect(open.body).toMatchObject({ status: 'sent' })
  const outcome = await until(async () => {
    const accepted = await told(bus, messageAccepted)
    const failed = await told(bus, messageFailed)
    return [...accepted, ...failed].find(({ messageId }) => messageId === pk)
  })
  expect(outcome).toMatchObject(
    (await isWritten(agent.url, String(pk)))
      ? { wasReadBack: true }
      : { reason: 'sending it was cut off, and it was not written' },
  )
}, 60_000)

test('a gateway that is killed between arming and the answer settles the message at its next start', async () => {
  await using near = await startNeighbours()
  const { nats, agent, bus } = near
  const [apiPort, peerPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
  const environment = {
    PATH: process.env.PATH,
    NODE_ID: 'node1',
    NATS_URL: nats.url,
    AGENT_URL: agent.url,
    STATE_DIR: newFolder(),
    API_PORT: String(apiPort),
    PEER_PORT: String(peerPort),
    METRICS_PORT: String(metricsPort),
  }
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${apiPort}/health/ready`).catch(() => undefined)
    return response?.ok ?? false
  }
  const before = startProcess(environment)
  await until(ready)
  await agent.kill('SIGSTOP')
  const sending = fetch(`http://127.0.0.1:${apiPort}/api/messages/send`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"content":"hi"}',
  }).catch((error: unknown) => error)
  const [sent] = await until(async () => {
    const found = await told(bus, messageSent)
    return found.length > 0 && found
  })
  await kill(before)
  await agent.kill('SIGCONT')

  const after = startProcess(environment)

  expect(Error.isError(await sending)).toBe(true)
  const outcome = await until(async () => {
    const [found] = [...(await told(bus, messageAccepted)), ...(await told(bus, messageFailed))]
    return found
  })
  await kill(after)
  expect(outcome.messageId).toBe(sent?.messageId)
  expect(await isWritten(agent.url, outcome.messageId)).toBe('acceptedAt' in outcome)
}, 60_000)

function startProcess(environment: Record<string, string | undefined>): ChildProcess {
  const main = join(import.meta.dirname, '../src/main.ts')
  return spawn(process.execPath, [main], { env: environment, stdio: 'ignore' })
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
