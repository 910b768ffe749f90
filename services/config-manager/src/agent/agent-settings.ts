import { EnvironmentError, setting } from '@corroport/service'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

const seconds = Type.Number({ minimum: 1, maximum: 600 })

/** The variables of `AgentControlSettings`. */
export const agentControlVariables = {
  AGENT_CONTROL: Type.Enum(['none', 'command', 'signal', 'pipe', 'child'], {
    default: 'none',
    description:
      'how the agent is restarted: by AGENT_COMMAND, by a signal, by the pipe of its container, or as a child of this process',
  }),
  AGENT_COMMAND: Type.Optional(
    Type.String({
      description:
        'JSON list of arguments; of command with {action} (start, stop, status), of child the agent itself',
    }),
  ),
  AGENT_PID_FILE: Type.Optional(
    Type.String({ description: 'where its starter writes the process id of the agent' }),
  ),
  AGENT_CONTROL_DIR: Type.Optional(
    Type.String({ description: "folder of the pipe, shared with the agent's container" }),
  ),
  AGENT_LOG: Type.Optional(
    Type.String({ description: 'what the agent says; its last lines tell why it did not start' }),
  ),
  AGENT_STOP_TIMEOUT_SECONDS: setting(seconds, {
    default: 20,
    description: 'after which an agent that does not end is killed',
  }),
  AGENT_START_TIMEOUT_SECONDS: setting(seconds, {
    default: 60,
    description: 'within which an agent has to answer and to open a subscription',
  }),
  PATH: Type.Optional(Type.String({ description: 'for AGENT_COMMAND' })),
  HOME: Type.Optional(Type.String({ description: 'for AGENT_COMMAND' })),
  TMPDIR: Type.Optional(Type.String({ description: 'for AGENT_COMMAND' })),
  RUST_LOG: Type.Optional(Type.String({ description: 'for AGENT_COMMAND' })),
}
const AgentControlEnvironment = Type.Object(agentControlVariables)

interface Common {
  logPath: string | undefined
  stopTimeoutMs: number
  startTimeoutMs: number
}

/** A program and its arguments; never a shell. */
export type Arguments = readonly [program: string, ...rest: string[]]

interface Command {
  command: Arguments
  // Nothing else: a variable called DB, API or LOG overrides a section of an agent's file.
  environment: Readonly<Record<string, string | undefined>>
}

/** How the process of this node's agent is controlled. */
export type AgentControlSettings = Common &
  (
    | { kind: 'none' }
    | ({ kind: 'command'; pidFile: string | undefined } & Command)
    | { kind: 'signal'; pidFile: string }
    | { kind: 'pipe'; controlDir: string }
    | ({ kind: 'child'; logPath: string } & Command)
  )

/** Throws `EnvironmentError` with everything that does not fit together. */
export function toAgentControlSettings(
  env: Static<typeof AgentControlEnvironment>,
): AgentControlSettings {
  const { AGENT_CONTROL: kind, AGENT_PID_FILE: pidFile, AGENT_LOG: logPath } = env
  const { AGENT_CONTROL_DIR: controlDir } = env
  const problems: string[] = []
  const common = {
    logPath,
    stopTimeoutMs: env.AGENT_STOP_TIMEOUT_SECONDS * 1000,
    startTimeoutMs: env.AGENT_START_TIMEOUT_SECONDS * 1000,
  }
  const { PATH, HOME, TMPDIR, RUST_LOG } = env
  const environment = { PATH, HOME, TMPDIR, RUST_LOG }
  const command = (): Command => {
    const parsed = parseArguments(env.AGENT_COMMAND)
    if (typeof parsed === 'string') problems.push(`AGENT_COMMAND ${parsed}`)
    return { command: typeof parsed === 'string' ? [''] : parsed, environment }
  }
  if (controlDir !== undefined && kind !== 'pipe') {
    problems.push(`AGENT_CONTROL_DIR has no use with AGENT_CONTROL=${kind}: pipe has`)
  }
  const settings = ((): AgentControlSettings => {
    switch (kind) {
      case 'none':
      case 'signal':
      case 'pipe':
        if (env.AGENT_COMMAND !== undefined) {
          problems.push(
            `AGENT_COMMAND has no use with AGENT_CONTROL=${kind}: command and child have`,
          )
        }
        if (kind === 'none') return { kind, ...common }
        if (kind === 'pipe') {
          if (pidFile !== undefined) {
            problems.push(
              'AGENT_PID_FILE has no use with AGENT_CONTROL=pipe: it is of its container',
            )
          }
          if (controlDir === undefined) {
            problems.push(
              "AGENT_CONTROL_DIR is missing: AGENT_CONTROL=pipe needs the folder that the agent's container shares",
            )
          }
          return { kind, ...common, controlDir: controlDir ?? '' }
        }
        if (pidFile === undefined) {
          problems.push(
            'AGENT_PID_FILE is missing: AGENT_CONTROL=signal has to know whom to signal',
          )
        }
        return { kind, ...common, pidFile: pidFile ?? '' }
      case 'command': {
        const given = command()
        if (problems.length === 0 && !given.command.some((part) => part.includes('{action}'))) {
          problems.push('AGENT_COMMAND has no {action} among its arguments: start, stop or status')
        }
        return { kind, ...common, pidFile, ...given }
      }
      case 'child':
        if (pidFile !== undefined) {
          problems.push('AGENT_PID_FILE has no use with AGENT_CONTROL=child: it is in STATE_DIR')
        }
        if (logPath === undefined) {
          problems.push(
            'AGENT_LOG is missing: AGENT_CONTROL=child writes there what the agent says',
          )
        }
        return { kind, ...common, ...command(), logPath: logPath ?? '' }
      default:
        throw new Error(`unreachable: ${String(kind satisfies never)}`)
    }
  })()
  if (problems.length > 0) throw new EnvironmentError(problems.join('\n'))
  return settings
}

const ArgumentList = Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })

/** The arguments, or what is wrong with them. */
function parseArguments(text: string | undefined): Arguments | string {
  if (text === undefined)
    return 'is missing: a JSON list such as ["systemctl", "{action}", "agent"]'
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'is no JSON: a list of arguments such as ["/usr/bin/corrosion", "agent"] is'
  }
  const [program, ...rest] = Value.Check(ArgumentList, value) ? value : []
  return program === undefined ? 'is no list of texts with something in each' : [program, ...rest]
}
