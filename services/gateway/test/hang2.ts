import { createCorrosionClient } from '@corroport/corrosion-client'
import { startCorrosionAgent } from '@corroport/testing'
const agent = await startCorrosionAgent()
for (const delay of [0, 1, 2, 3, 5, 10]) {
  const client = createCorrosionClient({ url: agent.url })
  const c = new AbortController()
  const q = client.query('SELECT count(*) FROM node_messages', { signal: c.signal }).then((r) => 'ok ' + JSON.stringify(r.rows), (e) => 'err ' + e)
  await new Promise((r) => setTimeout(r, delay))
  c.abort()
  console.log(delay, await Promise.race([q, new Promise((r) => setTimeout(() => r('HANG'), 2000))]))
}
await agent[Symbol.asyncDispose]()
process.exit(0)
