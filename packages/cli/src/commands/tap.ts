import { aborted, type Bus, connectBus } from '@corroport/bus'
import { type Command, InvalidArgumentError } from 'commander'
import pino, { type Logger } from 'pino'
import { formatTimeOfDay } from '../duration.ts'
import { jsonOption } from '../gateway-options.ts'
import { type NatsOptions, natsAccess, natsFailure, withNats } from '../nats-options.ts'
import { judge, type TappedEvent } from '../tapped-event.ts'
import type { Terminal } from '../terminal.ts'
import { fit, type Part, widthOf } from '../text.ts'

const warnLevel = 40

interface TapOptions extends NatsOptions {
  recordsOnly?: boolean
  json?: boolean
}

export function registerTap(program: Command, terminal: Terminal): void {
  withNats(program.command('tap'))
    .description('Prints events straight from NATS, and marks those that break their contract.')
    .argument('[subject]', 'subject with wildcards', parseSubject, 'corro.>')
    .option('--records-only', 'no hints, commands or unknown subjects')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Times are those of this machine, in UTC. Where NATS has users, NATS_USER and NATS_PASSWORD name one
that may tap.

Examples:
  $ corroport tap
  $ corroport tap 'corro.ack.*.node1' --records-only
  $ corroport tap --json | jq -c 'select(.violation)'`,
    )
    .action(
      terminal.action(async (subject: string, options: TapOptions): Promise<never> => {
        const access = natsAccess(options, terminal)
        const { promise: failed, reject: fail } = Promise.withResolvers<never>()
        const onError = (error: Error): void => fail(natsFailure(error, access, `tap ${subject}`))
        const say = (text: string): void => terminal.note(text)
        await using bus = connectBus({
          ...access,
          name: 'corroport tap',
          log: createBusLog(onError, say),
        })
        tap(bus, subject, { onError, say }, (event) => {
          if (options.recordsOnly && event.kind !== 'record') return
          if (options.json) terminal.printJson(event, 'line')
          else terminal.print(...lineOf(event, terminal.width))
        })
        return await failed
      }),
    )
}

function parseSubject(text: string): string {
  if (!/^([^\s.*>]+|\*)(\.([^\s.*>]+|\*))*(\.>)?$|^>$/.test(text)) {
    throw new InvalidArgumentError("Give a subject such as 'corro.ack.>', with * and > as tokens.")
  }
  return text
}

function tap(
  bus: Bus,
  subject: string,
  { onError, say }: { onError: (error: Error) => void; say: (text: string) => void },
  onEvent: (event: TappedEvent) => void,
): void {
  bus.onConnected(async ({ nats }, signal) => {
    const subscription = nats.subscribe(subject, {
      callback: (error, message) => {
        if (error) onError(error)
        else onEvent(judge(message.subject, message.string(), new Date()))
      },
    })
    await nats.flush()
    say(`tapping ${subject} at ${nats.getServer()}`)
    await aborted(signal)
    subscription.unsubscribe()
  })
}

/** What the bus would log is said to the person: its errors end the command, the rest is a note. */
function createBusLog(onError: (error: Error) => void, onNote: (text: string) => void): Logger {
  return pino({
    level: 'info',
    hooks: {
      logMethod([fields, message], _, level) {
        const details: unknown = fields
        const hasError = typeof details === 'object' && details !== null && 'err' in details
        if (hasError && details.err instanceof Error) onError(details.err)
        else if (level >= warnLevel) onNote(String(message))
      },
    },
  })
}

function lineOf(event: TappedEvent, width: number): Part[] {
  const start = `${formatTimeOfDay(new Date(event.time))}  `
  const violation = event.violation === null ? '' : `INVALID ${event.violation}  `
  const payload = typeof event.payload === 'string' ? event.payload : JSON.stringify(event.payload)
  const taken = start.length + widthOf(event.subject) + 2 + widthOf(violation)
  return [
    start,
    { text: event.subject, style: event.kind === 'record' ? 'green' : 'cyan' },
    '  ',
    { text: violation, style: 'red' },
    fit(payload, Math.max(20, width - taken)),
  ]
}
