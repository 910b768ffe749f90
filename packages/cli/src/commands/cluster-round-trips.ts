import {
  createParser,
  type RoundTripsReply as Reply,
  RoundTripsReply,
  roundTripLinks,
} from '@corroport/contracts'
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
  $ corroport cluster rtt --json | jq '.not_alive[] | select(.state == "down")'`,
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

function show(reply: Reply, terminal: Terminal): void {
  const { nodes, mean_ms, deviation_ms } = reply
  const slowestFirst = roundTripLinks(reply).toSorted((a, b) => (b.rttMs ?? -1) - (a.rttMs ?? -1))
  printTable(
    ['FROM', 'TO', 'ROUND TRIP', 'DEVIATION', 'SAMPLES', 'STATE'],
    slowestFirst.map(({ from, to, rttMs, samples, state }) => [
      from,
      to,
      rttMs === null ? '-' : formatDuration(rttMs),
      rttMs === null || mean_ms === null || !deviation_ms
        ? ''
        : ((rttMs - mean_ms) / deviation_ms).toFixed(1),
      String(samples),
      state === 'alive' ? state : { text: state ?? 'not known', style: 'red' },
    ]),
    terminal,
  )
  for (const { node_id, error } of nodes) {
    if (error !== null) terminal.note(`${node_id}: ${error}`)
  }
  if (mean_ms !== null) terminal.print(`mean ${formatDuration(mean_ms)}`)
}
