import { Command } from 'commander'
import { registerAcks } from './commands/acks.ts'
import { registerAgent } from './commands/agent.ts'
import { registerAnalytics } from './commands/analytics.ts'
import { registerBuilds } from './commands/builds.ts'
import { registerClocks } from './commands/clocks.ts'
import { registerCluster } from './commands/cluster.ts'
import { registerCompletion } from './commands/completion.ts'
import { registerConfig } from './commands/config.ts'
import { registerDead } from './commands/dead.ts'
import { registerDemo } from './commands/demo.ts'
import { registerEdge } from './commands/edge.ts'
import { registerExperiment } from './commands/experiment.ts'
import { registerLab } from './commands/lab.ts'
import { registerLocal } from './commands/local.ts'
import { registerMessage, registerMessages } from './commands/messages.ts'
import { registerNode } from './commands/node.ts'
import { registerPropagation } from './commands/propagation.ts'
import { registerQuery } from './commands/query.ts'
import { registerReceptions } from './commands/receptions.ts'
import { registerRecords } from './commands/records.ts'
import { registerSend } from './commands/send.ts'
import { registerStatus } from './commands/status.ts'
import { registerStreams } from './commands/streams.ts'
import { registerTap } from './commands/tap.ts'
import { registerToken } from './commands/token.ts'
import { registerTracking } from './commands/tracking.ts'
import { registerWatch } from './commands/watch.ts'
import { exitCodes } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** All of `corroport`, with nothing parsed yet. */
export function createProgram(version: string, terminal: Terminal): Command {
  const codes = Object.values(exitCodes).map(
    ({ code, meaning }) => `  ${String(code).padEnd(5)}${meaning}`,
  )
  const program = new Command('corroport')
    .description(
      'Sends messages through a cluster, watches them, says how it does, and changes it with care.',
    )
    .version(version)
    .exitOverride()
    .configureOutput({
      outputError: (text) => terminal.note(`corroport: ${errorLine(text)}`),
    })
    .addHelpText(
      'after',
      `
Examples:
  $ corroport send hello
  $ corroport status --json
  $ corroport help send

Exit codes:
${codes.join('\n')}`,
    )
  registerSend(program, terminal)
  registerMessages(program, terminal)
  registerMessage(program, terminal)
  registerWatch(program, terminal)
  registerTap(program, terminal)
  registerStatus(program, terminal)
  registerReceptions(program, terminal)
  registerAcks(program, terminal)
  registerTracking(program, terminal)
  registerExperiment(program, terminal)
  registerClocks(program, terminal)
  registerPropagation(program, terminal)
  registerQuery(program, terminal)
  registerAnalytics(program, terminal)
  registerBuilds(program, terminal)
  registerDemo(program, terminal)
  registerCluster(program, terminal)
  registerEdge(program, terminal)
  registerConfig(program, terminal)
  registerAgent(program, terminal)
  registerNode(program, terminal)
  registerRecords(program, terminal)
  registerDead(program, terminal)
  registerStreams(program, terminal)
  registerToken(program, terminal)
  registerLocal(program)
  registerLab(program, terminal)
  registerCompletion(program, terminal)
  return program
}

function errorLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
}
