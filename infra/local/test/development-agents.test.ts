import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Cluster, startCluster } from '../src/cluster.ts'
import { openLab } from '../src/lab.ts'
import { delaysFrom } from '../src/lab-start.ts'
import { statusOf } from '../src/status.ts'

// Agents only, and nobody asks NATS.
const environment = { ...process.env, NATS_URL: 'nats://127.0.0.1:9' }
const regions = ['iad', 'syd']

let home: string
let cluster: Cluster
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'corroport-local-'))
  cluster = await start({ regions, clockOffsetsMs: { node2: -500 } })
  await cluster.ready()
}, 30_000)
afterAll(async () => {
  await cluster.kill()
  rmSync(home, { recursive: true, force: true })
})

test('the kind that runs is in the register and in the status', async () => {
  expect(cluster.agents?.kind).toBe('development')
  expect(await statusOf(cluster.layout, 'agents')).toMatchObject({ agentKind: 'development' })
})

test('the lab shows the delays of the regions and the wrong clock', async () => {
  const [first, second, third] = await openLab(home).show()
  const [delay] = delaysFrom(1, { nodes: 3, regions })

  expect(first).toMatchObject({
    clockOffsetMs: 0,
    links: [
      { to: 'node2', delayMs: delay?.delayMs, isCut: false },
      { to: 'node3', delayMs: 2 },
    ],
  })
  expect([second?.clockOffsetMs, third?.clockOffsetMs]).toEqual([-500, 0])
})

test('a link is bent on the agent that sends, and a reset puts back what the start said', async () => {
  const lab = openLab(home)

  await lab.bend([[1, 2]], { isCut: true, loss: 0.5 })
  const [first, second] = await lab.show()
  expect(first?.links[0]).toMatchObject({ isCut: true, loss: 0.5 })
  expect(second?.links[0]).toMatchObject({ isCut: false, loss: 0 })

  await lab.place(['fra'])
  expect((await lab.show())[1]?.links.map(({ delayMs }) => delayMs)).toEqual([2, 2])

  await lab.reset()
  expect((await lab.show())[0]?.links[0]).toMatchObject({ isCut: false, loss: 0 })
})

test('an agent that is away is told apart, and nothing is changed without it', async () => {
  const lab = openLab(home)
  await cluster.node(3).agent.kill('SIGKILL')

  const nodes = await lab.show()
  expect(nodes.map(({ problem }) => problem === null)).toEqual([true, true, false])
  await expect(
    lab.bend(
      [
        [1, 2],
        [3, 1],
      ],
      { isCut: true },
    ),
  ).rejects.toThrow('agent3: admin socket')
  expect((await lab.show())[0]?.links[0]?.isCut).toBe(false)

  cluster.node(3).agent.start()
  await cluster.ready()
})

test('its database is not given to the other kind of agent', async () => {
  const path = readFileSync(cluster.node(1).configPath, 'utf8').match(/^path = "(.*\.db)"/m)?.[1]
  await cluster.stop()

  // A program that says it is a real agent: it must not be started, so it need not be one.
  const real = { ...environment, CORROSION_BIN: '/bin/echo' }
  await expect(start({ agents: 'real' }, real)).rejects.toThrow(
    `${path} was made by a development agent`,
  )
  expect(() => openLab(home)).toThrow('no agents run here')
}, 30_000)

function start(
  options: Partial<Parameters<typeof startCluster>[0]>,
  env: NodeJS.ProcessEnv = environment,
): Promise<Cluster> {
  return startCluster({
    agents: 'development',
    home,
    portOffset: 'free',
    layers: ['agents'],
    ...options,
    environment: env,
  })
}
