import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectBus, openStateFile, RefusalError } from '@corroport/bus'
import type { ConfigEdit } from '@corroport/contracts'
import { createTemporaryFolder, freePort } from '@corroport/testing'
import pino from 'pino'
import type { AgentControl, StartOutcome } from '../src/agent/agent-control.ts'
import { migrations as changeMigrations } from '../src/change/change-store.ts'
import { createConfigChanges } from '../src/change/config-changes.ts'
import { migrations as operationMigrations, type Steps } from '../src/operations.ts'

export const firstText = `# node1
[db]
path = "/data/corrosion.db"
schema_paths = ["/schemas"]
cache_size_kib = -65536
[gossip]
addr = "127.0.0.1:8787" # UDP
bootstrap = ["127.0.0.1:8788"]
plaintext = true
[api]
addr = "127.0.0.1:8081"
authz = { bearer-token = "s3cret" }
`

export const bootstrapEdit = { bootstrap: ['127.0.0.1:8789'] }
/** Its port is the one that the agent cannot have. */
export const breakingEdit = { settings: { 'telemetry.prometheus.addr': '127.0.0.1:1' } }
export const metricsEdit = (port: number) => ({
  settings: { 'telemetry.prometheus.addr': `127.0.0.1:${port}` },
})

export const sha256 = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex')

/** What the work was refused with. */
export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<RefusalError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof RefusalError) return error
    throw error
  }
  throw new Error('it was not refused')
}

/** An agent that runs on whatever its file says, but for a metrics address of port 1. */
class ObedientAgent implements AgentControl {
  readonly pid = undefined
  readonly isHeld = false
  readonly phase = 'running'
  refusal: string | undefined
  /** What it was started on. */
  readonly texts: string[] = []
  /** Called in the middle of each restart. */
  onRestart: () => void = () => undefined
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  restart(
    _reason: string,
    onStep: (step: string) => void = () => undefined,
  ): Promise<StartOutcome> {
    onStep('stop')
    onStep('start')
    this.onRestart()
    const text = readFileSync(this.#path, 'utf8')
    this.texts.push(text)
    const fails = text.includes(':1"')
    return Promise.resolve(
      fails
        ? { ok: false, restartId: 'r', reason: 'it ended', lastLogLines: ['port 1: no permission'] }
        : { ok: true, restartId: 'r', stepsMs: {}, wasKilled: false },
    )
  }

  stop(): Promise<never> {
    return Promise.reject(new Error('nobody asks for it'))
  }

  start(): Promise<never> {
    return Promise.reject(new Error('nobody asks for it'))
  }

  async [Symbol.asyncDispose]() {}
}

/** Steps that are only listed. */
export function listSteps(): Steps & { names: string[] } {
  const names: string[] = []
  return {
    names,
    run(name, work) {
      names.push(name)
      return work(() => undefined)
    },
    note: (name) => names.push(name),
  }
}

/** The changes of one file, with a canonical one beside it; nothing but the agent is made up. */
export async function openChanges(text = firstText, natsUrl?: string) {
  using opening = new DisposableStack()
  const folder = opening.use(createTemporaryFolder())
  const path = join(folder.path, 'node1.toml')
  const canonicalPath = join(folder.path, 'canonical.toml')
  writeFileSync(path, text, { mode: 0o640 })
  writeFileSync(canonicalPath, firstText.replace('# node1', '# canonical'))
  const log = pino({ level: 'silent' })
  const url = natsUrl ?? `nats://127.0.0.1:${await freePort()}`
  const bus = connectBus({ url, name: 'test', log })
  const migrations = [...changeMigrations, ...operationMigrations]
  const state = openStateFile({ path: join(folder.path, 'state.sqlite'), migrations, bus, log })
  const agent = new ObedientAgent(path)
  const deps = { nodeId: 'node1', configPath: path, canonicalPath, state, agent, log }
  const changes = createConfigChanges(deps)
  const kept = opening.move()

  return {
    path,
    canonicalPath,
    folder: folder.path,
    bus,
    state,
    agent,
    changes,
    deps,
    read: () => readFileSync(path, 'utf8'),
    write: (content: string) => writeFileSync(path, content),
    backups: () => readdirSync(folder.path).filter((name) => name.endsWith('.bak')),
    /** Checks an edit and applies it. */
    async edit(edit: ConfigEdit, rolloutId: string | null = null) {
      const { sha256_before, sha256_after } = await changes.check(edit)
      const digests = { sha256Before: sha256_before, sha256After: sha256_after }
      return changes.apply({ edit, ...digests, by: 'test', rolloutId }, listSteps())
    },
    /** What the outbox has been told, oldest first. */
    told: () =>
      state.db
        .prepare('SELECT subject FROM outbox ORDER BY id')
        .all()
        .map(({ subject }) => String(subject).split('.')[2]),
    async [Symbol.asyncDispose]() {
      await state[Symbol.asyncDispose]()
      await bus[Symbol.asyncDispose]()
      kept.dispose()
    },
  }
}
