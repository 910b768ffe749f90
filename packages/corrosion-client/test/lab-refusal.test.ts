import { startRealAgent } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { AdminError, openAdmin } from '../src/admin.ts'

test('a real agent has no lab', async () => {
  await using agent = await startRealAgent()
  const { lab } = openAdmin(agent.adminPath)

  await expect(lab.show()).rejects.toThrow(AdminError)
  await expect(lab.setClock(5)).rejects.toThrow('this is a real Corrosion agent')
})
