import { applyStreams } from '@corroport/bus'
import { durablesFor, streams } from '@corroport/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { jsonOption } from '../gateway-options.ts'
import { type NatsOptions, natsAccess, natsFailure, withNats } from '../nats-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface ApplyOptions extends NatsOptions {
  nodes: string[]
  json?: boolean
}

export function registerStreams(program: Command, terminal: Terminal): void {
  const command = program.command('streams').description('JetStream streams and durables.')
  withNats(command.command('apply'))
    .description('Makes the streams and the durables of the nodes, or brings them up to date.')
    .addOption(
      new Option('--nodes <names>', 'node1,node2,… or how many')
        .argParser(parseNodes)
        .default(parseNodes('3'), '3'),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Safe to run again. Durables of nodes that are not named are left as they are. REPLICATION_FACTOR
says how many servers keep each stream: 1, 3 or 5.

Examples:
  $ corroport streams apply
  $ corroport streams apply --nodes 5 --nats nats://10.0.0.7:4222`,
    )
    .action(
      terminal.action(async (options: ApplyOptions) => {
        const access = natsAccess(options, terminal)
        const durables = durablesFor(options.nodes)
        // Only this command pays for loading it.
        const { toClusterSettings } = await import('@corroport/node-process')
        const { settings, warnings } = toClusterSettings(terminal.environment)
        for (const warning of warnings) terminal.note(warning)
        const { replicationFactor } = settings
        const applied = await applyStreams({
          ...access,
          streams,
          durables,
          replicationFactor,
        }).catch((error: unknown) => {
          throw error instanceof Error ? natsFailure(error, access, 'create streams') : error
        })
        if (options.json) {
          terminal.printJson(applied)
          return 'ok'
        }
        const rows = (['created', 'updated', 'unchanged'] as const).flatMap((outcome) =>
          applied[outcome].map((name) => [name, outcome]),
        )
        printTable(['STREAM OR DURABLE', 'OUTCOME'], rows, terminal)
        return 'ok'
      }),
    )
}

function parseNodes(text: string): string[] {
  if (/^([1-9]|10)$/.test(text)) {
    return Array.from({ length: Number(text) }, (_, index) => `node${index + 1}`)
  }
  const names = text.split(',')
  if (!names.every((name) => /^[a-zA-Z0-9_-]{1,64}$/.test(name))) {
    throw new InvalidArgumentError('Give names such as node1,node2 or a number from 1 to 10.')
  }
  return names
}
