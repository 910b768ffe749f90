import { createParser, type EdgeBackendChange, EdgeBackendReply } from '@corroport/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isMeant, withYes, type YesOption } from '../consent.ts'
import { showBackends } from '../edge-backends.ts'
import { Failure } from '../failure.ts'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'

interface WriteOptions extends GatewayOptions {
  pop?: string
  app?: string
  region?: string
  country?: string
  ip?: string
  port?: number
  weight?: number
  softLimit?: number
  hardLimit?: number
  healthy?: boolean
  draining?: boolean
}

const mostConnections = 1_000_000
const parseBackend = createParser('backend', EdgeBackendReply)

export function registerEdgeWriting(edge: Command, terminal: Terminal): void {
  const usable = (command: Command): Command =>
    withGateway(command).option('--pop <id>', 'which point of presence writes it (default: any)')

  withFields(usable(edge.command('add')))
    .description("Adds a backend of the operator's own: it stays until it is removed.")
    .argument('<id>', 'name of the backend')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport edge add web-fra-1 --app web --region eu --country DE --ip 10.50.3.3 --port 8080`,
    )
    .action(
      terminal.action(async (id: string, options: WriteOptions) => {
        const gateway = openGateway(options, terminal)
        const path = withQuery(pathOf(id), { at: options.pop })
        const reply = await gateway.post(path, changeOf(options), parseBackend)
        if (options.json) terminal.printJson(reply)
        else showBackends([reply.backend], terminal)
        return 'ok'
      }),
    )

  withFields(usable(edge.command('set')))
    .description('Changes a backend: what is not named stays as it is.')
    .argument('<id>', 'name of the backend')
    .addHelpText(
      'after',
      `
One that was registered is changed at the point of presence where it was, which --pop names; what it
registers anew replaces it.

Examples:
  $ corroport edge set web-fra-1 --draining true
  $ corroport edge set web-fra-1 --weight 4 --pop node1`,
    )
    .action(
      terminal.action(async (id: string, options: WriteOptions) => {
        const change = changeOf(options)
        if (Object.keys(change).length === 0) {
          throw new Failure('name what is to change, such as --draining true', { exit: 'usage' })
        }
        const gateway = openGateway(options, terminal)
        const path = withQuery(pathOf(id), { at: options.pop })
        const reply = await gateway.patch(path, change, parseBackend)
        if (options.json) terminal.printJson(reply)
        else showBackends([reply.backend], terminal)
        return 'ok'
      }),
    )

  withYes(usable(edge.command('remove')))
    .description('Removes a backend; connections that stand are not ended.')
    .argument('<id>', 'name of the backend')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport edge remove web-fra-1
  $ corroport edge remove web-fra-1 --yes`,
    )
    .action(
      terminal.action(async (id: string, options: WriteOptions & YesOption) => {
        if (!(await isMeant(`Remove backend ${id}?`, options, terminal))) return 'failed'
        await openGateway(options, terminal).delete(withQuery(pathOf(id), { at: options.pop }))
        terminal.note(`${id} is removed`)
        return 'ok'
      }),
    )
}

function pathOf(id: string): string {
  return `/api/edge/backends/${encodeURIComponent(id)}`
}

function withFields(command: Command): Command {
  return command
    .option('--app <name>', 'app that it serves')
    .option('--region <name>', 'region that it is in')
    .option('--country <code>', 'two letters')
    .option('--ip <address>', 'address or host name')
    .option('--port <port>', 'port', parseWhole(1, 65_535))
    .option('--weight <weight>', '0 takes no connections', parseWhole(0, 255))
    .option('--soft-limit <count>', 'connections', parseWhole(0, mostConnections))
    .option('--hard-limit <count>', 'connections; 0: no limit', parseWhole(0, mostConnections))
    .addOption(new Option('--healthy <bool>', 'true or false').argParser(parseFlag))
    .addOption(new Option('--draining <bool>', 'true: it takes nothing new').argParser(parseFlag))
}

function parseFlag(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('Give true or false.')
  return text === 'true'
}

function changeOf(options: WriteOptions): EdgeBackendChange {
  const { app, region, country, ip, port, weight, softLimit, hardLimit, healthy, draining } =
    options
  return {
    ...(app !== undefined && { app }),
    ...(region !== undefined && { region }),
    ...(country !== undefined && { country }),
    ...(ip !== undefined && { ip }),
    ...(port !== undefined && { port }),
    ...(weight !== undefined && { weight }),
    ...(softLimit !== undefined && { soft_limit: softLimit }),
    ...(hardLimit !== undefined && { hard_limit: hardLimit }),
    ...(healthy !== undefined && { healthy }),
    ...(draining !== undefined && { draining }),
  }
}
