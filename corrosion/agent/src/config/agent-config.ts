import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Address } from '../gossip/address.ts'
import type { LabSettings } from '../gossip/lab.ts'
import * as kind from './kind.ts'
import { readLabSettings } from './lab-settings.ts'
import { ConfigError, readSettings, type Section } from './settings.ts'

export const defaultConfigPath = '/etc/corrosion/config.toml'
export const defaultAdminPath = '/var/run/corrosion/admin.sock'

export interface AgentConfig {
  /** The file that it was read from. */
  path: string
  db: { path: string; schemaPaths: string[]; subscriptionsPath: string }
  api: { addresses: Address[]; endpointName?: string; bearerToken?: string }
  gossip: {
    address: Address
    externalAddress?: Address
    /** As written: addresses or names, with or without port and resolver. */
    bootstrap: string[]
    memberId?: number
    secret?: string
  }
  admin: { path: string }
  prometheus?: Address
  lab: LabSettings
  log: { format: 'plaintext' | 'json' }
  /** Settings of Corrosion that have no effect here. */
  unused: string[]
  /** Settings that Corrosion v1.0.0 does not know either. */
  unknown: string[]
}

const sectionNames = 'db api gossip perf admin telemetry log consul reaper lab'.split(' ')
const perfNames = `
  apply_channel_len changes_channel_len empties_channel_len to_send_channel_len
  notifications_channel_len schedule_channel_len clearbuf_channel_len bcast_channel_len
  foca_channel_len wal_threshold_mb sql_tx_timeout min_sync_backoff max_sync_backoff
  processing_queue_len apply_queue_timeout apply_queue_min_batch_size apply_queue_step_base
  apply_queue_max_batch_size`
  .trim()
  .split(/\s+/)
const addr = ['addr', 'bind_addr']
const u16 = kind.integer(0, 65_535)
const u32 = kind.integer(0, 4_294_967_295)
const anything: kind.Kind<unknown> = { expected: 'anything', read: (value) => value }

/** Reads the file, and nothing else outside. Throws `ConfigError` with all that is wrong. */
export function readAgentConfig(path: string, env: NodeJS.ProcessEnv): AgentConfig {
  const settings = readSettings({ path, text: readText(path) }, env, sectionNames)
  const { root, problems, unused } = settings

  const db = root.section('db')
  const dbPath = db.require('path', kind.filledText)
  const schemaPaths = db.read('schema_paths', kind.texts) ?? []
  const subscriptionsPath = db.read('subscriptions_path', kind.filledText)
  db.passOver('cache_size_kib', kind.integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER))

  const api = root.section('api')
  const addresses = api.require(addr, kind.addresses)
  const endpointName = api.read('endpoint_name', kind.text)
  const bearerToken = readBearerToken(api)
  api.passOver('pg', kind.tables)

  const gossip = root.section('gossip')
  const address = gossip.require(addr, kind.address)
  const externalAddress = gossip.read('external_addr', kind.address)
  const bootstrap = gossip.read('bootstrap', kind.texts) ?? []
  const memberId = gossip.read('member_id', u16)
  const secret = gossip.read('secret', kind.secret)
  const isPlaintext = gossip.read('plaintext', kind.flag) ?? false
  if (!isPlaintext && !gossip.names().includes('tls')) {
    gossip.refuse('plaintext', 'must be true: either plaintext or a tls config is required')
  }
  passOverTls(gossip)
  gossip.passOver('client_addr', kind.address)
  gossip.passOver('max_mtu', kind.integer(1200, 65_535))
  gossip.passOver('idle_timeout_secs', u32)
  gossip.passOver('disable_gso', kind.flag)

  const admin = root.section('admin')
  const adminPath = admin.read(['path', 'uds_path'], kind.filledText) ?? defaultAdminPath

  const telemetry = root.section('telemetry')
  const hasPrometheus = telemetry.names().includes('prometheus')
  const prometheus = hasPrometheus
    ? telemetry.section('prometheus').require(addr, kind.address)
    : undefined
  telemetry.passOver('open-telemetry', anything)

  const log = root.section('log')
  const format = log.read('format', kind.oneOf('plaintext', 'json')) ?? 'plaintext'
  // The lines never have colours, so neither value is one without effect.
  log.read('colors', kind.flag)

  const lab = readLabSettings(root.section('lab'))
  const perf = root.section('perf')
  for (const name of perfNames) perf.passOver(name, u32)
  perf.passOver('apply_queue_batch_threshold_ratio', kind.number(0, 1))
  root.passOver('consul', kind.table)
  root.passOver('reaper', kind.table)

  if (!dbPath || !addresses || !address || problems.length > 0) {
    throw new ConfigError([...new Set(problems)].join('\n'))
  }
  return {
    path,
    db: {
      path: dbPath,
      schemaPaths,
      subscriptionsPath: subscriptionsPath ?? join(dirname(dbPath), 'subscriptions'),
    },
    api: {
      addresses,
      ...(endpointName !== undefined && { endpointName }),
      ...(bearerToken !== undefined && { bearerToken }),
    },
    gossip: {
      address,
      ...(externalAddress && { externalAddress }),
      bootstrap,
      ...(memberId !== undefined && { memberId }),
      ...(secret !== undefined && { secret }),
    },
    admin: { path: adminPath },
    ...(prometheus && { prometheus }),
    lab,
    log: { format },
    unused,
    unknown: settings.unknown(),
  }
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission',
  EISDIR: 'it is a folder',
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = kind.isTable(error) ? String(error.code) : ''
    const reason = unreadable[code] ?? String(error)
    throw new ConfigError(`cannot read ${path}: ${reason}; name the file with --config`, {
      cause: error,
    })
  }
}

/** `api.authz` is one of an enum's variants, of which there is one. */
function readBearerToken(api: Section): string | undefined {
  const names = ['authz', 'authorization']
  const name = names.find((each) => api.names().includes(each))
  if (name === undefined || api.read(names, kind.table) === undefined) return undefined
  const authz = api.section(name)
  for (const other of authz.names()) {
    if (other !== 'bearer-token' && other !== 'bearer') {
      authz.refuse(other, 'is no kind of authorization, bearer-token is')
    }
  }
  return authz.require(['bearer-token', 'bearer'], kind.secret)
}

/** Links between development agents are never encrypted, but the section must be a right one. */
function passOverTls(gossip: Section): void {
  if (!gossip.names().includes('tls')) return
  gossip.passOver('tls', kind.table)
  const tls = gossip.section('tls')
  tls.require('cert_file', kind.text)
  tls.require('key_file', kind.text)
  tls.read('ca_file', kind.text)
  tls.read('insecure', kind.flag)
  tls.read('client', kind.table)
}
