import { createParser, type RoundTripsReply as Reply, RoundTripsReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { formatDuration } from '../duration.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export function registerRoundTrips(cluster: Command, terminal: Terminal): void {
  withGateway(cluster.command('rtt'))
    .description('Shows the round trips that the agents measured to each other, slowest first.')
    .addHelpText(
      'after',
      `
Medians of the newest, at most 20. DEVIATION is from the mean of all pairs, in standard deviations.
Exits with 4 when a node does not say what it sees.

Examples:
  $ corroport cluster rtt
  $ corroport cluster rtt --json | jq '.round_trips[] | select(.state != "alive")'`,
    )
    .action(
      terminal.action(async (options: GatewayOptions) => {
        const reply = await openGateway(options, terminal).get(
          '/api/cluster/round-trips',
          createParser('round trips', RoundTripsReply),
        )
        if (options.json) terminal.printJson(reply)
        else show(reply, terminal)
        return reply.nodes.every(({ error }) => error === null) ? 'ok' : 'degraded'
      }),
    )
}

function show({ nodes, round_trips, mean_ms, deviation_ms }: Reply, terminal: Terminal): void {
  const slowestFirst = round_trips.toSorted((a, b) => (b.rtt_ms ?? -1) - (a.rtt_ms ?? -1))
  printTable(
    ['FROM', 'TO', 'ROUND TRIP', 'DEVIATION', 'SAMPLES', 'STATE'],
    slowestFirst.map(({ from, to, rtt_ms, samples, state }) => [
      from,
      to,
      rtt_ms === null ? '-' : formatDuration(rtt_ms),
      rtt_ms === null || mean_ms === null || !deviation_ms
        ? ''
        : ((rtt_ms - mean_ms) / deviation_ms).toFixed(1),
      String(samples),
      state === 'alive' ? state : { text: state ?? 'not known there', style: 'red' },
    ]),
    terminal,
  )
  for (const { node_id, error } of nodes) {
    if (error !== null) terminal.note(`${node_id}: ${error}`)
  }
  if (mean_ms !== null) terminal.print(`mean ${formatDuration(mean_ms)}`)
}
