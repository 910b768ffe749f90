import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@corroport/local'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { corroport } from './corroport.ts'

let home: string
let cluster: Cluster
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'corroport-lab-'))
  cluster = await startCluster({
    agents: 'development',
    nodes: 2,
    home,
    portOffset: 'free',
    layers: ['agents'],
    // Nobody asks it.
    environment: { ...process.env, NATS_URL: 'nats://127.0.0.1:9' },
  })
  await cluster.ready()
}, 30_000)
afterAll(async () => {
  await cluster.kill()
  rmSync(home, { recursive: true, force: true })
})

const lab = (...args: string[]) =>
  corroport(['lab', ...args], { environment: { CORROPORT_HOME: home } })

test('without a command it shows what holds, as a matrix', async () => {
  const { code, stdout } = await lab()

  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^FROM {3}CLOCK {2}TO node1 .* TO node2.*\nnode1 {2}0 ms {3}- .* 0 ms \(rtt .*\nnode2 {2}0 ms .* -\n$/,
  )
})

test('a link is changed both ways, or one way', async () => {
  await lab('link', 'node1', 'node2', '--delay', '120', '--jitter', '10', '--bandwidth', '500')
  const { stdout } = await lab('link', '2', '1', '--loss', '0.05', '--one-way', '--json')

  const bent = { delay_ms: 120, jitter_ms: 10, bandwidth_kbps: 500, cut: false }
  expect(JSON.parse(stdout)).toMatchObject({
    nodes: [
      { node_id: 'node1', links: [{ to: 'node2', ...bent, loss: 0 }] },
      { node_id: 'node2', links: [{ to: 'node1', ...bent, loss: 0.05 }] },
    ],
  })
})

test('a cut is healed, and what else was bent stays until a reset', async () => {
  expect((await lab('cut', 'node1')).stdout.match(/\bcut\b/g)).toHaveLength(2)
  expect((await lab('heal')).stdout).toContain('120 ms + 10')
  expect((await lab('reset')).stdout).not.toContain('120 ms')
})

test.each([['-500'], ['--', '-500']])('a clock is put back by %j', async (...offset) => {
  const { stdout, stderr } = await lab('clock', 'node2', ...offset)

  expect(stdout).toMatch(/^node2 {2}-500 ms /m)
  expect(stderr).toBe(
    'services of node2 take it when started: npm start -- --clock-offset node2=-500\n',
  )
})

test('regions give the delays of their distances', async () => {
  expect((await lab('regions', 'iad,syd')).stdout).toMatch(/^node1 .* 10[5-8]\.\d+ ms /m)
})

test.each([
  [['cut', 'node3'], 2, 'there is no node3 among 2 nodes'],
  [['cut', 'node1', 'node1'], 2, 'a link is between two different nodes'],
  [['link', 'node1', 'node2'], 2, 'nothing to change: give --delay'],
  [['link', 'node1', 'node2', '--loss', '5'], 2, 'Give a number from 0 to 1.'],
  [['regions', 'iad,xyz'], 1, 'no region: "xyz"; known are ams,'],
])('%j is refused', async (args, code, message) => {
  expect(await lab(...args)).toMatchObject({ code, stderr: expect.stringContaining(message) })
})

test('where no agents run, it says so', async () => {
  const environment = { CORROPORT_HOME: join(home, 'empty') }

  expect(await corroport(['lab'], { environment })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no agents run here'),
  })
})
