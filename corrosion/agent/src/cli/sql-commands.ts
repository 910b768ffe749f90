import { type Command, InvalidArgumentError } from 'commander'
import { execute, query } from './api-client.ts'
import { cellText, decimalText } from './cell-text.ts'
import type { CommandContext } from './command-context.ts'

interface SqlOptions {
  columns?: true
  timer?: true
  timeout?: number
  param: string[]
}

export function registerSqlCommands(program: Command, context: CommandContext): void {
  const sqlCommand = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .argument('<sql>')
      .option('--param <text>', 'value of the next parameter, repeatable', append, [])
      .option('--timer', 'say how long it took')
      .option('--timeout <seconds>', 'for each step of SQLite', readSeconds)

  sqlCommand('query', 'print the rows of a statement, cells joined by |')
    .option('--columns', 'print the names of the columns first')
    .action(async (sql: string, { columns, timer, timeout, param }: SqlOptions) => {
      const statement = { sql, params: param, timeoutSeconds: timeout }
      for await (const event of query(context.apiAddress(), statement)) {
        if ('cells' in event) context.print(event.cells.map(cellText).join('|'))
        else if ('time' in event) {
          if (timer) context.print(`time: ${decimalText(event.time)}s`)
        } else if (columns) context.print(event.columns.join('|'))
      }
    })

  sqlCommand('exec', 'run a statement that writes').action(
    async (sql: string, { timer, timeout, param }: SqlOptions) => {
      const statement = { sql, params: param, timeoutSeconds: timeout }
      for (const { rowsAffected, time } of await execute(context.apiAddress(), statement)) {
        context.log('info', `Rows affected: ${rowsAffected}`)
        if (timer) context.print(`Run Time: real ${decimalText(time)}`)
      }
    },
  )
}

function append(text: string, before: string[]): string[] {
  return [...before, text]
}

function readSeconds(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number of seconds.')
  return Number(text)
}
