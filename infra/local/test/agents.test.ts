import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { durablesFor, streams } from '@corroport/contracts'
import { findProcess } from '@corroport/node-process/process-ref.ts'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'smol-toml'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { type Cluster, startCluster } from '../src/cluster.ts'
import { freePortOffset } from '../src/port-check.ts'
import { wantedPorts } from '../src/ports.ts'
import { LayerStatus } from '../src/status.ts'

const run = promisify(execFile)

const main = join(import.meta.dirname, '../src/main.ts')

describe('agents started from the command line', () => {
  const home = mkdtempSync(join(tmpdir(), 'corroport-local-'))
  const local = async (...args: string[]) =>
    run(process.execPath, [main, ...args], { env: { ...process.env, CORROPORT_HOME: home } })
  const status = async (): Promise<LayerStatus> => {
    const { stdout } = await local('agents', 'status', '--json')
    const [agents] = Value.Parse(Type.Array(LayerStatus), JSON.parse(stdout))
    if (!agents) throw new Error('no status was printed')
    return agents
  }

  afterAll(async () => {
    await local('stop')
    rmSync(home, { recursive: true, force: true })
  })

  test('start, tell their state, come back when killed, and stop', async () => {
    const offset = await freePortOffset((portOffset) =>
      wantedPorts({
        nodes: 3,
        portOffset,
        hasNats: true,
        hasPostgres: false,
        hasAnalytics: false,
        hasEdge: false,
        hasBuilds: false,
        hasAgents: true,
        hasServices: false,
        isProcessPerService: false,
      }),
    )

    const start = await local(
      'agents',
      'start',
      '3',
      '--without-analytics',
      '--port-offset',
      String(offset),
    )

    expect(start.stdout).toContain(`http://127.0.0.1:${8081 + offset}`)
    const { supervisor, parts } = await status()
    expect(parts.map(({ name, state }) => [name, state])).toEqual([
      ['nats', 'ready'],
      ['agent1', 'ready'],
      ['agent2', 'ready'],
      ['agent3', 'ready'],
    ])

    await expect(local('agents', 'start', '3')).rejects.toMatchObject({
      stderr: expect.stringContaining(`run already under pid ${supervisor}`),
    })
    expect((await local('logs', 'agent2', '-n', '1')).stdout).toMatch(/^agent2 /)
    await expect(local('logs', 'agent2', 'node7')).rejects.toMatchObject({
      stderr: expect.stringContaining('no log of node7; there are: agent1, agent2, agent3, nats'),
    })

    const stop = await local('agents', 'stop')

    expect(stop.stdout).toBe('agents stopped\n')
    expect(
      [supervisor, ...parts.map(({ pid }) => pid)].map((pid) => findProcess(pid ?? 0)),
    ).toEqual([undefined, undefined, undefined, undefined, undefined])
    await expect(local('agents', 'status')).rejects.toMatchObject({ code: 4 })
  }, 60_000)
})

describe('a cluster held by a test', () => {
  let home: string
  let cluster: Cluster
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'corroport-local-'))
    cluster = await startCluster({
      home,
      nodes: 2,
      portOffset: 'free',
      layers: ['agents'],
      environment: process.env,
    })
    await cluster.ready()
  }, 30_000)
  afterAll(async () => {
    await cluster.kill()
    rmSync(home, { recursive: true, force: true })
  })

  test('an agent answers again after a SIGKILL, with its admin socket', async () => {
    const { agent, configPath, gossipEndpoint, adminSocket } = cluster.node(2)

    await agent.kill('SIGKILL')
    expect(cluster.waitingFor()).toEqual([{ name: 'agent2', reason: 'SIGKILL' }])
    agent.start()
    await cluster.ready()

    expect(parse(readFileSync(configPath, 'utf8'))).toMatchObject({
      gossip: { addr: gossipEndpoint },
      admin: { path: adminSocket },
    })
  }, 30_000)

  test('streams are made again after the store of NATS was wiped', async () => {
    const { nats } = cluster
    if (!nats) throw new Error('the cluster has no nats-server of its own')
    const monitoring = `http://127.0.0.1:${8222 + cluster.shape.portOffset}/jsz`

    await nats.kill()
    nats.wipe()
    nats.start()
    await cluster.ready()

    const answer = await fetch(monitoring)
    // And the buckets of claims, rollouts and tokens.
    expect(await answer.json()).toMatchObject({
      streams: streams.length + 3,
      consumers: durablesFor(['node1', 'node2']).length,
    })
  }, 30_000)
})
