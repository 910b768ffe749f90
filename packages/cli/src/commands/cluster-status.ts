import { ClusterStatus, createParser, type PlaneState } from '@corroport/contracts'
import { type Command, Option } from 'commander'
import { printDisagreements } from '../disagreements.ts'
import { formatAge, formatDuration } from '../duration.ts'
import { Failure } from '../failure.ts'
import type { Gateway } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, timeoutOption, withGateway } from '../gateway-options.ts'
import { lookAgain } from '../look-again.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

interface StatusOptions extends GatewayOptions {
  wait?: 'ready'
  timeout: number
}

// What monitors of clusters expect; only this command and its answer have them.
const codes = { ok: 0, degraded: 1, unavailable: 2 } as const
const unreachedCode = 3

const parse = createParser('cluster status', ClusterStatus)

export function registerClusterStatus(cluster: Command, terminal: Terminal): void {
  withGateway(cluster.command('status'))
    .description(
      'Shows each plane of the cluster as one node sees it, with the age of what is said.',
    )
    .addOption(new Option('--wait <state>', 'until all is well').choices(['ready']))
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `
Exits with 0 when all is well, 1 when degraded, 2 when unavailable, 3 when the node is not reached.

Examples:
  $ corroport cluster status
  $ corroport cluster status --node 2 --wait ready --timeout 60s`,
    )
    .action(
      terminal.action(async (options: StatusOptions) => {
        const gateway = openGateway(options, terminal)
        const status = await askStatus(gateway, options).catch((error: unknown) => {
          if (!(error instanceof Failure)) throw error
          throw new Failure(error.message, { exit: unreachedCode, cause: error })
        })
        if (options.json) terminal.printJson(status)
        else showStatus(status, terminal)
        return codes[status.overall]
      }),
    )
}

function askStatus(gateway: Gateway, { wait, timeout }: StatusOptions): Promise<ClusterStatus> {
  return wait === undefined
    ? gateway.get('/api/cluster/status', parse)
    : awaitReady(gateway, timeout)
}

/** The first status that is well, or the last one in the time. */
export async function awaitReady(gateway: Gateway, timeoutMs: number): Promise<ClusterStatus> {
  const endsAt = performance.now() + timeoutMs
  const look = () => gateway.get('/api/cluster/status', parse)
  for await (const status of lookAgain(look, { everyMs: 500, silentMs: timeoutMs })) {
    if (status.overall === 'ok' || performance.now() >= endsAt) return status
  }
  throw new Error('unreachable: looking again ends with an error')
}

function showStatus(status: ClusterStatus, terminal: Terminal): void {
  printDisagreements(status.disagreements, terminal)
  const { node, planes, overall } = status
  terminal.print(
    { text: overall, style: overall === 'ok' ? 'green' : 'red' },
    ` as ${node.id} sees it (${node.state ?? 'state unknown'}, ${node.region}, ${node.version})`,
  )
  const rows = [
    planeRow('corrosion', planes.corrosion, corrosionDetail(planes.corrosion)),
    planeRow('nats', planes.nats, natsDetail(planes.nats)),
    planeRow('postgres', planes.postgres, postgresDetail(planes.postgres)),
  ]
  showTable(['PLANE', 'STATE', 'AGE', 'DETAIL'], rows, terminal)
  showTable(
    ['TABLE', 'SUBSCRIPTION', 'SINCE'],
    planes.corrosion.subscriptions.map(({ table, state, since }) => [
      table,
      well(state, state === 'live'),
      since ?? '-',
    ]),
    terminal,
  )
  showTable(
    ['STREAM', 'REPLICAS', 'CURRENT', 'LEADER', 'LAG', 'MESSAGES'],
    planes.nats.jetstream.streams.map((stream) => [
      stream.exists ? stream.name : ({ text: `${stream.name} is missing`, style: 'red' } as const),
      `${stream.replicas.have} of ${stream.replicas.want}`,
      well(String(stream.replicas.current), stream.replicas.current >= stream.replicas.want),
      stream.leader ?? '-',
      shown(stream.max_lag),
      shown(stream.messages),
    ]),
    terminal,
  )
  showTable(
    ['DATASET', 'COPIES', 'WANTED', 'AT RISK'],
    status.replication.map(({ dataset, effective, wanted, at_risk }) => [
      dataset,
      shown(effective),
      String(wanted),
      well(at_risk ? 'yes' : 'no', !at_risk),
    ]),
    terminal,
  )
  showTable(
    ['NODE', 'CORROSION', 'NATS', 'STATE', 'HEARD'],
    status.members.map((member) => [
      well(member.node_id, member.is_agreed),
      member.corrosion ?? '-',
      member.nats,
      member.app ?? '-',
      member.heard_age_ms === null ? 'never' : formatAge(member.heard_age_ms),
    ]),
    terminal,
  )
}

