import {
  type CheckedEdit,
  createParser,
  type Plan,
  PlanReply,
  SettingValue,
} from '@corroport/contracts'
import { type Command, InvalidArgumentError } from 'commander'
import { drawBootstrapGraph } from '../bootstrap-graph.ts'
import { Failure } from '../failure.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'
import { diffLines } from '../unified-diff.ts'

type Settings = Readonly<Record<string, SettingValue>>

interface PlanOptions extends GatewayOptions {
  bootstrap?: string[]
  set?: Settings
  unset?: Settings
  nodes: 'all' | string[]
}

export function registerPlan(config: Command, terminal: Terminal): void {
  withGateway(config.command('plan'))
    .description('Shows what a change would do to each node, and whether it can be applied.')
    .option('--bootstrap <hosts>', 'the new list, with commas between', parseHosts)
    .option('--set <name=value>', 'a setting and its new value; may be given again', addSetting)
    .option('--unset <name>', 'a setting to take out; may be given again', addUnset)
    .option('--nodes <list>', 'all, or node1,node2,…', parseNodes, 'all')
    .addHelpText(
      'after',
      `
Nothing is written. Hosts are ip:port, [v6]:port, name:port or name, each with an optional @resolver.
Values are read as JSON where they are such, otherwise as text. Exits with 1 when the change cannot
be applied.

Examples:
  $ corroport config plan --bootstrap 10.0.0.1:8787,seeds.internal:8787
  $ corroport config plan --set perf.min_sync_backoff=5 --unset log.colors --nodes node2`,
    )
    .action(
      terminal.action(async (options: PlanOptions) => {
        const settings = { ...options.set, ...options.unset }
        const edit = {
          ...(options.bootstrap !== undefined && { bootstrap: options.bootstrap }),
          ...(Object.keys(settings).length > 0 && { settings }),
        }
        if (Object.keys(edit).length === 0) {
          throw new Failure('nothing to change: give --bootstrap, --set or --unset', {
            exit: 'usage',
          })
        }
        const { plan } = await openGateway(options, terminal).post(
          '/api/config/plan',
          { ...edit, nodes: options.nodes },
          createParser('plan', PlanReply),
        )
        if (options.json) terminal.printJson(plan)
        else showPlan(plan, terminal)
        return plan.problems.length === 0 ? 'ok' : 'failed'
      }),
    )
}

function showPlan(plan: Plan, terminal: Terminal): void {
  for (const node of plan.nodes) showNode(node, terminal)
  terminal.print({ text: 'bootstrap graph', style: 'bold' })
  for (const line of drawBootstrapGraph(plan)) terminal.print('  ', ...line)
  terminal.print('')
  for (const warning of plan.warnings) {
    terminal.print({ text: 'warning', style: 'yellow' }, `  ${warning}`)
  }
  for (const problem of plan.problems) {
    terminal.print({ text: 'problem', style: 'red' }, `  ${problem}`)
  }
  if (plan.problems.length > 0) {
    terminal.print('it cannot be applied')
    return
  }
  const [canary, ...rest] = plan.node_ids
  terminal.print(`order: ${[`${canary} (canary)`, ...rest].join(', ')}; one node at a time`)
  terminal.print(`apply it until ${plan.expires_at} with:`)
  terminal.print(`  corroport config apply ${plan.id} --confirm ${plan.id}`)
}

function showNode(node: CheckedEdit, terminal: Terminal): void {
  terminal.print({ text: node.node_id, style: 'bold' }, `  agent ${node.agent.state}`)
  for (const line of diffLines(node.diff)) terminal.print('  ', line)
  for (const { host, addresses, error } of node.resolved) {
    if (error !== null) terminal.print('  ', { text: `${host}: ${error}`, style: 'red' })
    else if (addresses.join() !== host) terminal.print(`  ${host} is ${addresses.join(', ')}`)
  }
  terminal.print('')
}

function parseHosts(text: string): string[] {
  return text === '' ? [] : text.split(',').map((host) => host.trim())
}

function parseNodes(text: string): 'all' | string[] {
  return text === 'all' ? text : text.split(',')
}

const parseValue = createParser('value', SettingValue)

function addSetting(text: string, before: Settings = {}): Settings {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Give name=value.')
  if (value === 'null') throw new InvalidArgumentError('Take a setting out with --unset.')
  return { ...before, [name.trim()]: settingValue(value) }
}

function addUnset(name: string, before: Settings = {}): Settings {
  return { ...before, [name.trim()]: null }
}

function settingValue(text: string): SettingValue {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return text // no JSON: it stands for itself, as in gossip.external_addr=10.0.0.1:8787
  }
  try {
    return parseValue(value)
  } catch {
    throw new InvalidArgumentError('Give a number, true, false, a text or a list of texts.')
  }
}
