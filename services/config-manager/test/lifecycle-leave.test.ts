import { existsSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { readStream } from '@corroport/bus'
import {
  ackSenderStatusQueried,
  leaveRequested,
  memberRemoved,
  membersRemoved,
  removeRequested,
  wipeRequested,
} from '@corroport/contracts'
import { startNatsServer, stopProcess, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  by,
  join,
  leave,
  refused,
  rowActorOn,
  sees,
  startPair,
  statesOn,
  stepsOf,
} from './lifecycle-commands.ts'

test('what was accepted before a node left is on the others, and it comes back to what they have', async () => {
  await using nats = await startNatsServer()
  await using cluster = await startPair(nats)
  const { node1, node2 } = cluster
  const accepted: string[] = []
  const load = (async () => {
    // As a gateway does: it takes what comes as long as its node is active.
    for (let number = 0; node2.state === 'active'; number += 1) {
      const pk = `node2_${number}`
      await node2.client.transact([
        ['INSERT INTO node_messages (pk, node_id) VALUES (?, ?)', [pk, 'node2']],
      ])
      accepted.push(pk)
      await wait(5)
    }
  })()
  await until(() => accepted.length > 20)

  const agentRan: boolean[] = []
  const owed = [3, 1, 0]
  await using _ackSender = node1.services.bus.respond(
    ackSenderStatusQueried,
    { nodeId: 'node2' },
    () => {
      agentRan.push(node2.services.control.pid !== undefined)
      return { unheard: 0, owed: owed.shift() ?? 0, unpublished: 0 }
    },
  )
  const left = await leave(node2)
  await load

  expect(left).toMatchObject({ state: 'succeeded' })
  expect(agentRan).toEqual([false, false, false])
  expect(stepsOf(left)).toEqual([
    'draining done',
    'seen-by-others done',
    'handed-over done',
    'stop done',
    'outboxes done',
    'left done',
  ])
  const { rows } = await node1.client.query('SELECT pk FROM node_messages')
  expect(rows.map(([pk]) => String(pk)).toSorted()).toEqual(accepted.toSorted())
  expect(await statesOn(node1)).toBe('node1 active, node2 left')

  await node2.restartServices()
  expect(node2.state).toBe('left')
  await node1.client.transact([
    "UPDATE node_messages SET message = 'newer'",
    "DELETE FROM node_messages WHERE pk = 'node2_0'",
  ])
  const back = await join(node2, [node1.gossip])

  expect(back).toMatchObject({ state: 'succeeded' })
  const content = 'SELECT pk, message FROM node_messages ORDER BY pk'
  expect((await node2.client.query(content)).rows).toEqual((await node1.client.query(content)).rows)
  await sees(node1, 'node2', 'active')
  expect((await leave(node1)).state).toBe('succeeded')
  await until(async () => (await statesOn(node2)) === 'node1 left, node2 active')
  await sees(node2, 'node1', 'left')

  const refusal = await refused(
    node2.services.bus.request(leaveRequested, { nodeId: 'node2' }, { by, timeoutMs: 5000 }),
  )
  expect(refusal).toMatchObject({ code: 'conflict', problems: ['node1 is left'] })
})

test('a leave that nobody sees is given up, and one that was interrupted is settled', async () => {
  await using nats = await startNatsServer()
  await using cluster = await startPair(nats)
  const { node1, node2 } = cluster
  const { pid } = node1.services.control
  if (pid === undefined) throw new Error('the agent does not run')

  await stopProcess(pid)
  const given = await leave(node2, 2000)
  process.kill(pid, 'SIGCONT')

  expect(given).toMatchObject({ state: 'failed' })
  expect(given.reason).toMatch(/^gave up waiting for another node/)
  expect(node2.state).toBe('active')
  expect(node2.services.control.isHeld).toBe(false)
  await until(async () => (await statesOn(node1)) === 'node1 active, node2 active')

  node2.services.lifecycle.own.move('draining', 'killed before its agent was stopped')
  await node2.restartServices()
  expect(node2.state).toBe('active')

  node2.services.lifecycle.own.move('draining', 'killed after it')
  await node2.services.control.stop('test')
  await node2.restartServices()
  expect(node2.state).toBe('left')
})

test('only a node that has left is removed, and only one that is known', async () => {
  await using nats = await startNatsServer()
  await using cluster = await startPair(nats)
  const { node1, node2 } = cluster
  const remove = (memberNodeId: string, force = false) =>
    node1.services.bus.request(removeRequested, { nodeId: 'node1' }, { by, memberNodeId, force })
  const removedOn1 = () =>
    node1.services.state.db
      .prepare('SELECT node_id FROM removed_member')
      .all()
      .map((row) => row.node_id)

  expect(await refused(remove('node1'))).toMatchObject({ code: 'conflict' })
  expect(await refused(remove('node9'))).toMatchObject({ code: 'not-found' })
  expect(await refused(remove('node2', true))).toMatchObject({
    code: 'conflict',
    message: 'node2 is present and active: let it leave first',
  })

  await leave(node2)
  await sees(node1, 'node2', 'left')
  const actorId = await rowActorOn(node1, 'node2')
  const removed = await node1.ended((await remove('node2')).operation)

  expect(removed).toMatchObject({ state: 'succeeded' })
  expect(await statesOn(node1)).toBe('node1 active')
  expect(removedOn1()).toEqual(['node2'])
  await node1.restartServices()
  const repeated = Promise.withResolvers<unknown>()
  await using _hearing = node2.services.bus.hear(membersRemoved, ({ nodeId, removed: said }) => {
    if (nodeId === 'node1') repeated.resolve(said)
  })
  expect(await repeated.promise).toEqual([{ nodeId: 'node2', actorIds: [actorId] }])
  const told = await until(async () => {
    const records = await readStream(node1.services.bus, 'LIFECYCLE')
    return records.find(({ subject }) => subject === memberRemoved.subject({ nodeId: 'node1' }))
  })
  expect(memberRemoved.parse(JSON.parse(told.text))).toMatchObject({ memberNodeId: 'node2', by })

  await join(node2, [node1.gossip])
  await until(() => removedOn1().length === 0)
})

test('a database is wiped by its typed name only, after its node has left, and nothing else with it', async () => {
  await using nats = await startNatsServer()
  await using cluster = await startPair(nats)
  const { node1, node2 } = cluster
  const wipe = (confirm: string) =>
    node2.services.bus.request(wipeRequested, { nodeId: 'node2' }, { by, confirm })
  const beside = path.join(path.dirname(node2.databasePath), 'beside.txt')
  writeFileSync(beside, 'stays')
  const subscriptions = path.join(path.dirname(node2.databasePath), 'subscriptions')
  mkdirSync(path.join(subscriptions, 'mine'), { recursive: true })

  expect(await refused(wipe('node2'))).toMatchObject({ code: 'conflict' })
  await leave(node2)
  expect(await refused(wipe('node1'))).toMatchObject({ code: 'invalid' })
  const elsewhere = path.join(subscriptions, '78f22d362a184370a194a1de40f61514')
  symlinkSync(node2.folder, elsewhere)
  expect(await refused(wipe('node2'))).toMatchObject({
    code: 'conflict',
    message: `${elsewhere} is a link, not a folder: nothing was deleted`,
  })
  expect(existsSync(node2.databasePath)).toBe(true)
  unlinkSync(elsewhere)
  const ended = await node2.ended((await wipe('node2')).operation)

  expect(ended.steps[0]?.detail).toMatch(/^\d{5,} bytes freed$/)
  expect(existsSync(node2.databasePath)).toBe(false)
  expect(existsSync(`${node2.databasePath}-wal`)).toBe(false)
  expect(existsSync(beside)).toBe(true)
  expect(existsSync(path.join(subscriptions, 'mine'))).toBe(true)

  const formerActor = await rowActorOn(node1, 'node2')
  expect(await join(node2, [node1.gossip])).toMatchObject({ state: 'succeeded' })
  expect(await node2.client.actorId()).not.toBe(formerActor)
  await until(async () => (await rowActorOn(node1, 'node2')) === (await node2.client.actorId()))
})
