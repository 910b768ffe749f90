import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'

/** A program with the arguments that come first. */
export type Program = readonly [name: string, ...args: string[]]

export interface Kubectl {
  /** What it prints. Throws with what it complains of when it fails. */
  run(args: readonly string[], input?: string): Promise<string>
  /** What it prints as JSON. */
  read<S extends TSchema>(args: readonly string[], schema: S): Promise<Static<S>>
}

export function createKubectl(program: Program, namespace: string): Kubectl {
  const run: Kubectl['run'] = (args, input) =>
    runProgram([...program, '--namespace', namespace, ...args], input)
  return {
    run,
    read: async (args, schema) => {
      const found: unknown = JSON.parse(await run([...args, '--output', 'json']))
      return Value.Parse(schema, found)
    },
  }
}

export async function runProgram(program: Program, input = ''): Promise<string> {
  const [name, ...args] = program
  const child = spawn(name, args, { stdio: 'pipe' })
  child.stdin.on('error', () => undefined) // it ended without reading all of it; its exit code tells
  child.stdin.end(input)
  const closed = once(child, 'close')
  const [printed, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  await closed
  if (child.exitCode === 0) return printed
  const ended = `${[name, ...args].join(' ')} ended with ${child.exitCode ?? child.signalCode}`
  throw new Error(`${ended}: ${complaint.trim()}`)
}
