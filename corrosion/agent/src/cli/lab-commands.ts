import { type Command, InvalidArgumentError } from 'commander'
import { printAnswer } from './admin-commands.ts'
import type { CommandContext } from './command-context.ts'
import { Failure } from './failure.ts'

interface LinkOptions {
  peer?: string
  delayMs?: number
  jitterMs?: number
  loss?: number
  bandwidthKbps?: number | null
  cut?: boolean
}

/** Bends what this agent sends, and its clock; each agent is asked by its own admin socket. */
export function registerLab(program: Command, context: CommandContext): void {
  const lab = program.command('lab').description('delay, loss, partition, and a wrong clock')
  const ask = async (request: unknown) => {
    try {
      await printAnswer(context, { Lab: request })
    } catch (error) {
      if (!(error instanceof Failure) || !error.message.includes('unknown variant `Lab`')) {
        throw error
      }
      throw new Failure(
        `the agent at ${context.adminPath()} is a real Corrosion agent, which has no laboratory`,
        { cause: error },
      )
    }
  }

  lab
    .command('show')
    .description('how it is now')
    .action(() => ask('Show'))
  lab
    .command('set')
    .description('change the links on which this agent sends')
    .option('--peer <ip:port>', 'only the link to this gossip address')
    .option('--delay-ms <ms>', 'one way', readNumber)
    .option('--jitter-ms <ms>', 'up to this much more, at random', readNumber)
    .option('--loss <share>', 'from 0 to 1', readNumber)
    .option('--bandwidth-kbps <kbps>', 'or none, for no limit', (text) =>
      text === 'none' ? null : readNumber(text),
    )
    .option('--cut', 'nothing goes')
    .option('--no-cut', 'it goes again')
    .action(({ peer, delayMs, jitterMs, loss, bandwidthKbps, cut }: LinkOptions) => {
      const settings = {
        delay_ms: delayMs,
        jitter_ms: jitterMs,
        loss,
        bandwidth_kbps: bandwidthKbps,
        cut,
      }
      if (Object.values(settings).every((value) => value === undefined)) {
        throw new Failure('nothing to set: give one of the options of corrosion lab set --help')
      }
      return ask({ Set: { peer: peer ?? null, ...settings } })
    })
  lab
    .command('clock')
    .description('put the clock of this agent ahead, or back by a negative number')
    .argument('<offset-ms>', 'of what the clock of the machine says', readNumber)
    .action((offsetMs: number) => ask({ Clock: { offset_ms: offsetMs } }))
  lab
    .command('reset')
    .description('as it was at the start of the agent')
    .action(() => ask('Reset'))
}

function readNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number.')
  }
  return value
}
