import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPidFile, sendSignal } from '@corroport/node-process/process-ref.ts'
import { type CorrosionAgent, until } from '@corroport/testing'
import { findAgent } from '../../setup/find-agent.mjs'

const program = join(import.meta.dirname, '../agent/agent-loop')

/** What a loop needs to know to run an agent that `startCorrosionAgent` has made. */
export function loopVariables({ folder, url, gossipAddr }: CorrosionAgent) {
  return {
    AGENT_BIN: findAgent(process.env).path,
    AGENT_CONFIG: join(folder, 'agent.toml'),
    AGENT_CONTROL_DIR: join(folder, 'run'),
    AGENT_API: new URL(url).host,
    AGENT_EXTERNAL_ADDR: gossipAddr,
    TMPDIR: folder,
  }
}

export type LoopVariables = Record<string, string> & { AGENT_CONTROL_DIR: string }

/** The loop of an agent's container, without the container. Disposing kills it and its agent. */
export function startLoop(variables: LoopVariables) {
  const { AGENT_CONTROL_DIR: folder } = variables
  mkdirSync(folder, { recursive: true })
  const { PATH } = process.env
  const child = spawn(program, { env: { PATH, ...variables }, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const ended = once(child, 'exit')
  const pidFile = join(folder, 'agent.pid')
  const statePath = join(folder, 'state')
  const lines = (): string[] => readFileSync(statePath, 'utf8').split('\n')
  const state = () => {
    const [name, starts] = existsSync(statePath) ? (lines()[0] ?? '').split(' ') : []
    return { name, starts: Number(starts) }
  }
  const write = (text: string) => appendFileSync(join(folder, 'control'), text)
  return {
    pid: child.pid,
    log: join(folder, 'log'),
    said: () => said,
    state,
    agentPid: () => readPidFile(pidFile)?.pid,
    /** Waits until it is in a state, with an agent that was started so often or more. */
    reaches: (name: string, starts = 0) =>
      until(() => state().name === name && state().starts >= starts && state()),
    write,
    async ask(command: string): Promise<string> {
      const id = randomUUID()
      write(`${id} ${command}\n`)
      // The first line begins with the state, the others with the id.
      const answered = new RegExp(`^(?:\\w+ \\d+ )?${id} (.*)$`)
      return await until(() => lines().flatMap((line) => answered.exec(line)?.[1] ?? [])[0])
    },
    /** Sends a signal; resolves with the exit code, or the signal by which it has ended. */
    async end(signal: NodeJS.Signals): Promise<unknown> {
      child.kill(signal)
      const [code, by] = (await ended) as [number | null, string | null]
      return code ?? by
    },
    async [Symbol.asyncDispose]() {
      // Stopped first, so that it starts none meanwhile.
      child.kill('SIGSTOP')
      const running = readPidFile(pidFile)
      const pids = [...childrenOf(child.pid), ...(running ? [running.pid] : [])]
      child.kill('SIGKILL')
      for (const pid of pids) sendSignal(pid, 'SIGKILL')
      await ended
    },
  }
}

function childrenOf(pid: number | undefined): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.split(' ').filter(Boolean).map(Number)
  } catch {
    return [] // it has ended
  }
}

export type Loop = ReturnType<typeof startLoop>
