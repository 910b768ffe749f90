// What a running cluster of real agents feels of restarts, losses and changes of configuration.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { type Bus, connectBus, readStream } from '@corroport/bus'
import {
  createParser,
  fromTimestamp,
  lifecycleReady,
  lifecycleRestarting,
  MembersReply,
  OperationReply,
  PlanReply,
  type RecordDefinition,
  type Rollout,
  RolloutReply,
  subscriptionLive,
  subscriptionResumed,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type Cluster, type ClusterNode, startCluster } from '@corroport/local'
import {
  countRecords,
  createTemporaryFolder,
  cutDatagramsOf,
  findMiscounts,
  prepareOwnNetwork,
  sendSteadily,
} from '@corroport/testing'
import pino from 'pino'
import type { Static, TSchema } from 'typebox'
import { requireOwnNetworks, unshareNetwork } from '../../infra/setup/own-network.mjs'
import { describe } from './quantiles.ts'
import { type Result, writeResult } from './result.ts'

const log = pino({ level: 'warn' })
const say = (line: string): void => console.error(line)
const nodes = 5
const restarts = 3

const parseOperation = createParser('an operation', OperationReply)
const parsePlan = createParser('a plan', PlanReply)
const parseRollout = createParser('a rollout', RolloutReply)
const parseMembers = createParser('the members', MembersReply)

// In a network of its own, where gossip can be cut.
if (process.argv[2] !== 'inside') {
  requireOwnNetworks()
  const [program, ...args] = unshareNetwork
  const child = spawn(program, [...args, process.execPath, ...process.argv.slice(1, 2), 'inside'], {
    stdio: 'inherit',
  })
  const [code] = await once(child, 'exit')
  process.exit(Number(code ?? 1))
}
prepareOwnNetwork()

using home = createTemporaryFolder()
say(`starting ${nodes} nodes with real agents`)
const cluster = await startCluster({
  home: home.path,
  nodes,
  portOffset: 'free',
  agents: 'real',
  environment: process.env,
})
let result: Result
try {
  await cluster.ready()
  await using bus = connectBus({ url: cluster.shape.natsUrl, name: 'bench', log })
  result = await measure(cluster, bus)
} finally {
  await cluster.kill()
}
writeResult('changes', result)

