import { createParser, type Rollout, RolloutsReply } from '@corroport/contracts'
import type { Command } from 'commander'
import { isMeant, withYes, type YesOption } from '../consent.ts'
import { Failure } from '../failure.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import {
  followRollout,
  isOver,
  judgeRollout,
  parseRollout,
  rolloutPath,
  stepParts,
} from '../rollout-progress.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface ApplyOptions extends GatewayOptions, YesOption {
  confirm?: string
  wait: boolean
}

export function registerRollouts(config: Command, terminal: Terminal): void {
  registerApply(config, terminal)
  registerList(config, terminal)
  registerSteer(config, terminal, 'pause', 'Lets no further node begin; the one under way ends.')
  registerSteer(config, terminal, 'resume', 'Lets a paused rollout go on.')
  registerSteer(
    config,
    terminal,
    'abort',
    'Ends a rollout: nodes that have not begun are left out.',
  )
}

function registerApply(config: Command, terminal: Terminal): void {
  withYes(withGateway(config.command('apply')))
    .description('Applies a plan node by node, and stops where a node does not come back well.')
    .argument('<plan-id>', 'as config plan prints it')
    .option('--confirm <plan-id>', 'the same id again, in place of being asked')
    .option('--no-wait', 'do not wait for the end of the rollout')
    .addHelpText(
      'after',
      `
A node that does not come back on its new file is put back on its old one, and the rest is left as
it is. Ctrl-C ends only the watching. Exits with 1 when the rollout does not succeed.

Examples:
  $ corroport config apply node1_01KB3GQ0E6T1V8R7D2M5XNCJ4A
  $ corroport config apply node1_01KB3GQ0E6T1V8R7D2M5XNCJ4A --yes --json`,
    )
    .action(
      terminal.action(async (planId: string, options: ApplyOptions) => {
        if (options.confirm !== undefined && options.confirm !== planId) {
          throw new Failure('--confirm names another plan', { exit: 'usage' })
        }
        const yes = options.yes === true || options.confirm !== undefined
        if (!(await isMeant(`Apply ${planId}?`, { yes }, terminal))) return 'failed'
        const gateway = openGateway(options, terminal)
        const body = { plan_id: planId, confirm: planId }
        const { rollout } = await gateway.post('/api/config/apply', body, parseRollout)
        if (!options.wait) {
          if (options.json) terminal.printJson(rollout)
          else terminal.print(rollout.id)
          return 'ok'
        }
        if (!options.json) {
          const names = rollout.nodes.map(({ node_id }) => node_id)
          terminal.print(`${names.join(', ')}, in this order, led by ${rollout.coordinator}`)
        }
        const ended = await followRollout(gateway, rollout.id, options, terminal)
        if (options.json) terminal.printJson(ended)
        return judgeRollout(ended, terminal, options)
      }),
    )
}

function registerList(config: Command, terminal: Terminal): void {
  withGateway(config.command('rollouts'))
    .description('Lists the latest rollouts, or shows one with the steps of each node.')
    .argument('[id]', 'one rollout')
    .option('--watch', 'follow the one until it ends')
    .addHelpText(
      'after',
      `
Examples:
  $ corroport config rollouts
  $ corroport config rollouts node1_01KB3GQ0E6T1V8R7D2M5XNCJ4A --watch`,
    )
    .action(
      terminal.action(
        async (id: string | undefined, options: GatewayOptions & { watch?: boolean }) => {
          const gateway = openGateway(options, terminal)
          if (id === undefined) {
            if (options.watch) throw new Failure('give the id to watch', { exit: 'usage' })
            const parse = createParser('rollouts', RolloutsReply)
            const { rollouts } = await gateway.get('/api/config/rollouts', parse)
            if (options.json) terminal.printJson(rollouts)
            else showRollouts(rollouts, terminal)
            return 'ok'
          }
          if (options.watch) {
            const ended = await followRollout(gateway, id, options, terminal)
            if (options.json) terminal.printJson(ended)
            return judgeRollout(ended, terminal, options)
          }
          const { rollout } = await gateway.get(rolloutPath(id), parseRollout)
          if (options.json) terminal.printJson(rollout)
          else showRollout(rollout, terminal)
          return 'ok'
        },
      ),
    )
}

function registerSteer(
  config: Command,
  terminal: Terminal,
  action: 'pause' | 'resume' | 'abort',
  description: string,
): void {
  withGateway(config.command(action))
    .description(description)
    .argument('<id>', 'of the rollout')
    .addHelpText(
      'after',
      `
Example:
  $ corroport config ${action} node1_01KB3GQ0E6T1V8R7D2M5XNCJ4A`,
    )
    .action(
      terminal.action(async (id: string, options: GatewayOptions) => {
        const path = `${rolloutPath(id)}/${action}`
        const { rollout } = await openGateway(options, terminal).post(path, {}, parseRollout)
        if (options.json) terminal.printJson(rollout)
        else terminal.print(`${rollout.id} is ${rollout.state}`)
        return 'ok'
      }),
    )
}

function showRollouts(rollouts: readonly Rollout[], terminal: Terminal): void {
  const rows = rollouts.map((rollout) => {
    const done = rollout.nodes.filter(({ state }) => state === 'done').length
    return [
      rollout.started_at,
      rollout.id,
      rollout.state,
      `${done} of ${rollout.nodes.length}`,
      rollout.by,
      rollout.reason ?? '',
    ]
  })
  const head = ['STARTED', 'ID', 'STATE', 'DONE', 'BY', 'REASON']
  printTable(head, rows, terminal)
}

function showRollout(rollout: Rollout, terminal: Terminal): void {
  const reason = rollout.reason === null ? '' : `: ${rollout.reason}`
  terminal.print({ text: rollout.id, style: 'bold' }, `  ${rollout.state}${reason}`)
  const led = isOver(rollout) ? 'was led' : 'is led'
  terminal.print(`by ${rollout.by}, ${led} by ${rollout.coordinator}, epoch ${rollout.epoch}`)
  terminal.print(`from ${rollout.started_at} to ${rollout.finished_at ?? 'now'}`)
  for (const step of rollout.nodes) terminal.print(`  ${step.node_id}  `, ...stepParts(step))
}
