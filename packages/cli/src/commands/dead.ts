import {
  createParser,
  type DeadLetter,
  DeadLetterReply,
  DeadLettersReply,
  RedriveReply,
} from '@corroport/contracts'
import type { Command } from 'commander'
import { withQuery } from '../gateway-client.ts'
import { type GatewayOptions, openGateway, parseWhole, withGateway } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface ListOptions extends GatewayOptions {
  limit: number
  before?: number
}

const parseSequence = parseWhole(1, 9_999_999_999)

export function registerDead(program: Command, terminal: Terminal): void {
  const dead = program
    .command('dead')
    .description('Dead letters: records that a handler refused for good.')
  registerList(dead, terminal)
  registerShow(dead, terminal)
  registerRedrive(dead, terminal)
  registerDelete(dead, terminal)
}

function registerList(dead: Command, terminal: Terminal): void {
  withGateway(dead.command('list'))
    .description('Lists the letters, newest first.')
    .option('--limit <count>', 'at most so many', parseWhole(1, 500), 50)
    .option('--before <letter>', 'the page after this one, as its last line says', parseSequence)
    .addHelpText(
      'after',
      `
Examples:
  $ corroport dead list
  $ corroport dead list --json | jq '.letters[] | {sequence, reason}'`,
    )
    .action(
      terminal.action(async (options: ListOptions) => {
        const { limit, before } = options
        const reply = await openGateway(options, terminal).get(
          withQuery('/api/dead', { limit, before }),
          createParser('dead letters', DeadLettersReply),
        )
        if (options.json) {
          terminal.printJson(reply)
          return 'ok'
        }
        printTable(
          ['LETTER', 'REFUSED', 'BY', 'SUBJECT', 'TRIES', 'BYTES', 'REASON'],
          reply.letters.map((letter) => [
            String(letter.sequence),
            letter.dead_at,
            letter.durable || letter.service,
            letter.subject,
            String(letter.deliveries),
            String(letter.size_bytes),
            letter.reason,
          ]),
          terminal,
        )
        if (reply.next !== null) terminal.note(`older: --before ${reply.next}`)
        return 'ok'
      }),
    )
}

function registerShow(dead: Command, terminal: Terminal): void {
  withGateway(dead.command('show'))
    .description('Shows one letter with the record in it.')
    .argument('<letter>', 'its number, as the list has it', parseSequence)
    .addHelpText(
      'after',
      `
Example:
  $ corroport dead show 12`,
    )
    .action(
      terminal.action(async (sequence: number, options: GatewayOptions) => {
        const reply = await openGateway(options, terminal).get(
          `/api/dead/${sequence}`,
          createParser('dead letter', DeadLetterReply),
        )
        if (options.json) terminal.printJson(reply)
        else show(reply.letter, terminal)
        return 'ok'
      }),
    )
}

function show(letter: DeadLetter, terminal: Terminal): void {
  terminal.print({ text: letter.subject, style: 'bold' })
  terminal.print(
    `refused ${letter.dead_at} by ${letter.durable || letter.service}, try ${letter.deliveries}`,
  )
  terminal.print({ text: letter.reason, style: 'red' })
  if (!letter.is_whole) terminal.print('it cannot be redriven: not all of the record was kept')
  if (letter.text === null) terminal.printJson(letter.payload)
  else terminal.printFile(`${letter.text}\n`)
}

function registerRedrive(dead: Command, terminal: Terminal): void {
  withGateway(dead.command('redrive'))
    .description(
      'Tells the record of a letter again, to all who hear it, and takes the letter away.',
    )
    .argument('<letter>', 'its number, as the list has it', parseSequence)
    .addHelpText(
      'after',
      `
Every handler bears to be told twice. One that refuses the record again writes a new letter.

Example:
  $ corroport dead redrive 12`,
    )
    .action(
      terminal.action(async (sequence: number, options: GatewayOptions) => {
        const reply = await openGateway(options, terminal).post(
          `/api/dead/${sequence}/redrive`,
          {},
          createParser('redrive', RedriveReply),
        )
        const { stream, sequence: place } = reply.stored_as
        if (options.json) terminal.printJson(reply)
        else terminal.print(`${reply.subject} is told again: ${stream} ${place}`)
        return 'ok'
      }),
    )
}

function registerDelete(dead: Command, terminal: Terminal): void {
  withGateway(dead.command('delete'))
    .description('Throws a letter away, with the record in it.')
    .argument('<letter>', 'its number, as the list has it', parseSequence)
    .addHelpText(
      'after',
      `
Example:
  $ corroport dead delete 12`,
    )
    .action(
      terminal.action(async (sequence: number, options: GatewayOptions) => {
        await openGateway(options, terminal).delete(`/api/dead/${sequence}`)
        if (options.json) terminal.printJson({ status: 'success', sequence })
        else terminal.print(`letter ${sequence} is gone`)
        return 'ok'
      }),
    )
}