async function measure(running: Cluster, bus: Bus): Promise<Result> {
  await until('every node to be active', async () => {
    const { members } = await membersAt(running.node(1))
    return members.filter(({ state }) => state === 'active').length === nodes
  })
  const restart = await measureRestarts(running, bus)
  const rollout = await measureRollout(running, bus)
  const refusals = await measureRefusals(running)
  const partition = await measurePartition(running)
  const loss = await measureLoss(running)
  const stops = describe(restart.ownStopsMs)
  const added = describe(restart.rounds.map(({ totalMs }) => totalMs - stops.p50))
  const steps = rollout.document.nodes.map(
    ({ node_id, started_at, finished_at }) =>
      `${node_id} ${(((fromTimestamp(finished_at ?? '') ?? 0) - (fromTimestamp(started_at ?? '') ?? 0)) / 1e6).toFixed(1)} s`,
  )
  return {
    figures: [
      {
        name: 'restart of a real agent, `restarting` → `ready` and subscription live',
        measured: `${added.max.toFixed(0)} ms above its own stop, the slowest of ${restarts} (p50 ${added.p50.toFixed(0)})`,
        baseline: `SIGTERM to its end, nothing of ours between: p50 ${stops.p50.toFixed(0)} ms (n ${stops.n})`,
        bar: 'own stop + 500 ms at most',
        isMet: added.max <= 500,
      },
      {
        name: 'messages written during these restarts, 50/s from the other nodes',
        measured: `${restart.rows} rows, ${restart.miscounts.length} facts missing or told twice`,
        baseline: 'rows in Corrosion',
        bar: 'all observed afterwards, each once',
        isMet: restart.miscounts.length === 0 && restart.rows > 0,
      },
      {
        name: 'a node killed (agent and services): shown lost by the others',
        measured: `${loss.presenceMs} ms by presence on NATS; its dead agent alone ${loss.agentMs} ms`,
        baseline: `SWIM ${loss.swimMs} ms`,
        bar: '≤ 4 s',
        isMet: loss.presenceMs <= 4000 && loss.agentMs <= 4000,
      },
      {
        name: 'gossip of one node cut, NATS up: shown on both sides',
        measured: `${partition.hereMs} ms at another node, ${partition.thereMs} ms at the node itself; healed after ${partition.healedMs} ms`,
        baseline: 'canaries each 2 s',
        bar: '≤ 8 s',
        isMet: partition.hereMs <= 8000 && partition.thereMs <= 8000,
      },
      {
        name: `rollout over ${nodes} nodes under 20 messages/s`,
        measured: `${rollout.document.state} in ${rollout.durationMs} ms (${steps.join(', ')}), ${rollout.mostDown} agent down at most, ${rollout.rows} rows, ${rollout.miscounts.length} facts missing or told twice`,
        baseline: `${nodes} × own stop: ${(nodes * stops.p50).toFixed(0)} ms`,
        bar: 'never two agents down, none lost',
        isMet:
          rollout.document.state === 'succeeded' &&
          rollout.mostDown <= 1 &&
          rollout.miscounts.length === 0,
      },
      {
        name: 'a bootstrap that splits the graph, or names nobody',
        measured: refusals
          .map(({ components, isRefused }) => {
            const pieces = components.map((piece) => piece.join(', ')).join(' and ')
            return `${isRefused ? 'refused' : 'ACCEPTED'}: ${pieces}`
          })
          .join('; '),
        baseline: 'files of five real agents, each with nodes 1 to 3 as seeds',
        bar: 'refused in the plan, with the components',
        isMet: refusals.every(({ isRefused, components }) => isRefused && components.length > 1),
      },
    ],
    raw: { restart, rollout, refusals, partition, loss },
  }
}

async function measureRestarts(running: Cluster, bus: Bus) {
  const node2 = running.node(2)
  const others = running.nodes.filter((node) => node !== node2).map(({ apiUrl }) => apiUrl)
  const rounds: { totalMs: number; stepsMs: Record<string, number> }[] = []
  const ownStopsMs: number[] = []
  for (let round = 1; round <= restarts; round += 1) {
    say(`restart ${round} of ${restarts} under 50 messages/s`)
    const sending = sendSteadily({
      urls: others,
      ratePerSecond: 50,
      durationMs: 12_000,
      content: 'restart',
    })
    await wait(2000)
    const { operation } = parseOperation(await post(node2, '/api/node/restart', {}))
    await until('the restart to end', async () => {
      const now = await get(node2, `/api/cluster/operations/${operation.id}`)
      return parseOperation(now).operation.state === 'succeeded'
    })
    await sending
    const events = await readStream(bus, 'LIFECYCLE')
    const last = <S extends TSchema>(event: RecordDefinition<string, S>) =>
      payloadsOf(events, event, 'node2').at(-1)
    const restarting = last(lifecycleRestarting)
    const ready = last(lifecycleReady)
    const live = [
      ...payloadsOf(events, subscriptionResumed, 'node2'),
      ...payloadsOf(events, subscriptionLive, 'node2'),
    ].filter(({ table, at }) => table === 'node_messages' && at > (restarting?.at ?? ''))
    if (!restarting || !ready || live.length === 0) throw new Error('the restart was not told')
    const ends = [ready.at, ...live.map(({ at }) => at)].map((at) => fromTimestamp(at) ?? 0)
    const totalMs = (Math.max(...ends) - (fromTimestamp(restarting.at) ?? 0)) / 1000
    rounds.push({ totalMs, stepsMs: ready.stepsMs })
    const stoppedAt = performance.now()
    await node2.agent.kill('SIGTERM')
    ownStopsMs.push(performance.now() - stoppedAt)
    node2.agent.start()
    await running.ready()
  }
  return { rounds, ownStopsMs, ...(await countAll(running, bus, 'restart')) }
}

