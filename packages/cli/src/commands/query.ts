import {
  createParser,
  QueryReply,
  type QueryRequest,
  type QuerySource,
  queryLimits,
  queryPresets,
} from '@corroport/contracts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../duration.ts'
import { Failure } from '../failure.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { type GivenParameters, parametersOf } from '../query-parameter.ts'
import { isWell, showResult } from '../query-result.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface QueryOptions extends GatewayOptions {
  param: GivenParameters
  nodes?: 'all' | string[]
  key?: string[]
  source: QuerySource
  preset?: string
  presets?: true
  csv?: true
  maxRows: number
  timeout: number
}

const { rows, timeoutMs } = queryLimits
const parse = createParser('query', QueryReply)

export function registerQuery(program: Command, terminal: Terminal): void {
  withGateway(program.command('query'))
    .description(
      'Reads an agent with one statement of SQL, all agents with what differs, or analytics.',
    )
    .argument('[sql]', 'SELECT, VALUES, WITH or EXPLAIN; without it, standard input')
    .addOption(
      new Option('--param <name=value>', 'value of :name in the statement; once for each')
        .argParser(addParameter)
        .default({}, 'none'),
    )
    .addOption(
      new Option(
        '--nodes <names>',
        'all, or node1,node2,…; without it the node that is asked',
      ).argParser(parseNodes),
    )
    .addOption(
      new Option(
        '--key <columns>',
        'columns with commas that tell the rows of nodes apart',
      ).argParser((text) => text.split(',')),
    )
    .addOption(
      new Option('--source <source>', 'the agents (SQLite) or the tables of analytics (Postgres)')
        .choices(['corrosion', 'analytics'])
        .default('corrosion'),
    )
    .addOption(
      new Option('--preset <id>', 'a statement that is kept').choices(
        queryPresets.map(({ id }) => id),
      ),
    )
    .option('--presets', 'lists those statements')
    .option('--csv', 'rows as CSV; of one node, or of analytics')
    .addOption(
      new Option('--max-rows <count>', 'of each node')
        .argParser(parseWhole(rows.least, rows.most))
        .default(rows.default),
    )
    .addOption(
      new Option('--timeout <time>', 'of each node, 50ms to 10s')
        .argParser(parseQueryTimeout)
        .default(timeoutMs.default, '5s'),
    )
    .addHelpText(
      'after',
      `
A value is a number or null where it looks like one; "7" in double quotes is a text. Nothing can be
written: a statement that would is refused before it is sent. Rows of several nodes are held
against each other; then 0 means that all answered and are the same, 4 that they are not.

Examples:
  $ corroport query 'SELECT node_id, count(*) FROM node_messages GROUP BY node_id' --nodes all
  $ corroport query 'SELECT * FROM node_messages WHERE node_id = :node' --param node=node2 --csv
  $ corroport query --preset slowest_pairs --param experiments=3
  $ corroport query --presets`,
    )
    .action(
      terminal.action(async (sql: string | undefined, options: QueryOptions) => {
        if (options.presets) {
          listPresets(options, terminal)
          return 'ok'
        }
        const request = await requestOf(sql, options, terminal)
        const gateway = openGateway(options, terminal)
        if (options.csv) {
          const { text, headers } = await gateway.postForText('/api/query', request, 'text/csv')
          terminal.printFile(text)
          const cut = headers.get('corroport-cut')
          if (cut !== null) terminal.note(`there are more rows: cut by ${cut}`)
          return 'ok'
        }
        const reply = await gateway.post('/api/query', request, parse)
        if (options.json) terminal.printJson(reply)
        else showResult(reply, terminal)
        return isWell(reply) ? 'ok' : 'degraded'
      }),
    )
}

async function requestOf(
  sql: string | undefined,
  options: QueryOptions,
  terminal: Terminal,
): Promise<QueryRequest> {
  const preset = queryPresets.find(({ id }) => id === options.preset)
  if (preset && sql !== undefined) {
    throw new Failure('a preset has its own statement: give one of the two', { exit: 'usage' })
  }
  const statement = preset?.sql ?? sql ?? (await terminal.readInput())
  if (statement === undefined || statement.trim() === '') {
    throw new Failure('there is no statement: give one, or --preset; --presets lists them', {
      exit: 'usage',
    })
  }
  const { nodes, key } = options
  return {
    sql: statement,
    params: parametersOf(preset, options.param),
    source: preset?.source ?? options.source,
    ...(nodes === undefined ? {} : { nodes }),
    ...(key === undefined ? {} : { key }),
    max_rows: options.maxRows,
    timeout_ms: options.timeout,
  }
}

function listPresets({ json }: QueryOptions, terminal: Terminal): void {
  if (json) {
    terminal.printJson(queryPresets)
    return
  }
  printTable(
    ['PRESET', 'SOURCE', 'PARAMETERS', 'SHOWS'],
    queryPresets.map(({ id, source, parameters, description }) => [
      id,
      source,
      parameters.map(({ name, default: value }) => `${name}=${value ?? '…'}`).join(' '),
      description,
    ]),
    terminal,
  )
}

function addParameter(text: string, before: GivenParameters): GivenParameters {
  const place = text.indexOf('=')
  if (place < 1) throw new InvalidArgumentError('Give name=value.')
  return { ...before, [text.slice(0, place)]: text.slice(place + 1) }
}

function parseNodes(text: string): 'all' | string[] {
  if (text === 'all') return text
  const names = text.split(',')
  if (names.every((name) => /^[a-zA-Z0-9_-]{1,64}$/.test(name))) return names
  throw new InvalidArgumentError('Give all, or names such as node1,node2.')
}

function parseQueryTimeout(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms < timeoutMs.least || ms > timeoutMs.most) {
    throw new InvalidArgumentError('Give a time from 50ms to 10s.')
  }
  return ms
}
