// Owns an agent as its child, to be killed: `agent-owner.ts <options of openControl as JSON>`. At a
// line of input it begins to restart it.
import { createInterface } from 'node:readline'
import { until } from '@corroport/testing'
import { type ControlledOptions, openControl } from './agent-harness.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const options = JSON.parse(process.argv[2] ?? '') as ControlledOptions
const { control } = await openControl(options)
await until(() => control.phase === 'running' && control.pid)
say(`owns ${control.pid}`)
for await (const _line of createInterface(process.stdin)) await control.restart('a test', say)
