// Controls an agent through its pipe, to be killed: `pipe-owner.ts <options of openControl as JSON>`. A
// line of input is what it begins to do.
import { createInterface } from 'node:readline'
import { until } from '@corroport/testing'
import { type ControlledOptions, openControl } from './agent-harness.ts'

const options = JSON.parse(process.argv[2] ?? '') as ControlledOptions
const { control } = await openControl(options)
await until(() => control.phase === 'running')
process.stdout.write('ready\n')
for await (const line of createInterface(process.stdin)) {
  await (line === 'stop' ? control.stop('a test') : control.restart('a test'))
}
