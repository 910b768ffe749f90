// Who belongs to the cluster is changed from its pages, and each change is followed to its end.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createParser, MembersReply, type OperationKind, SendReply } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type { Locator, Page } from 'playwright-core'
import { type Console, settled, startConsole, takePicture } from './console.ts'

// A real agent takes some 6 s to stop, and each of these stops several times.
jest.setTimeout(240_000)
const endsWithinMs = 60_000

const parseMembers = createParser('members', MembersReply)
const parseSent = createParser('what was sent', SendReply)

let shown: Console

beforeAll(async () => {
  shown = await startConsole()
}, 120_000)

afterAll(async () => {
  await shown[Symbol.asyncDispose]()
})

async function openCluster(node: number): Promise<Page> {
  const page = await shown.open('/cluster', { node })
  await settled(page)
  return page
}

const comeAndGo = (page: Page): Locator => page.getByRole('region', { name: 'Come and go' })
const field = (page: Page): Locator => comeAndGo(page).getByLabel('Join by these seeds')

/** Waits until the page has node3, whose gateway serves it, in this state. */
async function untilSelf(page: Page, state: string): Promise<void> {
  const name = `node3, whose gateway serves this page: ${state}`
  await comeAndGo(page).getByRole('group', { name }).waitFor()
}

/** Presses a button that asks first, types the name that is asked for, and confirms. */
async function confirm(page: Page, button: string, action: string): Promise<Locator> {
  await comeAndGo(page).getByRole('button', { name: button }).click()
  const asked = page.getByRole('dialog')
  await asked.getByLabel('Type node3 to confirm').fill('node3')
  await asked.getByRole('button', { name: action }).click()
  return asked
}

/** Waits until the page says that it succeeded. */
async function succeeds(page: Page, kind: OperationKind): Promise<void> {
  const outcome = page.getByText(new RegExp(`^${kind} . succeeded`))
  await outcome.waitFor({ timeout: endsWithinMs })
}

async function joinBy(page: Page, seeds: readonly string[]): Promise<void> {
  await field(page).fill(seeds.join(', '))
  await comeAndGo(page).getByRole('button', { name: 'Join', exact: true }).click()
}

/** As the agent of a node has it. */
async function query(node: number, sql: string): Promise<readonly unknown[]> {
  await using agent = createCorrosionClient({ url: shown.cluster.node(node).agentUrl })
  return (await agent.query(sql)).rows.flat()
}

/** By the rows of all nodes, as the agent of node1 has them. */
async function untilStates(wanted: string): Promise<void> {
  const states = 'SELECT node_id, state FROM node_configs ORDER BY node_id'
  await until(async () => (await query(1, states)).join(' ') === wanted)
}

async function actorOf3(): Promise<unknown> {
  const [actorId] = await query(
    1,
    "SELECT corrosion_actor_id FROM node_configs WHERE node_id = 'node3'",
  )
  return actorId
}

/** A message of node1: its key, and who is expected to acknowledge it. */
async function send(content: string) {
  const reply = await shown.ask('/api/messages/send', { body: { content } })
  return parseSent(JSON.parse(reply)).message
}

test('a node leaves by its typed name, and comes back to what the others have', async () => {
  const { agent } = shown.cluster.node(3)
  await using page = await openCluster(3)
  await untilSelf(page, 'active')
  const before = await actorOf3()

  await comeAndGo(page).getByRole('button', { name: 'Leave …' }).click()
  const asked = page.getByRole('dialog', { name: 'node3 leaves the cluster' })
  await asked.getByLabel('Type node3 to confirm').fill('node2')
  await asked.getByRole('button', { name: 'Let node3 leave' }).click()
  await asked.getByRole('alert').getByText('type node3 to go on').waitFor()
  await asked.getByLabel('Type node3 to confirm').fill('node3')
  await asked.getByRole('button', { name: 'Let node3 leave' }).click()

  await succeeds(page, 'leave')
  await untilSelf(page, 'left')
  await takePicture(page, 'members-left')
  expect(agent.pid).toBeUndefined()
  await untilStates('node1 active node2 active node3 left')
  const { pk } = await send('sent while node3 is away')

  await joinBy(page, ['nowhere'])
  await comeAndGo(page).locator('.field.wrong .error', { hasText: 'nowhere' }).waitFor()
  expect(await field(page).inputValue()).toBe('nowhere')
  await joinBy(
    page,
    [1, 2].map((node) => shown.cluster.node(node).gossipEndpoint),
  )

  await succeeds(page, 'join')
  await untilSelf(page, 'active')
  await untilStates('node1 active node2 active node3 active')
  expect(await actorOf3()).toBe(before)
  expect(await query(3, `SELECT pk FROM node_messages WHERE pk = '${pk}'`)).toEqual([pk])
})

test('a node that has left is removed by another one, wiped, and joins as a new one', async () => {
  const { configPath, nodeId } = shown.cluster.node(3)
  const database = join(shown.cluster.layout.agentFolder(3), 'corrosion.db')
  await using page = await openCluster(3)
  await using other = await openCluster(1)
  const before = await actorOf3()
  await untilSelf(page, 'active')
  const wipe = comeAndGo(page).getByRole('button', { name: 'Wipe the database …' })
  expect(await wipe.isDisabled()).toBe(true)
  await comeAndGo(other).getByLabel('Node', { exact: true }).selectOption(nodeId)
  const asked = await confirm(other, 'Remove …', 'Remove node3')
  await asked.getByRole('alert').getByText('node3 is present and active').waitFor()
  await asked.getByRole('button', { name: 'Cancel' }).click()

  await confirm(page, 'Leave …', 'Let node3 leave')
  await succeeds(page, 'leave')
  await comeAndGo(other)
    .getByRole('option', { name: 'node3 (left)' })
    .waitFor({ state: 'attached' })
  await confirm(other, 'Remove …', 'Remove node3')
  await succeeds(other, 'remove')
  await takePicture(other, 'members-removed')
  for (const node of [1, 2]) {
    for (const table of ['node_configs', 'node_canaries']) {
      const sql = `SELECT node_id FROM ${table} ORDER BY node_id`
      await until(async () => (await query(node, sql)).join() === 'node1,node2')
    }
  }
  expect((await send('of two nodes')).expected).toEqual(['node2'])

  await confirm(page, 'Wipe the database …', 'Wipe node3')
  await succeeds(page, 'wipe')
  expect(existsSync(database)).toBe(false)
  const [seed = ''] = shown.cluster.nodes.map(({ gossipEndpoint }) => gossipEndpoint)
  await joinBy(page, [seed])
  await succeeds(page, 'join')
  await takePicture(page, 'members-joined')
  expect(readFileSync(configPath, 'utf8')).toContain(`bootstrap = ["${seed}"]`)
  await untilStates('node1 active node2 active node3 active')
  expect(await actorOf3()).not.toBe(before)

  await until(async () => {
    const reply = parseMembers(JSON.parse(await shown.ask('/api/cluster/members')))
    const isActive = reply.members.every(({ state }) => state === 'active')
    return isActive && reply.disagreements.length === 0
  })
  const { pk, expected } = await send('of three nodes again')
  expect(expected).toEqual(['node2', 'node3'])
  await other.goto(`/?message=${pk}`)
  await other.getByRole('region', { name: 'Chosen message' }).getByText('2 of 2').waitFor()
  await page.goto('/operations?tab=nodes&node=node3')
  for (const kind of ['leave', 'wipe', 'join']) {
    await page
      .getByRole('row', { name: new RegExp(` ${kind} succeeded`) })
      .first()
      .waitFor()
  }
})
