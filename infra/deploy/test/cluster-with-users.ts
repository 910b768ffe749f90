import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '@corroport/analytics/store/database.ts'
import { migrate } from '@corroport/analytics/store/migrate.ts'
import { endProcess, readPidFile } from '@corroport/node-process/process-ref.ts'
import { createTemporaryFolder, freePort, startPostgres, until } from '@corroport/testing'
import { Client } from 'pg'
import pino from 'pino'
import { findAgent } from '../../setup/find-agent.mjs'
import { agentConfig } from '../src/agent-config.ts'
import { applyPostgresRoles } from '../src/postgres-roles.ts'
import { postgresRoles, readSecret } from '../src/secrets.ts'
import { nodeVoices } from '../src/voices.ts'
import { type NatsWithUsers, startNatsWithUsers } from './nats-with-users.ts'

const root = join(import.meta.dirname, '../../..')

export interface ClusterWithUsers extends AsyncDisposable {
  readonly nats: NatsWithUsers
  apiUrl(nodeId: string): string
  gossipOf(nodeId: string): string
  /** What `corroport` answers to these arguments. */
  corroport(nodeId: string, ...args: string[]): Promise<{ code: number | null; out: string }>
}

/** A cluster as it is deployed: each service a process of its own, with the user that is its own. */
export async function startClusterWithUsers(nodeIds: readonly string[]): Promise<ClusterWithUsers> {
  await using opening = new AsyncDisposableStack()
  const folder = opening.use(createTemporaryFolder())
  const nats = opening.use(await startNatsWithUsers(nodeIds))
  const postgres = opening.use(await startPostgres())
  const urls = await preparePostgres(postgres.url)
  const ports = await placesOf(nodeIds)
  const portsOf = (nodeId: string): NodePlaces => {
    const found = ports.get(nodeId)
    if (!found) throw new Error(`${nodeId} is no node of this cluster`)
    return found
  }
  const logOf = (name: string): string => readFileSync(join(folder.path, `${name}.log`), 'utf8')
  const start = (name: string, path: string, env: Record<string, string>): Promise<void> => {
    const child = startProcess(join(folder.path, `${name}.log`), path, env)
    opening.defer(() => end(child))
    return untilReady(name, Number(env.METRICS_PORT), child, () => logOf(name))
  }
  const common = (user: string) => ({
    NATS_URL: nats.url,
    NATS_USER: user,
    NATS_PASSWORD: nats.passwordOf(user),
    LOG_LEVEL: 'info',
    PATH: process.env.PATH ?? '',
    TMPDIR: folder.path,
  })

  const starting = nodeIds.flatMap((nodeId) => {
    const places = portsOf(nodeId)
    const state = join(folder.path, nodeId)
    mkdirSync(state)
    // A child of its config-manager, which it outlives.
    opening.defer(() => endAgent(join(state, 'agent.pid')))
    const config = join(state, 'agent.toml')
    const others = nodeIds.filter((other) => other !== nodeId)
    writeFileSync(
      config,
      agentConfig({
        nodeId,
        bootstrap: others.map((other) => `127.0.0.1:${portsOf(other).gossip}`),
        api: `127.0.0.1:${places.agent}`,
        prometheus: '127.0.0.1:0',
        token: readSecret(nats.dir, `agent/${nodeId}.token`),
      })
        .replace('/var/lib/corrosion/corrosion.db', join(state, 'corrosion.db'))
        .replace('/etc/corrosion/schemas', join(root, 'corrosion/schemas'))
        .replace('/run/corrosion/admin.sock', join(state, 'admin.sock'))
        .replace('0.0.0.0:8787', `127.0.0.1:${places.gossip}`)
        .replace('0.0.0.0:0', '127.0.0.1:0'),
    )
    return nodeVoices.map(({ service }) =>
      start(`${service}-${nodeId}`, `services/${service}/src/main.ts`, {
        ...common(`${service}-${nodeId}`),
        NODE_ID: nodeId,
        CLUSTER_NODES: nodeIds.join(','),
        STATE_DIR: state,
        AGENT_URL: `http://127.0.0.1:${places.agent}`,
        AGENT_TOKEN: readSecret(nats.dir, `agent/${nodeId}.token`),
        AGENT_CONFIG: config,
        AGENT_CONTROL: 'child',
        AGENT_COMMAND: JSON.stringify([findAgent(process.env).path, 'agent', '-c', config]),
        AGENT_LOG: join(state, 'agent.log'),
        ADMIN_SOCKET: join(state, 'admin.sock'),
        API_PORT: String(places.api),
        API_ENDPOINT: `127.0.0.1:${places.api}`,
        PEER_PORT: String(places.peer),
        PEER_ENDPOINT: `127.0.0.1:${places.peer}`,
        METRICS_PORT: String(places.metrics[service]),
        ...(service === 'gateway' && {
          DATABASE_URL: urls.status,
          NATS_MONITOR_URL: nats.monitorUrl,
        }),
        ...(service === 'edge-proxy' && {
          EDGEPROXY_LISTEN_ADDR: '127.0.0.1:0',
          EDGEPROXY_API_LISTEN_ADDR: '127.0.0.1:0',
          EDGEPROXY_SHUTDOWN_TIMEOUT_SECS: '0',
        }),
      }),
    )
  })
  mkdirSync(join(folder.path, 'analytics'))
  starting.push(
    start('analytics', 'services/analytics/src/main.ts', {
      ...common('analytics'),
      DATABASE_URL: urls.analytics,
      STATE_DIR: join(folder.path, 'analytics'),
      METRICS_PORT: String(await freePort()),
    }),
  )
  await Promise.all(starting)

  const opened = opening.move()
  const apiUrl = (nodeId: string): string => `http://127.0.0.1:${portsOf(nodeId).api}`
  return {
    nats,
    apiUrl,
    gossipOf: (nodeId) => `127.0.0.1:${portsOf(nodeId).gossip}`,
    async corroport(nodeId, ...args) {
      const child = spawn(
        process.execPath,
        [join(root, 'packages/cli/src/main.ts'), ...args, '--url', apiUrl(nodeId)],
        { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] },
      )
      let out = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          out += text
        })
      }
      await once(child, 'close')
      return { code: child.exitCode, out }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

