// What documents and advice name is a command, with the options and arguments that it takes. Those
// that only look at a cluster are run, in documents.test.ts.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createProgram as createDeploy } from '@corroport/deploy/src/program.ts'
import { rotate, rotationNames } from '@corroport/deploy/src/rotate.ts'
import { initSecrets } from '@corroport/deploy/src/secrets.ts'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { type Command, CommanderError } from 'commander'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { createProgram as createCorroport } from '../packages/cli/src/program.ts'
import { createTerminal } from '../packages/cli/src/terminal.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const find = (pattern: string): string[] =>
  globSync(pattern, { cwd: root, exclude: (path) => path.endsWith('node_modules') })
const PackageJson = Type.Object({ scripts: Type.Record(Type.String(), Type.String()) })
const scriptsOf = (folder: string): object =>
  Value.Parse(PackageJson, JSON.parse(read(join(folder, 'package.json')))).scripts
const compose = Value.Parse(
  Type.Object({
    services: Type.Record(
      Type.String(),
      Type.Object({ profiles: Type.Optional(Type.Array(Type.String())) }),
    ),
  }),
  parse(read('docker-compose.yml').replaceAll('!override', '').replaceAll('!reset', ''), {
    merge: true,
  }),
)

interface Named {
  words: readonly string[]
  /** To be typed as it stands; else a mention, whose arguments may be missing. */
  isWhole: boolean
}

/** Lines of `sh` blocks, and what stands in backticks. */
function commandsOf(text: string): Named[] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      // What the reader is to fill in.
      .replaceAll(/<[a-z][^<>\n]*>/g, 'some')
      .split('\n')
      .flatMap(splitLine),
  )
  const mentions = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/`([^`]+)`/g)].flatMap(
    ([, mention = '']) => splitLine(mention.replaceAll('\n', ' ')),
  )
  return [
    ...blocks.map((words) => ({ words, isWhole: true })),
    ...mentions.map((words) => ({ words, isWhole: false })),
  ]
}

/** The commands of one line as words, without what a shell does with them. */
function splitLine(line: string): string[][] {
  const tokens = line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []
  const end = tokens.findIndex((token) => token.startsWith('#'))
  const commands: string[][] = [[]]
  for (const token of tokens.slice(0, end < 0 ? undefined : end)) {
    if (/^([|>;&]|&&)$/.test(token)) commands.push([])
    else commands.at(-1)?.push(token.replaceAll(/["']/g, ''))
  }
  return commands.map((words) => words.slice(words.findIndex((word) => !/^[A-Z_0-9]+=/.test(word))))
}

/** What is wrong with a command of ours; undefined where nothing is, or it is another's. */
function complaintOf({ words, isWhole }: Named): string | undefined {
  const [program = '', ...args] = words
  switch (program) {
    case 'npx':
      return complaintOf({ words: args, isWhole })
    case 'corroport':
      return complaintOfCommander(createCorroport('0.0.0', createTerminal(process)), args, isWhole)
    case 'npm':
      return complaintOfNpm(args)
    case 'docker':
      return args[0] === 'compose' ? complaintOfCompose(args.slice(1), isWhole) : undefined
    case 'node':
      return args[0] === 'infra/deploy/src/main.ts'
        ? complaintOfDeploy(args.slice(1), isWhole)
        : undefined
    case '$deploy':
      return complaintOfDeploy(args, isWhole)
    default:
      return undefined
  }
}

function complaintOfDeploy(args: readonly string[], isWhole: boolean): string | undefined {
  return complaintOfCommander(
    createDeploy({ environment: {}, print: () => undefined }),
    args,
    isWhole,
  )
}

// What a mention may lack, and a question for help.
const fine = ['commander.help', 'commander.helpDisplayed']
const fineInMentions = [
  ...fine,
  'commander.missingArgument',
  'commander.missingMandatoryOptionValue',
  'commander.optionMissingArgument',
]

/** Has it parsed, and nothing done. */
function complaintOfCommander(
  program: Command,
  args: readonly string[],
  isWhole: boolean,
): string | undefined {
  disarm(program)
  const isMeant = (word: string): boolean => isWhole || !/^[<[…]|…$|\|/.test(word)
  try {
    program.parse(args.filter(isMeant), { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return (isWhole ? fine : fineInMentions).includes(error.code) ? undefined : error.message
  }
}

function disarm(command: Command): void {
  const ignore = (): void => undefined
  command
    .exitOverride()
    .configureOutput({ writeOut: ignore, writeErr: ignore, outputError: ignore })
  command.action(ignore)
  for (const each of command.commands) disarm(each)
}

function complaintOfNpm([verb = '', ...args]: readonly string[]): string | undefined {
  const name = verb === 'run' ? (args.shift() ?? '') : verb
  if (['ci', 'install'].includes(name)) return undefined
  const folder = args[0] === '-w' ? (args[1] ?? '') : '.'
  if (!(name in scriptsOf(folder))) return `no script ${name}`
  const bench = name === 'bench' && args[0] === '--' ? `bench/src/${args[1]}.ts` : undefined
  return bench !== undefined && find(bench).length === 0 ? `no ${bench}` : undefined
}

const composeCommands = ['up', 'down', 'run', 'restart', 'kill', 'logs', 'exec', 'ps', 'config']

function complaintOfCompose(args: readonly string[], isWhole: boolean): string | undefined {
  const rest = [...args]
  const profiles = new Set(Object.values(compose.services).flatMap((each) => each.profiles ?? []))
  while (rest[0]?.startsWith('--profile')) {
    const profile = rest.splice(0, 2)[1] ?? ''
    if (profile !== '*' && !profiles.has(profile)) return `no profile ${profile}`
  }
  const verb = rest.shift() ?? ''
  if (!composeCommands.includes(verb)) return `no command ${verb}`
  if (rest[0] === '--signal') rest.splice(0, 2)
  const service = rest.find((word) => !word.startsWith('--'))
  if (service === undefined) return undefined
  if (!(service in compose.services)) return `no service ${service}`
  const given = rest.slice(rest.indexOf(service) + 1)
  if (service === 'cli') return complaintOf({ words: ['corroport', ...given], isWhole })
  if (service === 'deploy') return complaintOfDeploy(given, isWhole)
  return complaintOf({ words: given, isWhole })
}

test.each([
  ['corroport agent restore', "error: too many arguments for 'agent'"],
  ['corroport dead list --newest', "error: unknown option '--newest'"],
  ['node infra/deploy/src/main.ts rotate nats', "error: required option '--dir"],
  ['npm run bench -- nothing', 'no bench/src/nothing.ts'],
  ['docker compose restart analytix', 'no service analytix'],
  ['docker compose --profile agent up', 'no profile agent'],
  ['docker compose run --rm cli sent hello', 'error: too many arguments'],
])('%s is found out', (command, complaint) => {
  const [named] = commandsOf(`\`\`\`sh\nA=1 ${command} | cat # says\n\`\`\`\n`)

  expect(named && complaintOf(named)).toContain(complaint)
})

