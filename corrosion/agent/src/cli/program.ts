import { existsSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { defaultAdminPath, defaultConfigPath, readAgentConfig } from '../config/agent-config.ts'
import { type Address, parseAddress } from '../gossip/address.ts'
import { registerAdminCommands } from './admin-commands.ts'
import { runAgent } from './agent-command.ts'
import type { CommandContext } from './command-context.ts'
import { Failure } from './failure.ts'
import { registerLab } from './lab-commands.ts'
import { isShown, logLevel } from './log-filter.ts'
import { registerSqlCommands } from './sql-commands.ts'

interface GlobalOptions {
  config?: string
  apiAddr?: Address
  adminPath?: string
}

/** All of `corrosion`, with nothing parsed yet. */
export function createProgram(version: string, env: NodeJS.ProcessEnv): Command {
  const program = new Command('corrosion')
    .description("CorroPort's development agent: answers like Corrosion, on one machine")
    .version(`corrosion ${version} (CorroPort development agent, not for production)`)
    .option('-c, --config <path>', `configuration file (default: ${defaultConfigPath})`)
    .option('--api-addr <ip:port>', 'HTTP API, instead of the one configured', readAddress)
    .option('--admin-path <path>', 'admin socket, instead of the one configured')
    .option('--db-path <path>', 'accepted as by Corrosion, and not used')
    .showHelpAfterError('(see corrosion --help)')
    .exitOverride()
    .addHelpText('after', examples)

  const options = () => program.opts<GlobalOptions>()
  const configPath = () => options().config ?? defaultConfigPath
  const print = (line: string) => {
    process.stdout.write(`${line}\n`)
  }
  const context: CommandContext = {
    apiAddress() {
      const address = options().apiAddr ?? readAgentConfig(configPath(), env).api.addresses[0]
      if (!address) throw new Error('unreachable: a configuration has an API address')
      return address
    },
    adminPath() {
      const { adminPath, config } = options()
      if (adminPath !== undefined) return adminPath
      const hasConfig = config !== undefined || existsSync(defaultConfigPath)
      return hasConfig ? readAgentConfig(configPath(), env).admin.path : defaultAdminPath
    },
    print,
    log(level, message) {
      if (isShown(level, logLevel(env))) print(`${level.toUpperCase().padStart(5)} ${message}`)
    },
  }

  program
    .command('agent')
    .description('run the agent')
    .action(() => runAgent(configPath(), { version, env }))
  registerSqlCommands(program, context)
  registerAdminCommands(program, context)
  registerLab(program, context)
  for (const name of absentCommands) {
    program
      .command(name, { hidden: true })
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new Failure(`the development agent has no ${name}; a real Corrosion agent has`)
      })
  }
  return program
}

const absentCommands = ['backup', 'restore', 'consul', 'template', 'tls', 'db', 'log']

const examples = `
Examples:
  $ corrosion agent -c node1.toml
  $ corrosion -c node1.toml query "SELECT * FROM node_messages" --columns
  $ corrosion -c node1.toml exec "DELETE FROM node_messages WHERE pk = ?" --param a1
  $ corrosion -c node1.toml cluster members
  $ corrosion -c node1.toml lab set --delay-ms 150 --jitter-ms 20
  $ corrosion -c node1.toml lab set --peer 127.0.0.1:8788 --cut

Exit codes: 0 done, 1 not done, 2 wrong arguments. RUST_LOG=off leaves out log lines.`

function readAddress(text: string): Address {
  const address = parseAddress(text)
  if (!address) throw new InvalidArgumentError('It must be ip:port or [ip]:port.')
  return address
}
