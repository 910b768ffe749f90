import type { SettingValue } from '@corroport/contracts'
import { parseAddress } from './hosts.ts'

interface Kind {
  /** Follows "must be". */
  expected: string
  fits(value: Exclude<SettingValue, null>): boolean
}

interface Known {
  kind: Kind
  isRequired?: boolean
  /** What is worth knowing when it is changed. */
  note?: string
}

const text: Kind = { expected: 'a text', fits: isText }
const flag: Kind = { expected: 'true or false', fits: (value) => typeof value === 'boolean' }
const address: Kind = {
  expected: 'ip:port or [v6]:port, not a name',
  fits: (value) => isText(value) && isSocketAddress(value),
}

function integer(from: number, to: number): Kind {
  return {
    expected: `a whole number from ${from} to ${to}`,
    fits: (value) => Number.isInteger(value) && Number(value) >= from && Number(value) <= to,
  }
}

function oneOf(...choices: string[]): Kind {
  return {
    expected: choices.map((choice) => JSON.stringify(choice)).join(' or '),
    fits: (value) => isText(value) && choices.includes(value),
  }
}

const u16 = integer(0, 65_535)
const u32 = integer(0, 4_294_967_295)
const length = integer(1, 4_294_967_295)
const ratio: Kind = {
  expected: 'a number from 0 to 1',
  fits: (value) => typeof value === 'number' && value >= 0 && value <= 1,
}
const retention: Kind = {
  expected: 'a duration such as "7d"',
  fits: (value) => isText(value) && /^(\d+ ?(s|m|h|d|w|y) ?)+$/.test(value),
}
export const everywhere = 'has to be the same on all nodes'
const tlsFile = { kind: text, note: 'is read when the agent starts, on the machine of each node' }

/** By the name that `canonicalName` gives; a star stands for any key. */
export const known: ReadonlyMap<string, Known> = new Map(
  Object.entries<Known>({
    'db.subscriptions_path': {
      kind: text,
      note: 'moves away from the subscriptions that there are',
    },
    'db.cache_size_kib': { kind: integer(-1_073_741_824, 1_073_741_824) },
    'api.endpoint_name': { kind: text },
    'gossip.addr': { kind: address, isRequired: true },
    'gossip.external_addr': { kind: address },
    'gossip.client_addr': { kind: address },
    'gossip.plaintext': { kind: flag, note: everywhere },
    'gossip.tls.cert_file': tlsFile,
    'gossip.tls.key_file': tlsFile,
    'gossip.tls.ca_file': tlsFile,
    'gossip.tls.insecure': { kind: flag, note: 'accepts any certificate when it is true' },
    'gossip.tls.client.cert_file': tlsFile,
    'gossip.tls.client.key_file': tlsFile,
    'gossip.max_mtu': { kind: integer(1200, 65_535), note: 'turns the discovery of the MTU off' },
    'gossip.idle_timeout_secs': { kind: u32 },
    'gossip.disable_gso': { kind: flag },
    'gossip.member_id': { kind: u16 },
    'gossip.compression.enabled': { kind: flag },
    'gossip.compression.level': { kind: integer(1, 22) },
    'gossip.compression.dict_dir': { kind: text },
    'gossip.compression.dict_file': { kind: text, note: 'needs gossip.compression.dict_dir' },
    'gossip.broadcast': { kind: oneOf('gossip', 'plumtree'), note: everywhere },
    'gossip.broadcast.plumtree.prune_threshold': { kind: u32, note: everywhere },
    'gossip.broadcast.plumtree.optimization_threshold': { kind: u32, note: everywhere },
    'gossip.broadcast.plumtree.batch_gossip': { kind: flag, note: everywhere },
    'gossip.broadcast.plumtree.prune_throttle_secs': { kind: u32, note: everywhere },
    'gossip.broadcast.plumtree.eager_ratios.near-pct': { kind: integer(0, 100), note: everywhere },
    'gossip.broadcast.plumtree.eager_ratios.mid-pct': { kind: integer(0, 100), note: everywhere },
    'gossip.broadcast.plumtree.eager_ratios.far-pct': { kind: integer(0, 100), note: everywhere },
    'telemetry.prometheus.addr': { kind: address },
    'telemetry.open-telemetry': { kind: oneOf('from-env') },
    'telemetry.open-telemetry.exporter.endpoint': { kind: text },
    'log.format': { kind: oneOf('plaintext', 'json') },
    'log.colors': { kind: flag },
    'consul.client.address': { kind: text },
    'consul.client.tls.ca_file': tlsFile,
    'consul.client.tls.cert_file': tlsFile,
    'consul.client.tls.key_file': tlsFile,
    'reaper.check_interval': { kind: length },
    'reaper.check_orphaned_pks': { kind: flag },
    'reaper.row_limit': { kind: length },
    'reaper.tables.*.retention': { kind: retention },
    'reaper.tables.*.match_filter': { kind: text },
    'perf.apply_queue_batch_threshold_ratio': { kind: ratio },
    ...Object.fromEntries(
      `apply_channel_len changes_channel_len empties_channel_len to_send_channel_len
    notifications_channel_len schedule_channel_len clearbuf_channel_len bcast_channel_len
    foca_channel_len wal_threshold_mb sql_tx_timeout min_sync_backoff max_sync_backoff
    processing_queue_len apply_queue_len apply_queue_timeout apply_queue_min_batch_size
    apply_queue_step_base apply_queue_max_batch_size`
        .split(/\s+/)
        .map((name) => [`perf.${name}`, { kind: length }]),
    ),
    'perf.partial_retry_backoff': { kind: u32 },
  }),
)

/** What is not changed from here, and why. */
export const refused: readonly (readonly [name: string, reason: string])[] = [
  ['db.path', 'another file is another database: a wipe is a command of its own'],
  ['db.schema_paths', 'the tables of a running cluster are not changed from here'],
  ['api.addr', "this node's services would lose their agent"],
  ['api.authz', "this node's services would be refused by their agent"],
  ['api.pg', 'it opens the database to others: change it in the file'],
  ['admin.path', "this node's services would lose their agent"],
  ['gossip.bootstrap', 'it is changed as bootstrap, which checks its hosts'],
]

/** Other names of a key; an agent refuses a file that has both. */
export const aliases: ReadonlyMap<string, string> = new Map([
  ['bind_addr', 'addr'],
  ['uds_path', 'path'],
  ['authorization', 'authz'],
  ['bearer', 'bearer-token'],
])

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

// Unlike a host's, its port may be 0: any free one.
function isSocketAddress(value: string): boolean {
  return parseAddress(value.replace(/:0+$/, ':1')) !== undefined
}
