// Changes a file again and again, to be killed: `change-main.ts <ChangeMainOptions as JSON>`.
import { once } from 'node:events'
import type { ConfigChange, ConfigEdit } from '@corroport/contracts'
import pino from 'pino'
import { type ChangedAgentOptions, openChangedAgent } from './change-agent.ts'

export interface ChangeMainOptions extends ChangedAgentOptions {
  /** Applied in turn; what was applied is rolled back. Some change the file, wherever it is. */
  edits: ConfigEdit[]
  /** The agent has never been started. */
  isFirst: boolean
}

const options = JSON.parse(process.argv[2] ?? '') as ChangeMainOptions
const { edits, isFirst } = options
const say = (what: string, change?: ConfigChange): void => {
  process.stdout.write(`${JSON.stringify({ what, ...change })}\n`)
}

const log = pino({ level: 'warn' }, pino.destination(2))
const { agent, changes, operations } = await openChangedAgent(options, log)

say('started')
await changes.recover()
if (isFirst) {
  const started = await agent.start('first')
  if (!started.ok) throw new Error([started.reason, ...started.lastLogLines].join('\n'))
}
say('recovered', changes.latest(1)[0])
// Until what it recovered to has been looked at.
await once(process.stdin, 'data')

for (let turn = 0; ; turn += 1) {
  const edit = edits[turn % edits.length] ?? {}
  const checked = await changes.check(edit)
  if (checked.diff === '') continue
  const { done } = operations.begin('apply', 'test', async (steps) => {
    say('begins')
    const { sha256_before: sha256Before, sha256_after: sha256After } = checked
    const wanted = { edit, sha256Before, sha256After, by: 'test', rolloutId: null }
    const { state: ended } = await changes.apply(wanted, steps)
    if (ended !== 'applied') return
    say('begins')
    await changes.rollBack('test', steps)
  })
  const { state: ended, reason } = await done
  if (ended === 'failed') throw new Error(reason ?? ended)
}
