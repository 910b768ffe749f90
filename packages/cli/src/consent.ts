import type { Command } from 'commander'
import { Failure } from './failure.ts'
import type { Terminal } from './terminal.ts'

export interface YesOption {
  yes?: boolean
}

/** The option of every command that asks before it begins. */
export function withYes(command: Command): Command {
  return command.option('--yes', 'do not ask')
}

/** Whether the person means it. Where nobody can be asked, only `--yes` will do. */
export async function isMeant(
  question: string,
  { yes = false }: YesOption,
  terminal: Terminal,
): Promise<boolean> {
  if (yes) return true
  const answer = await terminal.confirm(question)
  if (answer === undefined) {
    throw new Failure('nobody can be asked here: add --yes', { exit: 'usage' })
  }
  return answer
}
