import {
  type ConfigFile,
  ConfigReply,
  createParser,
  OperationReply,
  PlanReply,
} from '@corroport/contracts'
import type { Command } from 'commander'
import { isMeant, withYes, type YesOption } from '../consent.ts'
import { Failure } from '../failure.ts'
import { type Gateway, withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import { followOperation } from '../operation-progress.ts'
import { followRollout, judgeRollout, parseRollout } from '../rollout-progress.ts'
import type { Terminal } from '../terminal.ts'

const parseConfig = createParser('configuration', ConfigReply)
const parsePlan = createParser('plan', PlanReply)
const parseOperation = createParser('operation', OperationReply)

interface Check {
  name: string
  ok: boolean
}

export function registerFallbackCheck(config: Command, terminal: Terminal): void {
  withYes(withGateway(config.command('fallback-check')))
    .description('Proves that a changed node can be put back on its canonical file.')
    .argument('[node-id]', 'which node; without it the asked one')
    .addHelpText(
      'after',
      `
Changes the bootstrap list of the node to one that means the same, sees that the canonical file is
untouched, restores it and compares digests. The agent is restarted twice. Refused where the file is
not the canonical one, since that change would be lost. Exits with 1 when anything is not as it
should be.

Example:
  $ corroport config fallback-check --node 2`,
    )
    .action(
      terminal.action(async (nodeId: string | undefined, options: GatewayOptions & YesOption) => {
        const gateway = openGateway(options, terminal)
        const before = await read(gateway, nodeId)
        if (before.canonical === null) {
          throw new Failure(`${before.node_id} has no canonical file to fall back to`)
        }
        if (before.canonical.differs) {
          throw new Failure(
            `${before.node_id} is not on its canonical file; restoring would undo what was changed`,
          )
        }
        const question = `Restart the agent of ${before.node_id} twice?`
        if (!(await isMeant(question, options, terminal))) return 'failed'

        const say = options.json ? { ...terminal, print: () => undefined } : terminal
        const checks: Check[] = []
        const check = (name: string, ok: boolean): void => {
          checks.push({ name, ok })
          say.print(
            ok ? { text: 'ok  ', style: 'green' } : { text: 'FAIL', style: 'red' },
            `  ${name}`,
          )
        }

        const bootstrap = sameSeeds(before)
        await change(gateway, before.node_id, bootstrap, say)
        const changed = await read(gateway, nodeId)
        check('the agent runs on another file', changed.sha256 !== before.sha256)
        check('its bootstrap is the new one', changed.bootstrap.join() === bootstrap.join())
        check(
          'the canonical file is untouched',
          changed.canonical?.sha256 === before.canonical.sha256,
        )
        check('the difference is shown', changed.canonical?.differs === true)

        await restore(gateway, before.node_id, say)
        const after = await read(gateway, nodeId)
        check('the file has its first digest again', after.sha256 === before.sha256)
        check('it is the canonical one', after.canonical?.differs === false)
        check('the canonical file is untouched still', after.canonical?.sha256 === before.sha256)

        if (options.json) terminal.printJson({ node_id: before.node_id, checks })
        return checks.every(({ ok }) => ok) ? 'ok' : 'failed'
      }),
    )
}

async function read(gateway: Gateway, nodeId: string | undefined): Promise<ConfigFile> {
  const path = withQuery('/api/config', { node: nodeId, changes: 0 })
  return (await gateway.get(path, parseConfig)).file
}

/** Another list of the same seeds: the other way round, or with the node itself, which is no edge. */
function sameSeeds({ bootstrap, gossip_address, node_id }: ConfigFile): string[] {
  const turned = bootstrap.toReversed()
  if (turned.join() !== bootstrap.join()) return turned
  if (gossip_address !== null && !bootstrap.includes(gossip_address)) {
    return [...bootstrap, gossip_address]
  }
  throw new Failure(`${node_id} has a bootstrap list that nothing harmless can be done to`)
}

async function change(
  gateway: Gateway,
  nodeId: string,
  bootstrap: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const { plan } = await gateway.post('/api/config/plan', { bootstrap, nodes: [nodeId] }, parsePlan)
  if (plan.problems.length > 0) {
    throw new Failure('the change cannot be applied', { details: plan.problems })
  }
  const body = { plan_id: plan.id, confirm: plan.id }
  const { rollout } = await gateway.post('/api/config/apply', body, parseRollout)
  judgeRollout(await followRollout(gateway, rollout.id, {}, terminal), terminal, {})
}

async function restore(gateway: Gateway, nodeId: string, terminal: Terminal): Promise<void> {
  const body = { node_id: nodeId }
  const { operation } = await gateway.post('/api/config/restore', body, parseOperation)
  const ended = await followOperation(gateway, operation, {}, terminal)
  if (ended.state === 'succeeded') return
  throw new Failure(`the canonical file was not restored: ${ended.reason ?? ended.state}`)
}
