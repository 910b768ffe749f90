import { createProgram } from '../src/program.ts'

/** What deploy prints to these arguments. Throws what it throws. */
export async function deploy(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string[]> {
  const printed: string[] = []
  const program = createProgram({ environment, print: (line) => printed.push(line) })
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined })
  }
  await program.parseAsync(args, { from: 'user' })
  return printed
}
