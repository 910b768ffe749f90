import { messageOf } from '@corroport/bus'
import { Command } from 'commander'
import { addLocalCommands } from './commands.ts'
import { tellStarter } from './foreground.ts'

const program = new Command('local').description('a whole cluster on this machine')
addLocalCommands(program, { environment: process.env, out: process.stdout })
try {
  await program.parseAsync()
} catch (error) {
  const message = messageOf(error)
  tellStarter({ failed: message })
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}
if (process.connected) process.disconnect?.()
