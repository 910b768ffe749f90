import { readStream } from '@corroport/bus'
import {
  clusterChanged,
  type MembersReply,
  nodeAnnounced,
  nowMicroseconds,
  schemaQueried,
  toTimestamp,
} from '@corroport/contracts'
import {
  startCorrosionAgent,
  startNatsServer,
  startPostgres,
  stopProcess,
  until,
} from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { Client } from 'pg'
import { announcementOf, newPeer } from './harness.ts'
import { answerAsSubscriber, serveStatus, states, untilOk } from './serve-status.ts'

/** Process of the connection through which the status looks at Postgres. */
async function sessionOf(databaseUrl: string): Promise<number> {
  const client = new Client(databaseUrl)
  await client.connect()
  const { rows } = await client.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'corroport status'",
  )
  await client.end()
  const [row] = rows
  if (!row) throw new Error('the status holds no connection')
  return row.pid
}

test('each part that is stopped is told within a second, and told again when it is back', async () => {
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  await using postgres = await startPostgres()
  const urls = { natsUrl: nats.url, agentUrl: agent.url, databaseUrl: postgres.url }
  await using served = await serveStatus({ ...urls, natsMonitorUrl: nats.monitorUrl })
  await using _subscriber = answerAsSubscriber(served)
  const { ask, bus } = served
  await until(() => bus.hint(nodeAnnounced, { nodeId: 'node1' }, announcementOf(newPeer('node1'))))
  const untilStates = async (wanted: Partial<ReturnType<typeof states>>) =>
    await until(async () => {
      const status = await ask()
      const expected = { corrosion: 'ok', nats: 'ok', postgres: 'ok', ...wanted }
      return JSON.stringify(states(status)) === JSON.stringify(expected) && status
    })

  const whole = await untilOk(served)
  expect(whole).toMatchObject({
    node: { id: 'node1', state: 'active', region: 'iad' },
    planes: {
      corrosion: {
        agent: 'reachable',
        actor_id: await served.agent.actorId(),
        cluster_id: 0,
        members: { expected: 1, alive: 1, suspect: 0, down: 0, source: 'table' },
        replication: { gaps: 0 },
        subscriptions: [{ table: 'node_messages', state: 'live', last_change_id: 12 }],
      },
      nats: {
        monitor: { server: expect.any(String), error: null },
        cluster: null,
        routes: { expected: 0, up: 0 },
        jetstream: { is_writable: true, meta_leader: null, meta_size: 1, meta_quorum: true },
        outbox: { unconfirmed: 0 },
      },
      postgres: { role: 'primary', replicas: [], pool: { size: 1, waiting: 0 } },
    },
    members: [{ node_id: 'node1', app: 'active', is_agreed: true }],
  })
  expect(whole.planes.nats.jetstream.streams.map(({ name }) => name)).toContain('RECORDS')
  expect(whole.planes.postgres).toMatchObject({
    version: expect.stringMatching(/^18\./),
    migrations: null,
  })
  const pending = ['2026-11-21-2-experiments']
  const analytics = bus.respond(schemaQueried, {}, () => ({ current: null, pending }))
  expect(await untilStates({ postgres: 'degraded' })).toMatchObject({
    overall: 'degraded',
    planes: { postgres: { migrations: { current: null, pending } } },
  })
  await analytics[Symbol.asyncDispose]()
  await untilOk(served)
  expect(whole.replication).toContainEqual({
    dataset: 'RECORDS',
    wanted: 1,
    effective: 1,
    at_risk: true,
  })

  await agent.kill('SIGKILL')
  const withoutAgent = await untilStates({ corrosion: 'unavailable' })
  expect(withoutAgent).toMatchObject({
    overall: 'degraded',
    planes: {
      corrosion: { agent: 'unreachable', actor_id: whole.planes.corrosion.actor_id },
    },
  })
  await agent.start()
  await untilOk(served)

  await nats.kill()
  const withoutNats = await untilStates({ nats: 'unavailable' })
  expect(withoutNats).toMatchObject({
    overall: 'degraded',
    planes: { nats: { connected_to: null, jetstream: { is_writable: null, streams: [] } } },
  })
  const unmonitored = await until(async () => {
    const { nats: plane } = (await ask()).planes
    return plane.monitor.error !== null && plane
  })
  expect(unmonitored).toMatchObject({
    monitor: { server: null, error: `nothing answers at ${new URL(nats.monitorUrl).host}` },
    routes: null,
    jetstream: { meta_quorum: null },
  })
  await nats.start()
  await untilOk(served)

  await postgres.stop()
  const withoutPostgres = await untilStates({ postgres: 'unavailable' })
  expect(withoutPostgres).toMatchObject({
    overall: 'degraded',
    planes: { postgres: { role: 'unknown', version: null } },
  })
  expect(served.health.ready().status).toBe('ok')
  expect((await served.health.summary()).status).toBe('degraded')
  await postgres.start()
  await untilOk(served)

  await Promise.all([agent.kill('SIGKILL'), nats.kill(), postgres.kill()])
  const withoutAll = await untilStates({
    corrosion: 'unavailable',
    nats: 'unavailable',
    postgres: 'unavailable',
  })
  expect(withoutAll.overall).toBe('unavailable')
  await Promise.all([agent.start(), nats.start(), postgres.start()])
  await untilOk(served)

  expect(served.slowestMs()).toBeLessThan(1000)
  const figures = await served.registry.metrics()
  for (const figure of [
    'corro_plane_ok{plane="postgres"} 1',
    'corro_cluster_expected_members 1',
    'corro_cluster_members{plane="corrosion",state="alive"} 1',
    'corro_replication_wanted{dataset="RECORDS"} 1',
    'corro_replication_effective{dataset="RECORDS"} 1',
    'corro_agent_missing_versions 0',
    'corro_table_age_seconds{table="node_messages"} 0',
    'corro_stream_lag_messages{stream="RECORDS"} 0',
    'corro_nats_expected_routes 0',
    'corro_nats_routes 0',
    'corro_postgres_pool_waiting 0',
  ]) {
    expect(figures).toContain(`${figure}\n`)
  }
  expect(figures).toMatch(/corro_cluster_membership_age_seconds [\d.]+\n/)
  expect(figures).toMatch(/nodejs_eventloop_lag_seconds [\d.]+\n/)
  expect(figures).toMatch(/corro_cluster_changes_total\{what="overall"\} \d+/)
  const told = await until(async () => {
    const records = await readStream(bus, 'LIFECYCLE')
    const found = records.map(({ text }) => clusterChanged.parse(JSON.parse(text)))
    return found.at(-1)?.to === 'ok' && found
  })
  const ofAgent = told.filter(({ what, subject }) => what === 'plane' && subject === 'corrosion')
  expect(ofAgent.map(({ nodeId, from, to }) => [nodeId, from, to])).toEqual(
    expect.arrayContaining([
      ['node1', 'ok', 'unavailable'],
      ['node1', 'unavailable', 'ok'],
    ]),
  )
}, 60_000)

