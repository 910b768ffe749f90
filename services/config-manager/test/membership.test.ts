import { canaryTouched, memberChanged } from '@corroport/contracts'
import {
  type CorrosionAgent,
  type NatsServer,
  startNatsServer,
  startRealAgent,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type MembershipNode, startMembershipNode, toldOf } from './membership-node.ts'

let stack: AsyncDisposableStack
let nats: NatsServer
let agents: CorrosionAgent[]
let nodes: MembershipNode[]

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  nats = stack.use(await startNatsServer())
  const first = stack.use(await startRealAgent())
  const rest = await Promise.all(
    [2, 3].map(() => startRealAgent({ bootstrap: [first.gossipAddr] })),
  )
  agents = [first, ...rest.map((agent) => stack.use(agent))]
  nodes = await Promise.all(
    agents.map(async (agent, index) =>
      stack.use(
        await startMembershipNode({ nodeId: `node${index + 1}`, natsUrl: nats.url, agent }),
      ),
    ),
  )
}, 60_000)
afterAll(async () => {
  await stack.disposeAsync()
})

const at = <T>(list: readonly T[], number: number): T => {
  const item = list[number - 1]
  if (item === undefined) throw new Error(`there is no number ${number}`)
  return item
}

test('every node sees every other one alive, its canaries, and how far its versions reach', async () => {
  await until(() =>
    nodes.every((node) =>
      nodes.every(
        (other) =>
          other === node ||
          (node.linkTo(other.nodeId) === 'ok' &&
            node.swimOf(other.agent.gossipAddr)?.state === 'alive'),
      ),
    ),
  )

  const view = at(nodes, 1).view()
  expect(view?.swim).toMatchObject({ source: 'admin-socket', error: null })
  expect(view?.swim.members).toHaveLength(2)
  expect(view?.canaryIntervalMs).toBe(2000)
  await until(() => Object.keys(at(nodes, 1).view()?.sync?.heads ?? {}).length === 3)
  await until(() => at(nodes, 1).view()?.sync?.neededVersions === 0)
  expect(await until(() => at(nodes, 1).view()?.replication)).toMatchObject({ gaps: 0 })
})

test('a canary that is asked for is written at once, and seen by the others under its number', async () => {
  const { sequence } = await at(nodes, 2).bus.request(canaryTouched, { nodeId: 'node1' }, {})

  await until(() =>
    at(nodes, 2)
      .view()
      ?.canaries.some((canary) => canary.nodeId === 'node1' && canary.sequence >= sequence),
  )
  expect(sequence).toBeGreaterThan(1)
})

test('a killed agent is told lost within 4 s, and nobody blames the link', async () => {
  const killedAt = performance.now()
  await at(agents, 3).kill('SIGKILL')

  const watchers = nodes.slice(0, 2)
  await until(() =>
    watchers.every(
      ({ directory }) => directory.get('node3')?.announcement.agent.state === 'unreachable',
    ),
  )
  const lostMs = performance.now() - killedAt
  console.log(`agent lost after ${Math.round(lostMs)} ms`)
  expect(lostMs).toBeLessThan(4000)

  const changes = await until(async () => {
    const told = (await toldOf(at(nodes, 1).bus, memberChanged)).filter(
      ({ plane, to, memberNodeId }) =>
        plane === 'agent' && to === 'unreachable' && memberNodeId === 'node3',
    )
    return told.length >= 2 && told
  })
  expect(changes.map(({ nodeId, from }) => `${nodeId} ${from}`).toSorted()).toEqual([
    'node1 ready',
    'node2 ready',
  ])
  await until(() => watchers.every(({ linkTo }) => linkTo('node3') === 'unknown'))
  const own = await until(() => {
    const swim = at(nodes, 3).view()?.swim
    return swim?.error ? swim : undefined
  })
  expect(own.error).toMatch(/admin socket/)
  expect(own.members).toHaveLength(2)
})

test('a node that stops is lost within 4 s, and the others stay', async () => {
  const stoppedAt = performance.now()
  await at(nodes, 3).disposeAsync()

  await until(() => at(nodes, 1).directory.presence('node3') === 'lost')
  expect(performance.now() - stoppedAt).toBeLessThan(4000)
  await until(async () =>
    (await toldOf(at(nodes, 1).bus, memberChanged)).some(
      ({ nodeId, plane, from, to }) =>
        nodeId === 'node1' && plane === 'nats' && from === 'present' && to === 'lost',
    ),
  )
  expect(at(nodes, 1).directory.presence('node2')).toBe('present')
})
