import { type Static, Type } from 'typebox'
import { defineCommand, defineRecord } from './definition.ts'
import { By } from './operation.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

/** SHA-256 of a file's bytes, in hex. */
export const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })

export const SettingValue = Type.Union([
  Type.String({ maxLength: 4096 }),
  Type.Number(),
  Type.Boolean(),
  Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 100 }),
  Type.Null({ description: 'takes the setting out of the file' }),
])
export type SettingValue = Static<typeof SettingValue>

/** What is to be different in an agent's file. At least one of the two. */
export const ConfigEdit = Type.Object(
  {
    bootstrap: Type.Optional(
      Type.Array(Type.String({ maxLength: 300 }), {
        maxItems: 100,
        description: 'ip:port, [v6]:port, name:port or name, each with an optional @resolver',
      }),
    ),
    settings: Type.Optional(
      Type.Record(Type.String({ maxLength: 200 }), SettingValue, {
        description: 'by dotted name, such as perf.min_sync_backoff',
      }),
    ),
  },
  { additionalProperties: false },
)
export type ConfigEdit = Static<typeof ConfigEdit>

/** The file that an agent runs from; secrets are masked. */
export const ConfigFile = Type.Object({
  node_id: NodeId,
  path: Type.String(),
  text: Type.String(),
  parsed: Type.Unknown({ description: 'the same as JSON' }),
  size_bytes: Type.Integer(),
  modified_at: Timestamp,
  sha256: Digest,
  bootstrap: Type.Array(Type.String()),
  gossip_address: nullable(Type.String(), {
    description: 'what others are told: gossip.external_addr, else gossip.addr',
  }),
  canonical: nullable(
    Type.Object({ path: Type.String(), sha256: Digest, differs: Type.Boolean() }),
    { description: 'null where none is configured' },
  ),
})
export type ConfigFile = Static<typeof ConfigFile>

/** One change of a node's file, newest first in a history. */
export const ConfigChange = Type.Object({
  id: Type.String({ description: 'ULID' }),
  node_id: NodeId,
  action: Type.Union([Type.Literal('apply'), Type.Literal('rollback'), Type.Literal('restore')]),
  rollout_id: nullable(Type.String()),
  by: By,
  state: Type.Union(
    [
      Type.Literal('intended'),
      Type.Literal('written'),
      Type.Literal('applied'),
      Type.Literal('rolled-back'),
      Type.Literal('abandoned'),
    ],
    {
      description:
        'applied: the agent runs on the new file; rolled-back and abandoned: on the old one',
    },
  ),
  reason: nullable(Type.String()),
  diff: Type.String({ description: 'unified, secrets masked' }),
  sha256_before: Digest,
  sha256_after: Digest,
  backup: nullable(Type.String(), { description: 'path of the previous file' }),
  at: Timestamp,
  finished_at: nullable(Timestamp),
})
export type ConfigChange = Static<typeof ConfigChange>

export const HostResolution = Type.Object({
  host: Type.String(),
  addresses: Type.Array(Type.String(), { description: 'ip:port; empty when there is none' }),
  error: nullable(Type.String()),
})
export type HostResolution = Static<typeof HostResolution>

/** What an edit would do to one node's file; nothing is written. */
export const CheckedEdit = Type.Object({
  node_id: NodeId,
  diff: Type.String({ description: 'unified, secrets masked; empty when nothing changes' }),
  sha256_before: Digest,
  sha256_after: Digest,
  bootstrap_before: Type.Array(Type.String()),
  bootstrap_after: Type.Array(Type.String()),
  gossip_address_before: nullable(Type.String()),
  gossip_address_after: nullable(Type.String()),
  resolved: Type.Array(HostResolution, { description: 'of the bootstrap after' }),
  problems: Type.Array(Type.String(), { description: 'why it cannot be applied, all at once' }),
  warnings: Type.Array(Type.String()),
  agent: Type.Object({
    state: Type.String(),
    actor_id: nullable(Type.String()),
  }),
  clock: Timestamp,
})
export type CheckedEdit = Static<typeof CheckedEdit>

export const configQueried = defineCommand(
  'corro.command.config-manager.config.{nodeId}',
  "The file of a node's agent, and the latest changes of it.",
  {
    request: Type.Object({ changes: Type.Integer({ minimum: 0, maximum: 100 }) }),
    reply: Type.Object({ file: ConfigFile, changes: Type.Array(ConfigChange) }),
    timeoutMs: 3000,
  },
)

export const configChecked = defineCommand(
  'corro.command.config-manager.check.{nodeId}',
  "What an edit would do to the file of a node's agent.",
  {
    request: Type.Object({ edit: ConfigEdit }),
    reply: CheckedEdit,
    timeoutMs: 10_000,
  },
)

const change = Type.Object({ nodeId: NodeId, at: Timestamp, change: ConfigChange })

export const configApplied = defineRecord(
  'corro.config.applied.{nodeId}',
  "A node's agent runs on a new file.",
  change,
  (event) => `config-applied.${event.change.id}`,
)

export const configRejected = defineRecord(
  'corro.config.rejected.{nodeId}',
  'A change was given up before the file was replaced.',
  change,
  (event) => `config-rejected.${event.change.id}`,
)

export const configRolledBack = defineRecord(
  'corro.config.rolled-back.{nodeId}',
  "A node's agent did not come back on a new file and runs on the old one.",
  change,
  (event) => `config-rolled-back.${event.change.id}`,
)