test('parts that hang are told as well, within a second', async () => {
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  await using postgres = await startPostgres()
  const urls = { natsUrl: nats.url, agentUrl: agent.url, databaseUrl: postgres.url }
  await using served = await serveStatus(urls)
  await using _subscriber = answerAsSubscriber(served)
  await untilOk(served)

  // The postmaster alone would leave the connection's own process at work.
  const session = await sessionOf(postgres.url)
  try {
    await agent.kill('SIGSTOP')
    await stopProcess(nats.pid)
    await stopProcess(session)

    await until(async () => {
      const status = await served.ask()
      return status.overall !== 'ok' && !Object.values(states(status)).includes('ok')
    }, 15_000)
  } finally {
    // What stands still would never end.
    await agent.kill('SIGCONT')
    process.kill(nats.pid, 'SIGCONT')
    process.kill(session, 'SIGCONT')
  }
  await untilOk(served)
  expect(served.slowestMs()).toBeLessThan(1000)
}, 60_000)

type Member = MembersReply['members'][number]

function memberOf(nodeId: string, change: Partial<Member> = {}): Member {
  return {
    node_id: nodeId,
    actor_id: null,
    former_actor_ids: [],
    gossip_address: null,
    region: 'iad',
    is_local: nodeId === 'node1',
    state: 'active',
    declared: { is_declared: true, source: 'static' },
    nats: { presence: 'present', age_ms: 100 },
    agent: { state: 'ready', since: null, kind: null, version: null },
    swim: {
      state: 'alive',
      source: 'admin-socket',
      age_ms: 100,
      incarnation: 0,
      ring: 0,
      rtts_ms: [],
      last_sync_at: null,
      seen_by: { alive: 0, suspect: 0, down: 0, unlisted: 0 },
    },
    link: { state: 'ok', canary_age_ms: 100, partitioned_from: [] },
    is_agreed: true,
    ...change,
  }
}

