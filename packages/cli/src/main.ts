import { CommanderError } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { codeOf, exitCodes, Failure } from './failure.ts'
import { createProgram } from './program.ts'
import { createTerminal } from './terminal.ts'

// A reader such as `head` has gone; 141 is what a shell shows for SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(141)
})

const terminal = createTerminal(process)
try {
  await createProgram(packageJson.version, terminal).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Already printed by commander, which also throws for --help and --version.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code
  } else if (error instanceof Error && !(error instanceof TypeError)) {
    // A failure may quote what others wrote, so it stays one line; lists of problems have several.
    const isFailure = error instanceof Failure
    for (const line of isFailure ? [error.message] : error.message.split('\n')) {
      terminal.note(`corroport: ${line}`)
    }
    for (const detail of isFailure ? error.details : []) terminal.note(`  ${detail}`)
    process.exitCode = codeOf(isFailure ? error.exit : 'failed')
  } else {
    throw error
  }
}
