import { expect, test } from '@jest/globals'
import { startRealAgent } from '../src/corrosion-agent.ts'

test('an agent that has to be real is one', async () => {
  await using agent = await startRealAgent()

  const { headers } = await fetch(agent.url)

  expect([agent.kind, headers.get('server')]).toEqual(['real', null])
})