function membersOf(others: Member[], change: Partial<MembersReply> = {}): MembersReply {
  const members = [memberOf('node1'), ...others]
  const source = { source: 'admin-socket', count: members.length, age_ms: 100, error: null }
  return {
    members,
    disagreements: [],
    sources: {
      declared: { ...source, source: 'static' },
      swim: source,
      nats: { connected: true, count: members.length },
    },
    node_id: 'node1',
    timestamp: toTimestamp(nowMicroseconds()),
    ...change,
  }
}

test('a plane whose parts are not all well is degraded, and says what it lacks', async () => {
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  let reply = membersOf([])
  await using served = await serveStatus({
    natsUrl: nats.url,
    agentUrl: agent.url,
    members: { current: () => reply },
  })
  const { ask } = served
  const untilError = async (error: string) =>
    await until(async () => {
      const status = await ask()
      return status.planes.corrosion.error === error && status
    })

  await untilError('the subscriber does not answer')
  const subscriber = answerAsSubscriber(served, 'resuming')
  await untilError('the subscription of node_messages is resuming')
  await subscriber[Symbol.asyncDispose]()
  await using _subscriber = answerAsSubscriber(served)
  await untilOk(served)

  const lost = memberOf('node2', { nats: { presence: 'lost', age_ms: 9000 }, is_agreed: false })
  const disagreement = {
    node_id: 'node2',
    actor_id: null,
    kind: 'swim-alive-nats-lost',
    detail: '',
  }
  reply = membersOf([lost, memberOf('node3', { swim: { ...lost.swim, state: 'suspect' } })], {
    disagreements: [disagreement],
  })
  const status = await untilError('2 of 3 members are alive')
  expect(status).toMatchObject({
    overall: 'degraded',
    planes: { corrosion: { state: 'degraded', members: { alive: 2, suspect: 1, down: 0 } } },
    disagreements: [disagreement],
  })
  expect(status.members).toContainEqual({
    node_id: 'node2',
    corrosion: 'alive',
    nats: 'lost',
    app: 'active',
    heard_age_ms: 9000,
    is_agreed: false,
  })
  expect(status.replication).toContainEqual({
    dataset: 'corrosion',
    wanted: 3,
    effective: 2,
    at_risk: false,
  })
})

test('a node that never reached anything says so, and asks for no Postgres it was not given', async () => {
  await using served = await serveStatus({
    natsUrl: 'nats://127.0.0.1:1',
    agentUrl: 'http://127.0.0.1:1',
  })

  const status = await until(async () => {
    const found = await served.ask()
    return found.overall === 'unavailable' && found
  })

  expect(states(status)).toEqual({
    corrosion: 'unavailable',
    nats: 'unavailable',
    postgres: 'none',
  })
  expect(status.planes.corrosion).toMatchObject({ actor_id: null, members: { expected: 1 } })
  expect(status.planes.nats).toMatchObject({
    monitor: { server: null, error: 'NATS_MONITOR_URL is not set' },
    routes: null,
    jetstream: { meta_size: null, meta_quorum: null },
  })
  expect(status.planes.postgres.pool).toBeNull()
})
