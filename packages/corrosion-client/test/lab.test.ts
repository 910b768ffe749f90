import { type CorrosionAgent, startCorrosionAgent } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { developmentAgent } from '../../../infra/setup/find-agent.mjs'
import { type Admin, AdminError, openAdmin } from '../src/admin.ts'

let agent: CorrosionAgent
let admin: Admin
beforeAll(async () => {
  agent = await startCorrosionAgent({ binary: developmentAgent.path })
  admin = openAdmin(agent.adminPath)
})
afterAll(async () => {
  await agent[Symbol.asyncDispose]()
})

const peer = '127.0.0.1:8788'
const unbent = { delayMs: 0, jitterMs: 0, loss: 0, bandwidthKbps: null, isCut: false }

test('what is set on one link is shown, the rest is that of every link, and a reset ends both', async () => {
  await admin.lab.setLink(peer, { delayMs: 83.5, isCut: true })
  await admin.lab.setLink(peer, { isCut: false, bandwidthKbps: 500 })
  await admin.lab.setLink(null, { loss: 0.05, jitterMs: 2 })
  await admin.lab.setClock(-500)

  expect(await admin.lab.show()).toEqual({
    clockOffsetMs: -500,
    everyLink: { ...unbent, loss: 0.05, jitterMs: 2 },
    links: new Map([[peer, { delayMs: 83.5, bandwidthKbps: 500, isCut: false }]]),
  })

  await admin.lab.setLink(peer, { bandwidthKbps: null })
  expect((await admin.lab.show()).links.get(peer)).toMatchObject({ bandwidthKbps: null })

  await admin.lab.reset()
  expect(await admin.lab.show()).toEqual({
    clockOffsetMs: 0,
    everyLink: unbent,
    links: new Map(),
  })
})

test('a setting that cannot be is refused, and named', async () => {
  await expect(admin.lab.setLink(peer, { loss: 5 })).rejects.toThrow('loss')
  await expect(admin.lab.setLink('node2', { loss: 0.5 })).rejects.toBeInstanceOf(AdminError)
})
