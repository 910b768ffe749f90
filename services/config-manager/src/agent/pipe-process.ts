import { randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { AgentProcess } from './agent-process.ts'

const lookEveryMs = 20
// The loop has a deadline of its own, after which it kills; another command may be before this one.
const graceMs = 10_000

/**
 * Asks the loop that is process 1 of the agent's container, through a folder that both mount: lines
 * into `control`, a pipe; answers in `state`. The numbers of its processes mean nothing here.
 */
export function pipeProcess(options: {
  controlDir: string
  stopTimeoutMs: number
  startTimeoutMs: number
}): AgentProcess {
  const { controlDir, stopTimeoutMs, startTimeoutMs } = options
  const pipePath = join(controlDir, 'control')
  const statePath = join(controlDir, 'state')
  const seconds = Math.ceil(stopTimeoutMs / 1000)

  const ask = async (command: string, withinMs: number): Promise<{ wasKilled: boolean }> => {
    const id = randomUUID()
    const deadline = performance.now() + withinMs
    // A loop that begins anew has forgotten what the one before was asked.
    let asked: LoopState | undefined
    for (;;) {
      const state = readState(statePath)
      const answer = state.answers.get(id)
      if (answer !== undefined) return outcomeOf(answer)
      if (!asked || asked.loop !== state.loop) {
        // Begins with a newline: what another has left unfinished must not become a part of it.
        const absence = writeToPipe(pipePath, `\n${id} ${command}\n`)
        if (absence === undefined) asked = state
        else if (!asked) throw new Error(absence)
      }
      if (performance.now() > deadline) {
        const why = writeToPipe(pipePath, '\n') ?? 'the loop of its container is busy or hangs'
        throw new Error(`the agent's container did not answer in ${withinMs / 1000} s: ${why}`)
      }
      await wait(lookEveryMs)
    }
  }

  return {
    isStartedByOthers: true,
    find() {
      // Without its loop there is no container, and without its container no agent.
      const isThere = writeToPipe(pipePath, '') === undefined
      return Promise.resolve(isThere && readState(statePath).runs ? 'running' : 'stopped')
    },
    stop: (isHeld) => ask(`${isHeld ? 'stop' : 'restart'} ${seconds}`, stopTimeoutMs + graceMs),
    async start() {
      await ask('start', startTimeoutMs)
    },
  }
}

function outcomeOf(answer: string): { wasKilled: boolean } {
  if (answer === 'ok' || answer === 'killed') return { wasKilled: answer === 'killed' }
  throw new Error(answer.replace(/^failed /, ''))
}

/** Why it could not be written: nobody reads it. */
function writeToPipe(path: string, text: string): string | undefined {
  let pipe: number
  try {
    pipe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = Error.isError(error) && 'code' in error ? error.code : undefined
    if (code === 'ENXIO') return `nobody reads ${path}: the agent's container does not run`
    if (code === 'ENOENT') {
      return `there is no ${path}: the agent's container has not run, or AGENT_CONTROL_DIR is not the folder that it uses`
    }
    throw error
  }
  try {
    if (!fstatSync(pipe).isFIFO()) return `${path} is no pipe: the agent's container makes one`
    // One write, and short: it is there as a whole or not at all.
    writeSync(pipe, text)
    return undefined
  } finally {
    closeSync(pipe)
  }
}

interface LoopState {
  runs: boolean
  /** Of this run of the loop. */
  loop: string
  /** By the id of the command. */
  answers: ReadonlyMap<string, string>
}
/** Where no loop has written one. */
const noState: LoopState = { runs: false, loop: '', answers: new Map() }

function readState(path: string): LoopState {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return noState
    throw error
  }
  const [first = '', second = '', ...older] = text.split('\n')
  const [, name, last = ''] = /^(\w+) \d+ ?(.*)$/.exec(first) ?? []
  const [, loop] = /^loop (\S+)$/.exec(second) ?? []
  if (name === undefined || loop === undefined) return noState
  const answers = [last, ...older].map((line): [string, string] => {
    const [id = ''] = line.split(' ', 1)
    return [id, line.slice(id.length + 1)]
  })
  return { runs: name === 'running', loop, answers: new Map(answers) }
}
