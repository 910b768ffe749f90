import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTemporaryFolder, freePort, until } from '@corroport/testing'

export const program = join(import.meta.dirname, '../bin/corrosion')

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Runs `corrosion` with these arguments to its end. */
export async function corrosion(
  args: readonly string[],
  { env = {}, path = program }: { env?: NodeJS.ProcessEnv; path?: string } = {},
): Promise<Ended> {
  return await start(args, env, path).ended
}

export interface AgentFiles extends AsyncDisposable {
  folder: string
  configPath: string
  databasePath: string
  adminPath: string
  apiPort: number
  gossipAddress: string
  /** Starts it; resolves when it answers, or when it has ended. */
  start(env?: NodeJS.ProcessEnv): Promise<RunningAgent>
}

export interface RunningAgent {
  pid: number
  stdout(): string
  /** Reads no more of what it says. */
  hangUp(): void
  /** Sends signals and waits for the end. */
  end(...signals: NodeJS.Signals[]): Promise<Ended>
  ended: Promise<Ended>
}

/** A folder with the configuration of one agent, on ports of its own; `more` is added to it. */
export async function createAgentFiles(more = ''): Promise<AgentFiles> {
  const temporary = createTemporaryFolder()
  const folder = temporary.path
  const apiPort = await freePort()
  const gossipAddress = `127.0.0.1:${await freePort()}`
  const configPath = join(folder, 'agent.toml')
  const databasePath = join(folder, 'corrosion.db')
  const adminPath = join(folder, 'admin.sock')
  const running = new Set<RunningAgent>()
  mkdirSync(join(folder, 'schemas'))
  writeFileSync(
    join(folder, 'schemas/item.sql'),
    "CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, text TEXT NOT NULL DEFAULT '')",
  )
  writeFileSync(
    configPath,
    `[db]
path = ${JSON.stringify(databasePath)}
schema_paths = [${JSON.stringify(join(folder, 'schemas'))}]
[api]
addr = "127.0.0.1:${apiPort}"
[admin]
path = ${JSON.stringify(adminPath)}
[gossip]
addr = "${gossipAddress}"
plaintext = true
${more}
`,
  )
  return {
    folder,
    configPath,
    databasePath,
    adminPath,
    apiPort,
    gossipAddress,
    async start(env = {}) {
      const child = start(['agent', '-c', configPath], env, program)
      const agent = {
        pid: child.pid,
        stdout: child.stdout,
        hangUp: child.hangUp,
        ended: child.ended,
        end(...signals: NodeJS.Signals[]) {
          for (const signal of signals) child.kill(signal)
          return child.ended
        },
      }
      running.add(agent)
      let isOver = false
      void child.ended.then(() => {
        isOver = true
        running.delete(agent)
      })
      await until(() => isOver || child.stdout().includes(databasePath))
      return agent
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map((agent) => agent.end('SIGKILL')))
      temporary[Symbol.dispose]()
    },
  }
}

function start(args: readonly string[], env: NodeJS.ProcessEnv, path: string) {
  const child = spawn(path, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(
    (): Ended => ({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
  )
  if (child.pid === undefined) throw new Error(`${path} cannot be started`)
  return {
    pid: child.pid,
    ended,
    stdout: () => stdout,
    hangUp: () => child.stdout.destroy(),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
  }
}
