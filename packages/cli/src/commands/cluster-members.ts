import { type ClusterMember, createParser, MembersReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { printDisagreements } from '../disagreements.ts'
import { formatAge, formatDuration } from '../duration.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

export function registerMembers(cluster: Command, terminal: Terminal): void {
  withGateway(cluster.command('members'))
    .description(
      'Shows who is declared, who gossips, who is heard on NATS, and where these differ.',
    )
    .addHelpText(
      'after',
      `
What disagrees comes first; exits with 4 when anything does. SWIM is what the agent of the asked node
says, which does not list itself. LINK is judged by the canary rows that come from a node.

Examples:
  $ corroport cluster members
  $ corroport cluster members --node 2 --json | jq .disagreements`,
    )
    .action(
      terminal.action(async (options: GatewayOptions) => {
        const path = '/api/cluster/members'
        const reply = await openGateway(options, terminal).get(
          path,
          createParser('members', MembersReply),
        )
        if (options.json) terminal.printJson(reply)
        else showMembers(reply, terminal)
        return reply.disagreements.length === 0 ? 'ok' : 'degraded'
      }),
    )
}

const head = [
  'NODE',
  'STATE',
  'REGION',
  'NATS',
  'AGENT',
  'SWIM',
  'LINK',
  'CANARY',
  'RTT',
  'SYNC',
  'GOSSIP',
]

function showMembers(
  { members, disagreements, sources, timestamp }: MembersReply,
  terminal: Terminal,
): void {
  printDisagreements(disagreements, terminal)
  const sorted = members.toSorted(
    (a, b) =>
      Number(a.is_agreed) - Number(b.is_agreed) ||
      nameOf(a).localeCompare(nameOf(b), undefined, { numeric: true }),
  )
  const rows = sorted.map((member) => cellsOf(member, Date.parse(timestamp)))
  printTable(head, rows, terminal)
  const { declared, swim, nats } = sources
  terminal.print('')
  terminal.print(`declared  ${source(declared)}`)
  terminal.print(`swim      ${source(swim)}`)
  terminal.print(`nats      ${nats.connected ? `${nats.count} heard` : 'not connected'}`)
}

function source(from: MembersReply['sources']['swim']): string {
  const age = from.age_ms === null ? '' : `, ${formatAge(from.age_ms)}`
  const error = from.error === null ? '' : `; ${from.error}`
  return `${from.count} by ${from.source}${age}${error}`
}

function nameOf({ node_id, actor_id, gossip_address }: ClusterMember): string {
  return node_id ?? actor_id?.slice(0, 8) ?? gossip_address ?? '?'
}

function cellsOf(member: ClusterMember, nowMs: number): Part[] {
  const { nats, agent, swim, link } = member
  const [rttMs] = swim.rtts_ms
  return [
    {
      text: member.is_local ? `${nameOf(member)} *` : nameOf(member),
      style: member.is_agreed ? 'green' : 'red',
    },
    member.state ?? '-',
    member.region ?? '-',
    nats.presence === 'present' || nats.age_ms === null
      ? marked(nats.presence, 'present')
      : marked(`${nats.presence} ${formatAge(nats.age_ms)}`, 'present'),
    marked(agent.state, 'ready'),
    member.is_local ? 'self' : marked(swim.state, 'alive'),
    member.is_local ? '-' : marked(link.state, 'ok'),
    link.canary_age_ms === null ? '-' : formatAge(link.canary_age_ms),
    rttMs === undefined ? '-' : formatDuration(rttMs),
    swim.last_sync_at === null ? '-' : formatAge(nowMs - Date.parse(swim.last_sync_at)),
    member.gossip_address ?? '-',
  ]
}

function marked(state: string | null, good: string): Part {
  if (state === null || state === 'unknown') return '-'
  return { text: state, style: state === good ? 'green' : 'red' }
}