async function measureRollout(running: Cluster, bus: Bus) {
  say('rollout under 20 messages/s')
  const coordinator = running.node(1)
  const watching = new AbortController()
  const watched = watchAgents(running, watching.signal)
  const { plan } = parsePlan(
    await post(coordinator, '/api/config/plan', {
      settings: { 'perf.min_sync_backoff': 2 },
      nodes: 'all',
    }),
  )
  if (plan.problems.length > 0) throw new Error(`the plan has problems: ${plan.problems.join()}`)
  const startedAt = performance.now()
  const body = { plan_id: plan.id, confirm: plan.id }
  let { rollout } = parseRollout(await post(coordinator, '/api/config/apply', body))
  const isOver = (): boolean => ['succeeded', 'stopped', 'aborted'].includes(rollout.state)
  while (!isOver()) {
    const urls = running.nodes.map(({ apiUrl }) => apiUrl)
    await sendSteadily({ urls, ratePerSecond: 20, durationMs: 1000, content: 'rollout' })
    rollout = parseRollout(await get(coordinator, `/api/config/rollouts/${plan.id}`)).rollout
    if (performance.now() - startedAt > 300_000) throw new Error('the rollout does not end')
  }
  const durationMs = Math.round(performance.now() - startedAt)
  watching.abort()
  const document: Rollout = rollout
  return {
    document,
    durationMs,
    mostDown: await watched,
    ...(await countAll(running, bus, 'rollout')),
  }
}

/** How many agents did not answer at one moment, at most. */
async function watchAgents(running: Cluster, signal: AbortSignal): Promise<number> {
  const clients = running.nodes.map(({ agentUrl }) => createCorrosionClient({ url: agentUrl }))
  let mostDown = 0
  while (!signal.aborted) {
    const answers = await Promise.allSettled(
      clients.map((client) => client.query('SELECT 1', { timeoutMs: 2000 })),
    )
    mostDown = Math.max(mostDown, answers.filter(({ status }) => status === 'rejected').length)
    await wait(50)
  }
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
  return mostDown
}

/** Plans that leave pieces: nodes 4 and 5 name only each other; nobody names anybody; a foreigner. */
async function measureRefusals(running: Cluster) {
  say('planning what would split the cluster')
  const node1 = running.node(1)
  const [node4, node5] = [running.node(4), running.node(5)]
  const between = [node4, node5].map(({ gossipEndpoint }) => gossipEndpoint)
  const edits = [
    { bootstrap: between, nodes: [node4.nodeId, node5.nodeId] },
    { bootstrap: [], nodes: 'all' },
    { bootstrap: ['192.0.2.1:8787'], nodes: 'all' },
  ]
  const refusals: { components: string[][]; problems: string[]; isRefused: boolean }[] = []
  for (const edit of edits) {
    const { plan } = parsePlan(await post(node1, '/api/config/plan', edit))
    const begun = await send(node1, '/api/config/apply', { plan_id: plan.id, confirm: plan.id })
    refusals.push({
      components: plan.graph.components,
      problems: plan.problems,
      isRefused: plan.problems.length > 0 && begun.status === 422,
    })
  }
  return refusals
}

