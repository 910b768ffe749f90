// A node's life over HTTP, in a local cluster: probes in each state, and a database that is wiped.
import {
  type ClusterMember,
  Health,
  MembersReply,
  type Operation,
  OperationReply,
} from '@corroport/contracts'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { Value } from 'typebox/value'

jest.setTimeout(60_000)

const home = createTemporaryFolder()
let cluster: Cluster
beforeAll(async () => {
  // A development agent stops at once; what is shown is the same with a real one.
  cluster = await startCluster({
    home: home.path,
    nodes: 2,
    agents: 'development',
    portOffset: 'free',
    environment: process.env,
  })
})
afterAll(async () => {
  await cluster.kill()
  home[Symbol.dispose]()
})

/** The codes of node2's probes, on the listener for operators and on the API. */
async function probe() {
  const { operatorsUrl, apiUrl } = cluster.node(2)
  const codeOf = async (url: string): Promise<number> => (await fetch(url)).status
  const [live, startup, ready, summary, ...api] = await Promise.all([
    codeOf(`${operatorsUrl}/health/live`),
    codeOf(`${operatorsUrl}/health/startup`),
    codeOf(`${operatorsUrl}/health/ready`),
    codeOf(`${operatorsUrl}/health`),
    codeOf(`${apiUrl}/health/live`),
    codeOf(`${apiUrl}/health/startup`),
    codeOf(`${apiUrl}/health/ready`),
  ])
  expect(api).toEqual([live, startup, ready])
  return { live, startup, ready, summary }
}

/** Waits until node2 says, by its readiness, that it is in this state. */
async function reaches(detail: string): Promise<void> {
  await until(async () => {
    try {
      const response = await fetch(`${cluster.node(2).operatorsUrl}/health/ready`)
      const { checks } = Value.Parse(Health, await response.json())
      return checks.some((check) => check.name === 'node state' && check.detail?.startsWith(detail))
    } catch {
      return false // it does not listen yet
    }
  })
}

async function begin(path: string, body: unknown): Promise<Operation> {
  const response = await fetch(`${cluster.node(2).apiUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(202)
  return Value.Parse(OperationReply, await response.json()).operation
}

async function ended({ id }: Operation): Promise<Operation> {
  return await until(async () => {
    const response = await fetch(`${cluster.node(2).apiUrl}/api/cluster/operations/${id}`)
    const { operation } = Value.Parse(OperationReply, await response.json())
    return operation.state !== 'running' && operation
  })
}

/** Node2 as node1 sees it, once all that node1 sees is so. */
async function seenBy1(
  isSo: (member: ClusterMember, reply: MembersReply) => boolean,
): Promise<ClusterMember> {
  return await until(async () => {
    const response = await fetch(`${cluster.node(1).apiUrl}/api/cluster/members`)
    const reply = Value.Parse(MembersReply, await response.json())
    const member = reply.members.find(({ node_id }) => node_id === 'node2')
    return member && isSo(member, reply) && member
  })
}

test('the probes tell a node that is joining, active, draining and left', async () => {
  const services1 = cluster.node(1).service('gateway')
  // Alone it cannot become active, since another node is declared.
  await services1.kill()
  await reaches('joining: waits for another node')
  expect(await probe()).toEqual({ live: 200, startup: 503, ready: 503, summary: 503 })

  services1.start()
  await reaches('active')
  await cluster.ready()
  expect(await probe()).toEqual({ live: 200, startup: 200, ready: 200, summary: 200 })

  // Nobody confirms that it is draining, so it stays so; for three seconds node1 still counts.
  await seenBy1(({ state, nats }) => state === 'active' && nats.presence === 'present')
  process.kill(services1.pid ?? 0, 'SIGSTOP')
  const leave = await begin('/api/cluster/leave', { confirm: 'node2' })
  await reaches('draining')
  expect(await probe()).toEqual({ live: 200, startup: 200, ready: 503, summary: 503 })

  process.kill(services1.pid ?? 0, 'SIGCONT')
  expect(await ended(leave)).toMatchObject({ state: 'succeeded' })
  await reaches('left')
  expect(await probe()).toEqual({ live: 200, startup: 200, ready: 503, summary: 503 })
})

test('another node has the actor id of a wiped database as a former one, and nothing disagrees', async () => {
  const { actor_id: former } = await seenBy1(({ state }) => state === 'left')
  expect(former).toMatch(/^[0-9a-f]{32}$/)

  expect(await ended(await begin('/api/cluster/wipe', { confirm: 'node2' }))).toMatchObject({
    state: 'succeeded',
  })
  const join = await begin('/api/cluster/join', { seeds: [cluster.node(1).gossipEndpoint] })
  expect(await ended(join)).toMatchObject({ state: 'succeeded' })

  const member = await seenBy1(
    ({ state, actor_id, swim }, { disagreements }) =>
      state === 'active' &&
      actor_id !== former &&
      swim.state === 'alive' &&
      disagreements.length === 0,
  )
  expect(member.former_actor_ids).toEqual([former])
})
