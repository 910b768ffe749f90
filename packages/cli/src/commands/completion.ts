import { Argument, type Command } from 'commander'
import type { Terminal } from '../terminal.ts'

/** What may come next behind `/acks/diagnose`; the program itself is the empty path. */
interface Place {
  path: string
  choices: { word: string; description: string }[]
}

export function registerCompletion(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('Prints a completion script for a shell.')
    .addArgument(new Argument('<shell>').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
Examples:
  $ source <(corroport completion bash)
  $ corroport completion fish > ~/.config/fish/completions/corroport.fish`,
    )
    .action(
      terminal.action(async (shell: keyof typeof scripts) => {
        for (const line of scripts[shell](placesOf(program, ''))) terminal.print(line)
        return 'ok'
      }),
    )
}

function placesOf(command: Command, path: string): Place[] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const choices = [
    ...commands.map((sub) => ({ word: sub.name(), description: help.subcommandDescription(sub) })),
    ...help
      .visibleOptions(command)
      .flatMap(({ long, description }) => (long ? [{ word: long, description }] : [])),
  ]
  return [{ path, choices }, ...commands.flatMap((sub) => placesOf(sub, `${path}/${sub.name()}`))]
}

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript }

function bashScript(places: readonly Place[]): string[] {
  const paths = places.map(({ path }) => path).filter((path) => path !== '')
  return [
    '_corroport() {',
    '  local word at="" choices=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "$at/$word" in ${paths.join('|')}) at="$at/$word" ;; esac`,
    '  done',
    '  case "$at" in',
    ...places.map(
      ({ path, choices }) =>
        `    "${path}") choices="${choices.map(({ word }) => word).join(' ')}" ;;`,
    ),
    '  esac',
    '  COMPREPLY=($(compgen -W "$choices" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _corroport corroport',
  ]
}

function zshScript(places: readonly Place[]): string[] {
  return ['autoload -U +X compinit bashcompinit && compinit && bashcompinit', ...bashScript(places)]
}

function fishScript(places: readonly Place[]): string[] {
  const paths = places.map(({ path }) => path).filter((path) => path !== '')
  return [
    'function __corroport_at',
    "  set -l at ''",
    '  for word in (commandline -opc)[2..]',
    `    contains -- "$at/$word" ${paths.join(' ')}; and set at "$at/$word"`,
    '  end',
    '  test "$at" = "$argv[1]"',
    'end',
    'complete -c corroport -f',
    ...places.flatMap(({ path, choices }) =>
      choices.map(({ word, description }) => {
        const choice = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
        const text = description.replaceAll(/['\\]/g, '\\$&')
        return `complete -c corroport -n '__corroport_at "${path}"' ${choice} -d '${text}'`
      }),
    ),
  ]
}