async function measurePartition(running: Cluster) {
  say('cutting the gossip of one node')
  const node1 = running.node(1)
  const node5 = running.node(5)
  const linkTo = async (at: ClusterNode, nodeId: string) =>
    (await membersAt(at)).members.find(({ node_id }) => node_id === nodeId)?.link.state
  const { pid } = node5.agent
  if (pid === undefined) throw new Error('the agent does not run')
  const isAll = async (state: string): Promise<boolean> =>
    (await linkTo(node1, 'node5')) === state && (await linkTo(node5, 'node1')) === state
  await until('all links to be well', () => isAll('ok'))
  const since = performance.now()
  let hereMs: number | undefined
  let thereMs: number | undefined
  {
    using _cut = cutDatagramsOf(pid)
    await until('the cut to be shown', async () => {
      const passedMs = Math.round(performance.now() - since)
      if ((await linkTo(node1, 'node5')) === 'partitioned?') hereMs ??= passedMs
      if ((await linkTo(node5, 'node1')) === 'partitioned?') thereMs ??= passedMs
      return hereMs !== undefined && thereMs !== undefined
    })
  }
  const healing = performance.now()
  await until('the links to heal', () => isAll('ok'))
  const healedMs = Math.round(performance.now() - healing)
  return { hereMs: hereMs ?? Infinity, thereMs: thereMs ?? Infinity, healedMs }
}

async function measureLoss(running: Cluster) {
  const node1 = running.node(1)
  const node3 = running.node(3)
  const member = async () =>
    (await membersAt(node1)).members.find(({ node_id }) => node_id === 'node3')
  say('killing an agent')
  const agentKilledAt = performance.now()
  await node3.agent.kill()
  await until('the dead agent to be shown', async () => (await member())?.agent.state !== 'ready')
  const agentMs = Math.round(performance.now() - agentKilledAt)
  node3.agent.start()
  await until('the agent to be back', async () => (await member())?.agent.state === 'ready')
  say('killing a whole node, then waiting for SWIM')
  const nodeKilledAt = performance.now()
  await Promise.all([node3.service('gateway').kill(), node3.agent.kill()])
  await until('presence to be lost', async () => (await member())?.nats.presence === 'lost')
  const presenceMs = Math.round(performance.now() - nodeKilledAt)
  await until('SWIM to notice', async () => (await member())?.swim.state === 'down', 120_000)
  const swimMs = Math.round(performance.now() - nodeKilledAt)
  return { agentMs, presenceMs, swimMs }
}

async function countAll(running: Cluster, bus: Bus, tag: string) {
  await using client = createCorrosionClient({ url: running.node(1).agentUrl })
  const nodeIds = running.nodes.map(({ nodeId }) => nodeId)
  let miscounts: string[] = []
  let rows: unknown[] = []
  const deadline = performance.now() + 60_000
  do {
    const answer = await client.query([
      'SELECT pk, node_id FROM node_messages WHERE message LIKE ?',
      [`${tag} %`],
    ])
    rows = answer.rows
    const messages = answer.rows.map(([pk, nodeId]) => ({
      messageId: String(pk),
      originNodeId: String(nodeId),
    }))
    miscounts = findMiscounts(await countRecords(bus), messages, nodeIds)
  } while (miscounts.length > 0 && performance.now() < deadline)
  return { rows: rows.length, miscounts: miscounts.slice(0, 20) }
}

function payloadsOf<S extends TSchema>(
  events: readonly { subject: string; text: string }[],
  event: RecordDefinition<string, S>,
  nodeId: string,
): Static<S>[] {
  const subject = event.filter({ nodeId })
  return events
    .filter((stored) => stored.subject === subject)
    .map(({ text }) => event.parse(JSON.parse(text)))
}

async function membersAt(node: ClusterNode) {
  return parseMembers(await get(node, '/api/cluster/members'))
}

async function get(node: ClusterNode, path: string): Promise<unknown> {
  return await answerOf(await fetch(`${node.apiUrl}${path}`))
}

async function post(node: ClusterNode, path: string, body: unknown): Promise<unknown> {
  return await answerOf(await send(node, path, body))
}

function send(node: ClusterNode, path: string, body: unknown): Promise<Response> {
  return fetch(`${node.apiUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function answerOf(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`)
  return await response.json()
}

async function until(
  what: string,
  look: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await wait(20)
  }
}
