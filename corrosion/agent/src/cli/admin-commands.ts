import { type Command, InvalidArgumentError } from 'commander'
import { toJsonText } from '../admin/json-text.ts'
import { askAdmin } from './admin-client.ts'
import type { CommandContext } from './command-context.ts'

export function registerAdminCommands(program: Command, context: CommandContext): void {
  const add = (parent: Command, name: string, description: string, request: unknown) =>
    parent
      .command(name)
      .description(description)
      .action(() => printAnswer(context, request))

  const cluster = program.command('cluster').description('who is in the cluster')
  add(cluster, 'members', 'the other agents; round trips in ms, newest first', {
    Cluster: 'Members',
  })
  add(cluster, 'membership-states', 'which of them are Alive, Suspect or Down', {
    Cluster: 'MembershipStates',
  })
  add(cluster, 'rejoin', 'join again, as a new identity', { Cluster: 'Rejoin' })
  cluster
    .command('set-id')
    .description('join another cluster; agents of different ids ignore each other')
    .argument('<id>', 'from 0 to 65535', wholeNumber(65_535))
    .action((id: number) => printAnswer(context, { Cluster: { SetId: id } }))

  const sync = program.command('sync').description('what is held here, and what is missing')
  add(sync, 'generate', 'the highest version of each actor, and the gaps below', {
    Sync: 'Generate',
  })
  add(sync, 'reconcile-gaps', 'collapse the ranges of gaps', { Sync: 'ReconcileGaps' })
  add(sync, 'check-bookie-consistency', 'compare what is known with what is stored', {
    Sync: 'CheckBookieConsistency',
  })

  program
    .command('actor')
    .description('what is held of one actor')
    .command('version')
    .description('one of its transactions')
    .argument('<actor-id>', 'a UUID', readUuid)
    .argument('<version>', 'from 1', wholeNumber(Number.MAX_SAFE_INTEGER))
    .action((actorId: string, version: number) =>
      printAnswer(context, { Actor: { Version: { actor_id: actorId, version } } }),
    )

  const subs = program.command('subs').description('subscriptions')
  add(subs, 'list', 'all of them', { Subs: 'List' })
  subs
    .command('info')
    .description('one of them')
    .option('--hash <hash>', 'of the header corro-query-hash')
    .option('--id <uuid>', 'of the header corro-query-id', readUuid)
    .action(({ hash, id }: { hash?: string; id?: string }) =>
      printAnswer(context, { Subs: { Info: { hash: hash ?? null, id: id ?? null } } }),
    )

  add(program, 'reload', 'apply the schema files again', 'Reload')
}

/** Prints documents one after the other, keys in order. */
export async function printAnswer(context: CommandContext, request: unknown): Promise<void> {
  for await (const answer of askAdmin(context.adminPath(), request)) {
    if ('json' in answer) context.print(toJsonText(answer.json, 2))
    else context.log(answer.level, answer.message)
  }
}

function wholeNumber(to: number): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text) || Number(text) > to) {
      throw new InvalidArgumentError(`It must be a whole number up to ${to}.`)
    }
    return Number(text)
  }
}

function readUuid(text: string): string {
  if (!/^[\da-f]{8}(-?[\da-f]{4}){3}-?[\da-f]{12}$/i.test(text)) {
    throw new InvalidArgumentError('It must be a UUID.')
  }
  return text
}
