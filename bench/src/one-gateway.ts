import type { ChildProcess } from 'node:child_process'
import { type Bus, connectBus } from '@corroport/bus'
import {
  createTemporaryFolder,
  freePort,
  startCorrosionAgent,
  startNatsServer,
  until,
} from '@corroport/testing'
import pino from 'pino'
import { endProcess, startProcess } from './child-process.ts'

/** A gateway as a process of its own, with a nats-server and an agent, and what else it needs. */
export interface OneGateway extends AsyncDisposable {
  readonly api: string
  readonly natsUrl: string
  readonly bus: Bus
  readonly process: ChildProcess
}

export async function startOneGateway(): Promise<OneGateway> {
  await using starting = new AsyncDisposableStack()
  const nats = starting.use(await startNatsServer({ nodeIds: ['node1'] }))
  const agent = starting.use(await startCorrosionAgent())
  const folder = starting.use(createTemporaryFolder())
  const log = pino({ level: 'warn' })
  const bus = starting.use(connectBus({ url: nats.url, name: 'bench', log }))
  await until(() => bus.isConnected)
  const [apiPort, peerPort, metricsPort] = [await freePort(), await freePort(), await freePort()]
  const api = `http://127.0.0.1:${apiPort}`
  const gateway = startProcess('services/gateway/src/main.ts', [], {
    NODE_ID: 'node1',
    NATS_URL: nats.url,
    AGENT_URL: agent.url,
    STATE_DIR: folder.path,
    API_PORT: String(apiPort),
    PEER_PORT: String(peerPort),
    METRICS_PORT: String(metricsPort),
    CLUSTER_NODES: 'node1,node2,node3',
    LOG_LEVEL: 'warn',
  })
  starting.defer(() => endProcess(gateway))
  await until(() =>
    fetch(`${api}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  const started = starting.move()
  return {
    api,
    natsUrl: nats.url,
    bus,
    process: gateway,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
