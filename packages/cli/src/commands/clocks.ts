import { ClocksReply, createParser } from '@corroport/contracts'
import type { Command } from 'commander'
import { clockStyles, offsetText } from '../clock-offset.ts'
import { formatDuration } from '../duration.ts'
import { boundText } from '../experiment-figures.ts'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

export function registerClocks(program: Command, terminal: Terminal): void {
  withGateway(program.command('clocks'))
    .description(
      'Shows how far the clock of each node is from the one of analytics, with its bound.',
    )
    .option('--of <node>', 'the history of one, an hour of it')
    .addHelpText(
      'after',
      `
The true offset lies within OFFSET ± BOUND, half of the round trip of the best probe. From 300 ms
Corrosion does not believe a change. Exits with 4 when a clock is in alarm or not known.

Examples:
  $ corroport clocks
  $ corroport clocks --of node2 --json`,
    )
    .action(
      terminal.action(async ({ of, ...options }: GatewayOptions & { of?: string }) => {
        const reply = await openGateway(options, terminal).get(
          withQuery('/api/clocks', { node: of, hours: of === undefined ? undefined : 1 }),
          createParser('clocks', ClocksReply),
        )
        if (options.json) terminal.printJson(reply)
        else if (of === undefined) {
          terminal.print(`against the clock of ${reply.reference}`)
          const rows = reply.clocks.map((clock): Part[] => [
            clock.node_id,
            { text: clock.state, style: clockStyles[clock.state] },
            offsetText(clock.offset_ms),
            boundText(clock.bound_ms),
            clock.drift_ppm === null ? '–' : `${clock.drift_ppm.toFixed(1)} ppm`,
            clock.at ?? '–',
            clock.error ?? '',
          ])
          printTable(['NODE', 'STATE', 'OFFSET', 'BOUND', 'DRIFT', 'AT', 'ERROR'], rows, terminal)
        } else {
          const rows = reply.history.map(({ at, offsetMs, boundMs, roundTripMs, probes }) => [
            at,
            offsetText(offsetMs),
            boundText(boundMs),
            formatDuration(roundTripMs),
            String(probes),
          ])
          printTable(['AT', 'OFFSET', 'BOUND', 'ROUND TRIP', 'PROBES'], rows, terminal)
        }
        return reply.clocks.every(({ state }) => state === 'ok') ? 'ok' : 'degraded'
      }),
    )
}
