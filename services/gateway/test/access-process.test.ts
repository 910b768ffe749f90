import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { freePort, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { ask, bearer, newAddress, newToken } from './access-harness.ts'
import { neighboursOfFile, newFolder } from './harness.ts'

const near = neighboursOfFile()

const main = join(import.meta.dirname, '../src/main.ts')

/** The gateway as a process, with everything that it logs. */
async function startProcess(variables: Record<string, string>) {
  const [api, peer, metrics] = [await freePort(), await freePort(), await freePort()]
  const stateDir = newFolder()
  const child: ChildProcess = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      NODE_ID: 'node1',
      NATS_URL: near.nats.url,
      AGENT_URL: near.agent.url,
      STATE_DIR: stateDir,
      API_PORT: String(api),
      PEER_PORT: String(peer),
      METRICS_PORT: String(metrics),
      LOG_LEVEL: 'trace',
      ...variables,
    },
  })
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, 'close')
  return {
    url: `http://127.0.0.1:${api}`,
    port: api,
    stateDir,
    said: () => said,
    async end(signal?: NodeJS.Signals): Promise<number | null> {
      if (signal) child.kill(signal)
      await ended
      return child.exitCode
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const isUp = (url: string) =>
  ask(`${url}/health/live`).then(
    ({ status }) => status === 200,
    () => false,
  )

test('beyond loopback it ends when there is no token, and says how to make one', async () => {
  await using gateway = await startProcess({ API_HOST: '0.0.0.0' })

  expect(await gateway.end()).toBe(1)

  expect(gateway.said()).toContain('corroport token create --role admin')
}, 20_000)

test('beyond loopback it asks for a token at each of its addresses, and keeps it to itself', async () => {
  const { token } = await newToken(near.nats, 'admin')
  await using gateway = await startProcess({ NODE_ID: 'node2', API_HOST: '0.0.0.0' })
  const { url, port } = gateway
  await until(() => isUp(url), 15_000)
  await until(
    async () => (await ask(`${url}/api/nodes`, { headers: bearer(token) })).status === 200,
  )

  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const others = addresses.filter(({ family, internal }) => family === 'IPv4' && !internal)
  for (const { address } of others) {
    const at = `http://${address}:${port}/api/nodes`
    expect((await ask(at)).status).toBe(401)
    expect((await ask(at, { headers: bearer(token) })).status).toBe(200)
  }
  const host = `evil.example:${port}`
  expect((await ask(`${url}/api/nodes`, { headers: { ...bearer(token), host } })).status).toBe(421)

  const wrong = `${token.slice(0, -4)}AAAA`
  await ask(`${url}/api/nodes?token=${token}`, { headers: bearer(wrong), from: newAddress() })
  await ask(`${url}/api/session`, { method: 'POST', body: `{"token":"${token}` })
  await ask(`${url}/api/session`, { method: 'POST', body: { token, other: token } })
  const { cookie } = await ask(`${url}/api/session`, { method: 'POST', body: { token } })
  const value = /=([\w-]{43})/.exec(cookie)?.[1] ?? 'no cookie'
  await ask(`${url}/api/tokens`, { headers: { cookie } })
  expect(await gateway.end('SIGTERM')).toBe(0)

  const stored = readdirSync(gateway.stateDir).map((name) =>
    readFileSync(join(gateway.stateDir, name)).toString('latin1'),
  )
  const everything = [gateway.said(), ...stored].join('\n')
  expect(gateway.said()).toContain('gateway listens')
  for (const secret of [token.slice(-43), wrong.slice(-43), value]) {
    expect(everything).not.toContain(secret)
  }
}, 40_000)
