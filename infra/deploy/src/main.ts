import { messageOf } from '@corroport/bus'
import { createProgram } from './program.ts'

const program = createProgram({
  environment: process.env,
  print: (line) => process.stdout.write(`${line}\n`),
})
try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`deploy: ${messageOf(error)}\n`)
  process.exitCode = 1
}
