import { CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { ConfigError } from '../config/settings.ts'
import { Failure } from './failure.ts'
import { createProgram } from './program.ts'

// A reader such as `head` has gone; 141 is what a shell shows for SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(141)
})

try {
  await createProgram(packageJson.version, process.env).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // Already printed by commander, which also throws for --help and --version.
    process.exitCode = error.exitCode === 0 ? 0 : 2
  } else if (error instanceof Failure || error instanceof ConfigError) {
    for (const line of error.message.split('\n')) process.stderr.write(`corrosion: ${line}\n`)
    process.exitCode = 1
  } else {
    throw error
  }
}