test.each(find('**/*.md'))('every command that %s names can be given', (path) => {
  const complaints = commandsOf(read(path)).flatMap((named) => {
    const complaint = complaintOf(named)
    return complaint === undefined ? [] : [`${named.words.join(' ')}: ${complaint}`]
  })

  expect(complaints).toEqual([])
})

test('every command in the table of infra/deploy can be given', () => {
  const [table = ''] = read('infra/deploy/README.md').split('\n## ')
  const rows = [...table.matchAll(/^\| `(.+?)`/gm)].flatMap(([, text = '']) => splitLine(text))

  expect(rows).toHaveLength(9)
  expect(rows.map((words) => complaintOfDeploy(words, true))).toEqual(rows.map(() => undefined))
})

test('every command that an error or a help advises can be given', () => {
  const sources = find('{infra,packages,services,web}/**/src/**/*.{ts,tsx,mjs}').map(read)
  const advised = sources.flatMap(
    (text) => text.match(/\bcorroport (?!help )[a-z-]+ [a-z-]+( --[a-z-]+)?\b/g) ?? [],
  )
  const complaints = advised.flatMap((command) => {
    const complaint = complaintOf({ words: command.split(' '), isWhole: false })
    return complaint === undefined ? [] : [`${command}: ${complaint}`]
  })

  expect(advised.length).toBeGreaterThan(20)
  expect(complaints).toEqual([])
})

test('what rotate says to do can be done', () => {
  using folder = createTemporaryFolder()
  initSecrets(folder.path, { nodeIds: ['node1'], postgres: 'postgres:5432/corroport' })
  const which: Record<string, string> = {
    nats: 'all',
    postgres: 'owner',
    agent: 'node1',
    builds: 'enrolment',
  }

  const steps = rotationNames
    .split(/, | or /)
    .flatMap((what) => rotate(folder.path, what, which[what]))
  const commands = steps.flatMap((step) => step.match(/corroport [^,:]+/g) ?? [])

  expect(commands).toHaveLength(2)
  for (const command of commands) {
    expect(complaintOf({ words: command.split(' '), isWhole: true })).toBeUndefined()
  }
})
