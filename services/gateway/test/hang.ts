import { startCorrosionAgent, startNatsServer } from '@corroport/testing'
import { configOf, startNode } from './harness.ts'
const nats = await startNatsServer({ nodeIds: ['node1'] })
const agent = await startCorrosionAgent()
for (let i = 0; i < 6; i++) {
  const node1 = await startNode(configOf({ NATS_URL: nats.url, AGENT_URL: agent.url }))
  const a = await node1.api.get('/api/messages?limit=0')
  const s = performance.now()
  const t = setTimeout(() => { console.log('HANG', process.getActiveResourcesInfo()) }, 3000)
  await node1.disposeAsync()
  clearTimeout(t)
  console.log(a.status, performance.now() - s)
}
await agent[Symbol.asyncDispose](); await nats[Symbol.asyncDispose]()
process.exit(0)
