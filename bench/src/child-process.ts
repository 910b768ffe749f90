import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { allocatorSettings, nodeFlags } from '@corroport/local'

const root = join(import.meta.dirname, '../..')

/** A file of the repository as a process of its own, with the bounds that `npm start` gives to services. */
export function startProcess(
  file: string,
  args: string[],
  env: Record<string, string> = {},
): ChildProcess {
  const flags = process.execArgv.filter((flag) => !flag.startsWith('--cpu-prof'))
  return fork(join(root, file), args, {
    env: { ...process.env, ...allocatorSettings, ...env },
    execArgv: [...flags, ...nodeFlags],
  })
}

/** What it sends next; throws when it ends instead. */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`a process ended with ${String(code ?? signal)} before it said anything`)
  })
  const [message]: unknown[] = await Promise.race([once(child, 'message'), ended])
  return message
}

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}