/** A table with an empty line above it; nothing where there are no rows. */
function showTable(
  head: readonly string[],
  rows: readonly (readonly Part[])[],
  terminal: Terminal,
): void {
  if (rows.length === 0) return
  terminal.print('')
  printTable(head, rows, terminal)
}

const planeStyles = {
  ok: 'green',
  degraded: 'yellow',
  unavailable: 'red',
  unknown: 'yellow',
  none: 'dim',
} as const

interface Plane {
  state: PlaneState
  age_ms: number | null
  error: string | null
}

function planeRow(name: string, { state, age_ms, error }: Plane, details: string[]): Part[] {
  const age = age_ms === null ? '-' : formatAge(age_ms)
  const detail = [...(error === null ? [] : [error]), ...details].join(', ')
  return [name, { text: state, style: planeStyles[state] }, age, detail]
}

function corrosionDetail({
  agent,
  members,
  replication,
}: ClusterStatus['planes']['corrosion']): string[] {
  const age = members.age_ms === null ? '' : `, ${formatAge(members.age_ms)}`
  return [
    `agent ${agent}`,
    `${shown(members.alive)} of ${members.expected} alive (${members.source ?? 'no source'}${age})`,
    ...counted(members.suspect, 'suspect'),
    ...counted(members.down, 'down'),
    `gaps ${shown(replication.gaps)}`,
    `needs ${shown(replication.needed_versions)}`,
    `queue ${shown(replication.queue)}`,
    `p99 lag ${replication.p99_lag_s === null ? '-' : formatDuration(replication.p99_lag_s * 1000)}`,
  ]
}

function natsDetail(nats: ClusterStatus['planes']['nats']): string[] {
  const { connected_to, round_trip_ms, routes, jetstream, outbox } = nats
  const isWritable = jetstream.is_writable
  return [
    connected_to === null ? 'not connected' : `connected to ${connected_to}`,
    ...(round_trip_ms === null ? [] : [`round trip ${formatDuration(round_trip_ms)}`]),
    ...(routes?.expected
      ? [
          `${routes.up} of ${routes.expected} routes, meta leader ${jetstream.meta_leader ?? 'none'}`,
        ]
      : []),
    `JetStream ${isWritable === null ? 'not known' : isWritable ? 'writable' : 'not writable'}`,
    `${outbox.unconfirmed} events wait`,
  ]
}

function postgresDetail(postgres: ClusterStatus['planes']['postgres']): string[] {
  if (postgres.state === 'none') return ['not configured']
  const { role, version, latency_ms, replicas, migrations } = postgres
  return [
    `role ${role}`,
    ...(version === null ? [] : [`version ${version}`]),
    ...(latency_ms === null ? [] : [`answers in ${formatDuration(latency_ms)}`]),
    ...replicas.map(({ name, state, sync }) => `${name} ${state} (${sync})`),
    ...(migrations?.current ? [`schema ${migrations.current}`] : []),
  ]
}

function counted(count: number | null, what: string): string[] {
  return count === null || count === 0 ? [] : [`${count} ${what}`]
}

function shown(value: number | null): string {
  return value === null ? '-' : String(value)
}

function well(text: string, isWell: boolean): Part {
  return { text, style: isWell ? 'green' : 'red' }
}
