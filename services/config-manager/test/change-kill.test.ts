import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import type { ConfigChange } from '@corroport/contracts'
import { createTemporaryFolder, freePort, seededRandom, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { findAgent } from '../../../infra/setup/find-agent.mjs'
import { killByPidFile, stateFileName } from './agent-harness.ts'
import { sha256 } from './change-fixture.ts'
import type { ChangeMainOptions } from './change-main.ts'

const kills = Number(process.env.CORROPORT_KILLS ?? 10)
const seed = Number(process.env.CORROPORT_SEED ?? Date.now() % 1_000_000)
// Development agents, since many restarts are wanted, and a real one takes five seconds to stop.
const program = findAgent(
  process.env,
  process.env.CORROPORT_AGENTS === 'real' ? 'real' : 'development',
)
const restartMs = program.kind === 'real' ? 6500 : 1500
const recoveryMs = program.kind === 'real' ? 6000 : 600

type Said = { what: 'started' | 'recovered' | 'begins' } & Partial<ConfigChange>

/** The process that changes the file; what it says comes line by line. */
function startChanger(options: ChangeMainOptions) {
  const main = join(import.meta.dirname, 'change-main.ts')
  const child: ChildProcess = spawn(process.execPath, [main, JSON.stringify(options)], {
    stdio: 'pipe',
  })
  const said: Said[] = []
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  if (child.stdout) {
    createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line) as Said))
  }
  const ended = once(child, 'exit')
  return {
    heard: (what: Said['what'], count = 1): Promise<Said> =>
      until(() => {
        if (child.exitCode !== null) throw new Error(`it ended by itself:\n${complaints}`)
        return said.filter((each) => each.what === what)[count - 1]
      }),
    goOn: () => child.stdin?.write('\n'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    complaints: () => complaints,
  }
}

async function answers(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2000) })
    return true
  } catch {
    return false // nobody listens there
  }
}

test(
  `killed at ${kills} random points, the file is the old or the new one, and the agent runs on it`,
  async () => {
    using folder = createTemporaryFolder()
    await using stack = new AsyncDisposableStack()
    const random = seededRandom(seed)
    process.stdout.write(`seed ${seed}\n`)
    const [apiPort, gossipPort, portA, portB, portTaken] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ]
    const holder = createServer().listen(portTaken, '127.0.0.1')
    await once(holder, 'listening')
    stack.defer(() => void holder.close())

    const text = (port: number): string => `# The agent of this test.
[db]
path = ${JSON.stringify(join(folder.path, 'corrosion.db'))}
schema_paths = [${JSON.stringify(join(import.meta.dirname, '../../../corrosion/schemas'))}]
[gossip]
addr = "127.0.0.1:${gossipPort}"
plaintext = true
[api]
addr = "127.0.0.1:${apiPort}"
[admin]
path = ${JSON.stringify(join(folder.path, 'admin.sock'))}
[telemetry]
prometheus.addr = "127.0.0.1:${port}" # what differs
`
    const ports = new Map([portA, portB, portTaken].map((port) => [text(port), port]))
    const configPath = join(folder.path, 'agent.toml')
    writeFileSync(configPath, text(portA))
    const edit = (port: number) => ({
      settings: { 'telemetry.prometheus.addr': `127.0.0.1:${port}` },
    })
    const options: Omit<ChangeMainOptions, 'isFirst'> = {
      agentUrl: `http://127.0.0.1:${apiPort}`,
      natsUrl: `nats://127.0.0.1:${await freePort()}`,
      stateDir: folder.path,
      configPath,
      variables: {
        AGENT_CONTROL: 'child',
        AGENT_COMMAND: JSON.stringify([program.path, 'agent', '-c', configPath]),
        AGENT_LOG: join(folder.path, 'agent.log'),
        TMPDIR: folder.path,
      },
      edits: [edit(portB), edit(portTaken), edit(portA)],
    }
    stack.defer(() => killByPidFile(join(folder.path, 'agent.pid')))

    const found = new Map<string, number>()
    for (let round = 0; round <= kills; round += 1) {
      const changer = startChanger({ ...options, isFirst: round === 0 })
      stack.defer(() => changer.kill())
      await changer.heard('started')
      if (round % 7 === 3) {
        // Also in the middle of the recovery itself.
        await wait(random() * recoveryMs)
        await changer.kill()
        continue
      }
      const change = await changer.heard('recovered')

      const now = readFileSync(configPath, 'utf8')
      const at = `seed ${seed}, round ${round}: ${JSON.stringify(change)}\n${changer.complaints()}`
      const says = change.state === 'applied' ? change.sha256_after : change.sha256_before
      const isEnded = change.finished_at !== null
      expect([at, isEnded, says ?? sha256(now)]).toEqual([at, true, sha256(now)])
      const runsOn = [await answers(portA), await answers(portB)]
      expect([at, runsOn]).toEqual([at, [now === text(portA), now === text(portB)]])
      if (round === kills) break

      changer.goOn()
      await changer.heard('begins', 1 + Math.floor(random() * 3))
      // Half of them while the file is written, half over the restarts.
      await wait(random() < 0.5 ? random() * 40 : random() * restartMs)
      await changer.kill()

      const left = readFileSync(configPath, 'utf8')
      expect([at, ports.has(left)]).toEqual([at, true])
      const where = describeLeft(folder.path, configPath, left)
      found.set(where, (found.get(where) ?? 0) + 1)
    }
    process.stdout.write(`killed at: ${JSON.stringify(Object.fromEntries(found), null, 2)}\n`)
  },
  60_000 + kills * 40_000,
)

/** What a killed process left, in words. */
function describeLeft(folder: string, configPath: string, text: string): string {
  using db = new DatabaseSync(join(folder, stateFileName))
  const row = db
    .prepare('SELECT state, reason, sha256_before FROM config_change ORDER BY number DESC LIMIT 1')
    .get()
  if (!row) return 'nothing intended'
  const which = sha256(text) === row.sha256_before ? 'old file' : 'new file'
  const temporary = join(folder, `.${configPath.slice(folder.length + 1)}.corroport.tmp`)
  const half = existsSync(temporary) ? ', temporary file' : ''
  const undoing = row.state === 'written' && row.reason !== null ? ', undoing' : ''
  return `${String(row.state)}, ${which}${half}${undoing}`
}
