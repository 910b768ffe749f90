import {
  createParser,
  EdgeBackendsReply,
  type EdgeCandidate,
  EdgeDecisionsReply,
  EdgesReply,
  EdgeWhyReply,
} from '@corroport/contracts'
import type { Command } from 'commander'
import { showBackends } from '../edge-backends.ts'
import { Failure } from '../failure.ts'
import { type Gateway, withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { registerEdgeRegister } from './edge-register.ts'
import { registerEdgeWriting } from './edge-write.ts'

const parseEdges = createParser('points of presence', EdgesReply)
const parseBackends = createParser('backends', EdgeBackendsReply)
const parseWhy = createParser('explanation', EdgeWhyReply)
const parseDecisions = createParser('decisions', EdgeDecisionsReply)

interface PopOptions extends GatewayOptions {
  pop?: string
}

export function registerEdge(program: Command, terminal: Terminal): void {
  const edge = program
    .command('edge')
    .description('Points of presence: where clients are sent, why, and the backends they go to.')
  registerPops(edge, terminal)
  registerRoutes(edge, terminal)
  registerWhy(edge, terminal)
  registerDecisions(edge, terminal)
  registerEdgeWriting(edge, terminal)
  registerEdgeRegister(edge, terminal)
}

function withPop(command: Command): Command {
  return withGateway(command).option('--pop <id>', 'point of presence (default: the first one)')
}

/** The one that is named, or the first that is present; as part of a path. */
async function popOf({ pop }: PopOptions, gateway: Gateway): Promise<string> {
  if (pop !== undefined) return encodeURIComponent(pop)
  const { edges } = await gateway.get('/api/edge', parseEdges)
  const present = edges.find(({ presence }) => presence === 'present')
  if (!present) {
    throw new Failure('no edge proxy is heard: start one with the NATS_URL of this cluster')
  }
  return encodeURIComponent(present.nodeId)
}

function registerPops(edge: Command, terminal: Terminal): void {
  withGateway(edge.command('pops'))
    .description('Shows the points of presence; exits with 4 when one is lost or its table is old.')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport edge pops
  $ corroport edge pops --json | jq '.edges[].table.ageSeconds'`,
    )
    .action(
      terminal.action(async (options: GatewayOptions) => {
        const reply = await openGateway(options, terminal).get('/api/edge', parseEdges)
        const isWell = reply.edges.every(
          ({ presence, table }) => presence === 'present' && table.isLive,
        )
        if (options.json) terminal.printJson(reply)
        else showPops(reply, terminal)
        return isWell ? 'ok' : 'degraded'
      }),
    )
}

function showPops({ edges }: EdgesReply, terminal: Terminal): void {
  printTable(
    ['POP', 'REGION', 'PRESENCE', 'OPEN', 'ACCEPTED', 'REFUSED', 'BACKENDS', 'TABLE', 'LISTENS'],
    edges.map(({ nodeId, region, presence, table, backends, listeners, ...counts }) => [
      nodeId,
      region ?? '-',
      { text: presence, style: presence === 'present' ? 'green' : 'red' },
      String(counts.connections),
      String(counts.accepted),
      String(counts.refused),
      `${backends.routing} of ${backends.routing + backends.refused}${backends.leftOut > 0 ? `, ${backends.leftOut} left out` : ''}`,
      table.isLive
        ? { text: 'live', style: 'green' }
        : { text: `${table.state}, ${ageOf(table.ageSeconds)}`, style: 'red' },
      listeners.map(({ app, port }) => `${app ?? 'any'}:${port}`).join(' '),
    ]),
    terminal,
  )
}

function ageOf(seconds: number | null): string {
  return seconds === null ? 'never in step' : `${Math.round(seconds)} s old`
}

function registerRoutes(edge: Command, terminal: Terminal): void {
  withPop(edge.command('routes'))
    .description('Shows the backends as a point of presence knows them, and what was set aside.')
    .argument('[app]', 'only of this app')
    .option('--limit <count>', 'at most so many', parseWhole(1, 1000), 100)
    .addHelpText(
      'after',
      `
Examples:
  $ corroport edge routes
  $ corroport edge routes web --pop node3 --json`,
    )
    .action(
      terminal.action(async (app: string | undefined, options: PopOptions & { limit: number }) => {
        const gateway = openGateway(options, terminal)
        const pop = await popOf(options, gateway)
        const path = `/api/edge/${pop}/backends`
        const reply = await gateway.get(
          withQuery(path, { app, limit: options.limit }),
          parseBackends,
        )
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        showBackends(reply.backends, terminal)
        for (const { id, reason } of reply.setAside) {
          terminal.note({ text: `row ${id} is set aside: ${reason}`, style: 'yellow' })
        }
        if (reply.total > reply.backends.length) {
          terminal.note(`${reply.backends.length} of ${reply.total}`)
        }
        return 'ok'
      }),
    )
}

function registerWhy(edge: Command, terminal: Terminal): void {
  withPop(edge.command('why'))
    .description('Says where a client would be sent now, and why; no connection is made.')
    .argument('<client>', 'address of the client')
    .argument('[app]', 'app that it asks for')
    .option('--without <ids>', 'as if these backends were dead, by commas')
    .addHelpText(
      'after',
      `
The least score is chosen: 100 for each step away (country, region, region of the proxy, elsewhere),
and how full a backend is. Exits with 1 when the client would be sent nowhere.

Examples:
  $ corroport edge why 203.0.113.7 web
  $ corroport edge why 203.0.113.7 web --pop node3 --without web-fra-1`,
    )
    .action(
      terminal.action(
        async (
          client: string,
          app: string | undefined,
          options: PopOptions & { without?: string },
        ) => {
          const gateway = openGateway(options, terminal)
          const pop = await popOf(options, gateway)
          const { without } = options
          const reply = await gateway.get(
            withQuery(`/api/edge/${pop}/why`, { client, app, without }),
            parseWhy,
          )
          if (options.json) terminal.printJson(reply)
          else showWhy(reply, pop, terminal)
          return reply.chosen.length > 0 ? 'ok' : 'failed'
        },
      ),
    )
}

function showWhy(reply: EdgeWhyReply, pop: string, terminal: Terminal): void {
  const { client, country, region, ownRegion, affinity, chosen } = reply
  terminal.print(
    `${client} is in ${country ?? 'a country that is not known'}${region === null ? '' : `, region ${region}`}; ${pop} is in ${ownRegion ?? 'no region'}`,
  )
  if (affinity !== null) terminal.print(`it has had ${affinity}, which has room`)
  const [first, ...others] = chosen
  if (!first) terminal.print({ text: 'it would be sent nowhere', style: 'red' })
  else if (others.length === 0)
    terminal.print('it would be sent to ', { text: first.id, style: 'green' })
  else {
    const shares = chosen.map(({ id, share }) => `${id} (${Math.round(share * 100)} %)`)
    terminal.print('it would be sent to one of ', { text: shares.join(', '), style: 'green' })
  }
  terminal.print('')
  showCandidates(reply.candidates, terminal)
}

const tiers = ['country', 'region', 'own region', 'elsewhere']

function showCandidates(candidates: readonly EdgeCandidate[], terminal: Terminal): void {
  printTable(
    ['BACKEND', 'TIER', 'SCORE', 'OPEN', 'WHY NOT'],
    candidates.map(({ id, tier, score, connections, refusal }) => [
      id,
      tiers[tier] ?? '',
      score === null ? '-' : String(Math.round(score * 1000) / 1000),
      String(connections),
      refusal ?? '',
    ]),
    terminal,
  )
}

function registerDecisions(edge: Command, terminal: Terminal): void {
  withPop(edge.command('decisions'))
    .description('Shows the last decisions that a point of presence has recorded, newest first.')
    .option('--limit <count>', 'at most so many', parseWhole(1, 200), 20)
    .addHelpText(
      'after',
      `
Only some are recorded (EDGEPROXY_DECISIONS_PER_SEC), of failures as many again.

Examples:
  $ corroport edge decisions --limit 5
  $ corroport edge decisions --pop node3 --json`,
    )
    .action(
      terminal.action(async (options: PopOptions & { limit: number }) => {
        const gateway = openGateway(options, terminal)
        const pop = await popOf(options, gateway)
        const path = withQuery(`/api/edge/${pop}/decisions`, { limit: options.limit })
        const reply = await gateway.get(path, parseDecisions)
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        printTable(
          ['AT', 'CLIENT', 'COUNTRY', 'APP', 'OUTCOME', 'ATTEMPTS'],
          reply.decisions.map(({ at, client, country, app, outcome, attempts }) => [
            at,
            client,
            country ?? '-',
            app ?? '-',
            { text: outcome, style: outcome === 'routed' ? 'green' : 'red' },
            attempts
              .map(({ id, failure }) => (failure === null ? id : `${id}: ${failure}`))
              .join(', '),
          ]),
          terminal,
        )
        return 'ok'
      }),
    )
}
