import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Command } from 'commander'
import { createProgram } from '../src/program.ts'
import { createTerminal } from '../src/terminal.ts'
import { corroport } from './corroport.ts'

function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)]
}

function helpOf(command: Command): string {
  let help = ''
  command.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp()
  return help
}

const program = createProgram('0.0.0', createTerminal(process))
const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

test('every command has examples, and the README names it', () => {
  const ends = program.commands
    .filter((command) => command.name() !== 'local') // the whole group has one row and one help
    .flatMap(commandsOf)
    .filter(({ commands }) => commands.length === 0)
  expect(ends.length).toBeGreaterThan(10)

  for (const command of ends) {
    expect(helpOf(command)).toMatch(/\nExamples?:\n {2}\$ .*corroport /)
    const words = [command.name()]
    for (let parent = command.parent; parent?.parent; parent = parent.parent) {
      words.unshift(parent.name())
    }
    expect(readme).toContain(`corroport ${words.join(' ')}`)
  }
})

test('the examples of help and README use commands and options that exist', () => {
  const texts = [readme, ...commandsOf(program).map(helpOf)].join('\n')
  const examples = [...texts.matchAll(/corroport ((?:[a-z-]+ ?)+)(.*)/g)]
  expect(examples.length).toBeGreaterThan(20)

  for (const [example, words = '', rest = ''] of examples) {
    let command = program
    for (const word of words.trim().split(' ')) {
      command = command.commands.find((sub) => sub.name() === word) ?? command
    }
    if (words.startsWith('help ')) continue
    expect(`${command.name()} in ${example}`).not.toBe(`corroport in ${example}`)
    const known = command.options.flatMap(({ long }) => (long ? [long] : []))
    for (const [option] of rest.replace(/\|.*/, '').matchAll(/--[a-z-]+/g)) {
      expect([...known, '--help']).toContain(option)
    }
  }
})

test.each([
  [['sned'], "corroport: unknown command 'sned' (Did you mean send?)\n"],
  [['send', '--nod', '1'], "corroport: unknown option '--nod' (Did you mean --node?)\n"],
  [
    ['send', '--node', '11'],
    "corroport: option '--node <name>' argument '11' is invalid. Only node1 to node10 have addresses by rule; use --url.\n",
  ],
  [
    ['send', '--wait', 'hello'],
    "corroport: option '--wait [seconds]' argument 'hello' is invalid. Give seconds, or put the text of the message before --wait.\n",
  ],
  [
    ['status', '--url', 'ftp://x'],
    "corroport: option '--url <url>' argument 'ftp://x' is invalid. Not an http address.\n",
  ],
])('%j is a wrong use, explained in one line', async (args, stderr) => {
  expect(await corroport(args)).toEqual({ code: 2, stdout: '', stderr })
})

test('a wrong address in the environment is a wrong use', async () => {
  const environment = { CORROPORT_URL: 'node1' }

  expect(await corroport(['status'], { environment })).toEqual({
    code: 2,
    stdout: '',
    stderr: 'corroport: CORROPORT_URL is no http address\n',
  })
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))

  expect(await corroport(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

test('bash completes commands and options', async () => {
  const { stdout: script } = await corroport(['completion', 'bash'])
  const complete = (...words: string[]): string[] =>
    execFileSync(
      'bash',
      [
        '-c',
        `${script}\nCOMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _corroport; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        'corroport',
        ...words,
      ],
      { encoding: 'utf8' },
    )
      .trim()
      .split('\n')

  expect(complete('mess')).toEqual(['messages', 'message'])
  expect(complete('acks', '')).toEqual(['diagnose', 'help', '--help'])
  expect(complete('send', 'hello', '--w')).toEqual(['--wait'])
})
