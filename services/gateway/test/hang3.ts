import { startCorrosionAgent, startNatsServer } from '@corroport/testing'
import { configOf, silent } from './harness.ts'
import { connectBus } from '@corroport/bus'
import { createHealth, createMetrics } from '@corroport/service'
import { startGateway } from '../src/service.ts'
const nats = await startNatsServer({ nodeIds: ['node1'] })
const agent = await startCorrosionAgent()
for (let i = 0; i < 5; i++) {
  const config = configOf({ NATS_URL: nats.url, AGENT_URL: agent.url })
  const bus = connectBus({ ...config.nats, name: 'x', log: silent })
  const gw = await startGateway(config, { bus, log: silent, health: createHealth('g', 'node1'), metrics: createMetrics() })
  const h = (w: string) => setTimeout(() => console.log('HANG in', w, 'connected', bus.isConnected), 2000)
  let t = h('gateway'); await gw[Symbol.asyncDispose](); clearTimeout(t); console.log('gateway closed')
  t = h('bus'); await bus[Symbol.asyncDispose](); clearTimeout(t); console.log('bus closed')
}
process.exit(0)
