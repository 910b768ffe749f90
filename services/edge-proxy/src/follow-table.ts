import { createCorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { createRegistrations, type Registrations } from './registrations.ts'
import type { BackendTable } from './table/backend-table.ts'
import { openCorrosionSource } from './table/corrosion-source.ts'
import { openFileSource } from './table/file-source.ts'
import type { Leases } from './table/leases.ts'
import type { SourceListener, TableSource } from './table/source.ts'

export interface FollowOptions {
  config: Pick<Config, 'source' | 'nodeId' | 'leaseMs' | 'tableMaxAgeMs'>
  table: BackendTable
  leases: Leases
  /** Something of the table or of its leases may have changed. */
  onChange: () => void
  /** A steady clock, milliseconds. */
  steady: () => number
  log: Logger
}

export interface Following extends AsyncDisposable {
  readonly source: TableSource
  /** Undefined: the table is a file, which only the operator writes. */
  readonly registrations: Registrations | undefined
}

const tableName = 'backends'
const auditIntervalMs = 60_000
const sweepEveryMs = 30_000

/** Keeps the table in step with an agent or a file, and deletes rows of this node that nobody keeps alive. */
export function followTable(options: FollowOptions): Following {
  const { config, table, leases, onChange, steady, log } = options
  const stack = new AsyncDisposableStack()
  let tooOld: NodeJS.Timeout | undefined
  stack.defer(() => clearTimeout(tooOld))
  const listener: SourceListener = {
    onRows(news) {
      const before = new Map([...table.setAside].map(([key, { reason }]) => [key, reason]))
      table.apply(news)
      for (const [key, { id, reason }] of table.setAside) {
        if (before.get(key) !== reason) log.warn({ backend: id, reason }, 'row set aside')
      }
      onChange()
    },
    onLive(isLive) {
      clearTimeout(tooOld)
      if (isLive) {
        leases.goOn(config.leaseMs / 2)
      } else {
        // Heartbeats are not heard: what was good is taken for good, for a while.
        leases.hold()
        tooOld = setTimeout(() => {
          log.error({ maxAgeMs: config.tableMaxAgeMs }, 'the table is too old: leases end again')
          leases.goOn(0)
          onChange()
        }, config.tableMaxAgeMs)
      }
      onChange()
    },
  }

  const { source: from } = config
  if (!('agent' in from)) {
    const source = stack.use(openFileSource({ ...from, listener, log, steady }))
    return {
      source,
      registrations: undefined,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  }
  const { nodeId, leaseMs } = config
  const client = stack.use(createCorrosionClient(from.agent))
  const registrations = createRegistrations({ client, nodeId, leaseMs, steady })
  const sweep = (): void => {
    for (const { id, owner } of table.backends.values()) {
      if (owner !== nodeId || !leases.isOver(id)) continue
      log.info({ backend: id }, 'not heard of for longer than its lease: its row is deleted')
      registrations
        .remove(id)
        .catch((err: unknown) => log.warn({ err, backend: id }, 'row not deleted'))
    }
  }
  const sweeping = setInterval(sweep, sweepEveryMs)
  stack.defer(() => clearInterval(sweeping))
  const source = stack.use(
    openCorrosionSource({ client, table: tableName, auditIntervalMs, listener, log, steady }),
  )
  return { source, registrations, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