interface NodePlaces {
  agent: number
  gossip: number
  api: number
  peer: number
  metrics: Record<string, number>
}

async function placesOf(nodeIds: readonly string[]): Promise<Map<string, NodePlaces>> {
  const places = new Map<string, NodePlaces>()
  for (const nodeId of nodeIds) {
    const metrics: Record<string, number> = {}
    for (const { service } of nodeVoices) metrics[service] = await freePort()
    places.set(nodeId, {
      agent: await freePort(),
      gossip: await freePort(),
      api: await freePort(),
      peer: await freePort(),
      metrics,
    })
  }
  return places
}

/** As the image of Postgres leaves it: a superuser of our name, and its database. */
async function preparePostgres(url: string): Promise<{ analytics: string; status: string }> {
  const { owner } = postgresRoles
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`CREATE ROLE ${owner} SUPERUSER LOGIN`)
  await client.query(`CREATE DATABASE corroport OWNER ${owner}`)
  await client.end()
  const urlOf = (role: string): string =>
    url.replace('postgres@', `${role}:secret@`).replace(/\/postgres$/, '/corroport')
  const urls = {
    owner: urlOf(owner),
    previousOwner: undefined,
    analytics: urlOf(postgresRoles.analytics),
    builds: urlOf(postgresRoles.builds),
    status: urlOf(postgresRoles.status),
  }
  await applyPostgresRoles(urls)
  await using database = openDatabase({
    url: urls.analytics,
    log: pino({ level: 'silent' }),
    name: 'migrate',
  })
  await migrate(database.db)
  return urls
}

function startProcess(log: string, path: string, env: Record<string, string>): ChildProcess {
  appendFileSync(log, '')
  const output = openSync(log, 'a')
  const child = spawn(process.execPath, [join(root, path)], {
    env,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  return child
}

async function untilReady(
  name: string,
  port: number,
  child: ChildProcess,
  log: () => string,
): Promise<void> {
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended:\n${log()}`)
    const url = `http://127.0.0.1:${port}/health/ready`
    return (await fetch(url).catch(() => undefined))?.ok === true
  }, 90_000).catch((cause: unknown) => {
    throw new Error(`${name} did not become ready:\n${log().slice(-3000)}`, { cause })
  })
}

async function endAgent(pidFile: string): Promise<void> {
  const running = readPidFile(pidFile)
  if (running) await endProcess(running, 10_000)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
