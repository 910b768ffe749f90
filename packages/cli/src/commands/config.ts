import { type ConfigChange, type ConfigFile, ConfigReply, createParser } from '@corroport/contracts'
import type { Command } from 'commander'
import { isMeant, withYes, type YesOption } from '../consent.ts'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { type OperationOptions, runOperation, withWait } from '../operation-progress.ts'
import { formatTable, printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { diffLines } from '../unified-diff.ts'
import { registerFallbackCheck } from './config-fallback.ts'
import { registerPlan } from './config-plan.ts'
import { registerRollouts } from './rollouts.ts'

const ofNode = 'whose configuration; without it the one of the asked node'
const parse = createParser('configuration', ConfigReply)

export function registerConfig(program: Command, terminal: Terminal): void {
  const config = program
    .command('config')
    .description('The configuration of agents: looked at, planned, applied, put back.')
  registerShow(config, terminal)
  registerHistory(config, terminal)
  registerPlan(config, terminal)
  registerRollouts(config, terminal)
  registerReturn(config, terminal, {
    name: 'rollback',
    description: 'Puts the file of before the last change back, and restarts the agent.',
    question: (node) => `Put the previous configuration of ${node} back and restart its agent?`,
  })
  registerReturn(config, terminal, {
    name: 'restore',
    description: 'Puts the canonical file back, and restarts the agent. Changes since are undone.',
    question: (node) => `Put the canonical configuration of ${node} back and restart its agent?`,
  })
  registerFallbackCheck(config, terminal)
}

function registerShow(config: Command, terminal: Terminal): void {
  withGateway(config.command('show'))
    .description('Shows the file that an agent runs from. Secrets are masked.')
    .argument('[node-id]', ofNode)
    .option('--raw', 'the text of the file')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport config show --node 2
  $ corroport config show node3 --raw`,
    )
    .action(
      terminal.action(
        async (nodeId: string | undefined, options: GatewayOptions & { raw?: boolean }) => {
          const path = withQuery('/api/config', { node: nodeId, changes: 0 })
          const reply = await openGateway(options, terminal).get(path, parse)
          if (options.json) terminal.printJson(reply)
          else if (options.raw) showText(reply.file, terminal)
          else showFile(reply.file, terminal)
          return 'ok'
        },
      ),
    )
}

function registerHistory(config: Command, terminal: Terminal): void {
  withGateway(config.command('history'))
    .description('Lists the changes of a configuration, newest first.')
    .argument('[node-id]', ofNode)
    .option('--limit <count>', 'at most so many', parseWhole(1, 100), 20)
    .option('--diff', 'with what was changed')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport config history --node 2
  $ corroport config history node3 --limit 1 --diff`,
    )
    .action(
      terminal.action(
        async (
          nodeId: string | undefined,
          options: GatewayOptions & { limit: number; diff?: boolean },
        ) => {
          const path = withQuery('/api/config', { node: nodeId, changes: options.limit })
          const { changes } = await openGateway(options, terminal).get(path, parse)
          if (options.json) {
            terminal.printJson(changes)
          } else if (options.diff) {
            for (const change of changes) showChange(change, terminal)
          } else {
            printTable(head, changes.map(cellsOf), terminal)
          }
          return 'ok'
        },
      ),
    )
}

interface Return {
  /** Also the last word of its route. */
  name: 'rollback' | 'restore'
  description: string
  question: (node: string) => string
}

function registerReturn(
  config: Command,
  terminal: Terminal,
  { name, description, question }: Return,
): void {
  withYes(withWait(withGateway(config.command(name))))
    .description(description)
    .argument('[node-id]', ofNode)
    .addHelpText(
      'after',
      `
Examples:
  $ corroport config ${name} --node 2
  $ corroport config ${name} node3 --yes`,
    )
    .action(
      terminal.action(async (nodeId: string | undefined, options: OperationOptions & YesOption) => {
        const gateway = openGateway(options, terminal)
        if (!(await isMeant(question(nodeId ?? gateway.name), options, terminal))) return 'failed'
        const path = `/api/config/${name}`
        return runOperation({ gateway, path, body: { node_id: nodeId } }, options, terminal)
      }),
    )
}

function showText({ text }: ConfigFile, terminal: Terminal): void {
  // A terminal gets no control characters; a tab would be shown as one.
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
  for (const line of lines) terminal.print(line.replaceAll('\t', '  '))
}

function showFile(file: ConfigFile, terminal: Terminal): void {
  const { canonical } = file
  const facts = [
    ['path', file.path],
    ['size', `${file.size_bytes} bytes`],
    ['modified', file.modified_at],
    ['sha256', file.sha256],
    ['canonical', canonical ? `${canonical.path}, ${canonicalState(canonical)}` : 'not configured'],
    ['bootstrap', file.bootstrap.join(', ') || 'nobody'],
    ['gossip', file.gossip_address ?? 'not said'],
  ]
  terminal.print({ text: file.node_id, style: 'bold' })
  for (const line of formatTable(['', ''], facts, terminal.width).slice(1)) terminal.print(...line)
  terminal.print('')
  const settings = flatten('', file.parsed).map(([name, value]) => [name, JSON.stringify(value)])
  printTable(['SETTING', 'VALUE'], settings, terminal)
}

function canonicalState({ differs }: { differs: boolean }): string {
  return differs ? 'which is different' : 'which is the same'
}

/** `{ gossip: { plaintext: true } }` as `gossip.plaintext`, true. */
function flatten(name: string, value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[name, value]]
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(name === '' ? key : `${name}.${key}`, inner),
  )
}

const head = ['AT', 'ACTION', 'STATE', 'BY', 'BEFORE', 'AFTER', 'ROLLOUT', 'REASON']

function cellsOf(change: ConfigChange): string[] {
  return [
    change.at,
    change.action,
    change.state,
    change.by,
    change.sha256_before.slice(0, 8),
    change.sha256_after.slice(0, 8),
    change.rollout_id ?? '-',
    change.reason ?? '',
  ]
}

function showChange(change: ConfigChange, terminal: Terminal): void {
  const reason = change.reason === null ? '' : `: ${change.reason}`
  terminal.print(
    { text: change.at, style: 'bold' },
    `  ${change.action} ${change.state}${reason}, by ${change.by}`,
  )
  for (const line of diffLines(change.diff)) terminal.print('  ', line)
}
