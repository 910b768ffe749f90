import { Argument, InvalidArgumentError, Option } from 'commander'
import type { AgentKind } from '../../setup/find-agent.mjs'
import { runDetached, runInForeground } from './foreground.ts'
import { createLayout } from './layout.ts'
import { maxNodes } from './ports.ts'
import { type Layer, readRecord } from './register.ts'

/** Where the commands of a local cluster read and write. */
export interface LocalTerminal {
  environment: NodeJS.ProcessEnv
  out: NodeJS.WriteStream
}

/** How a cluster is to be started; the names are commander's for the options below. */
export interface StartFlags {
  nodes?: number
  agents?: AgentKind
  regions?: string[]
  clockOffset?: Record<string, number>
  portOffset?: number
  processPerService?: boolean
  fresh?: boolean
  keepConfig?: boolean
  withoutAnalytics?: boolean
  edge?: boolean
  builds?: boolean
  showCorrosion?: boolean
  /** Of `up`. */
  detach?: boolean
  /** Of the layers, which go to the background otherwise. */
  foreground?: boolean
}

const mostOffsetMs = 86_400_000

const nodesText = `1 to ${maxNodes}; 3 by default`

export const nodesArgument = (): Argument =>
  new Argument('[nodes]', nodesText).argParser(wholeNumber(1, maxNodes))

export const startOptions = {
  nodes: () => new Option('--nodes <count>', nodesText).argParser(wholeNumber(1, maxNodes)),
  agents: () =>
    new Option(
      '--agents <kind>',
      'real ones, or not even where there are; else what there is',
    ).choices(['development', 'real']),
  regions: () =>
    new Option(
      '--regions <list>',
      'of the nodes in turn: iad,fra,syd; gives development agents the delays of their distances',
    ).argParser((text) => text.split(',')),
  clockOffset: () =>
    new Option(
      '--clock-offset <list>',
      'wrong clocks of development agents and their services: node2=-500,node3=20 (ms)',
    ).argParser(clockOffsets),
  processPerService: () =>
    new Option('--process-per-service', 'each service as a process of its own, as it is deployed'),
  withoutAnalytics: () =>
    new Option('--without-analytics', 'nothing is stored or measured; spares Postgres'),
  edge: () => new Option('--edge', 'a point of presence of the edge proxy beside each node'),
  builds: () => new Option('--builds', 'a controller of distributed builds, on the same Postgres'),
  fresh: () => new Option('--fresh', 'forget everything of earlier runs'),
  keepConfig: () => new Option('--keep-config', 'keep edited agent configurations'),
  portOffset: () =>
    new Option('--port-offset <number>', 'added to every port').argParser(wholeNumber(0, 50_000)),
  showCorrosion: () => new Option('--show-corrosion', "mix the agents' logs in"),
  detach: () => new Option('--detach', 'leave it running in the background'),
  foreground: () => new Option('--foreground', 'stay until Ctrl-C and show what goes wrong'),
}

export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= from && value <= to) return value
    throw new InvalidArgumentError(`It is a whole number from ${from} to ${to}.`)
  }
}

function clockOffsets(text: string, before: Record<string, number> = {}): Record<string, number> {
  const given = text.split(',').map((part): [string, number] => {
    const [, nodeId, ms] = /^(node\d+)=([+-]?\d+(?:\.\d+)?)$/.exec(part) ?? []
    if (nodeId === undefined || Math.abs(Number(ms)) > mostOffsetMs) {
      throw new InvalidArgumentError('It is node2=-500, in ms and at most a day.')
    }
    return [nodeId, Number(ms)]
  })
  return { ...before, ...Object.fromEntries(given) }
}

export async function startUp(flags: StartFlags, terminal: LocalTerminal): Promise<void> {
  const { detach = false, ...others } = flags
  if (detach) await startDetached('up', ['up'], others, terminal)
  else await startHere(['agents', 'services'], others, terminal)
}

export async function startLayer(
  layer: Layer,
  flags: StartFlags,
  terminal: LocalTerminal,
): Promise<void> {
  if (!flags.foreground) {
    await startDetached(layer, [layer, 'start', '--foreground'], flags, terminal)
    return
  }
  const { environment } = terminal
  const shape =
    layer === 'services'
      ? readRecord(createLayout(environment.CORROPORT_HOME), 'agents')?.shape
      : undefined
  if (!shape) {
    await startHere([layer], flags, terminal)
    return
  }
  const { nodes, portOffset, natsUrl } = shape
  await startHere(
    [layer],
    { nodes, portOffset, ...flags },
    {
      ...terminal,
      environment: { NATS_URL: natsUrl, ...environment },
    },
  )
}

function startHere(
  layers: readonly Layer[],
  flags: StartFlags,
  { environment, out }: LocalTerminal,
): Promise<void> {
  return runInForeground({
    home: environment.CORROPORT_HOME,
    layers,
    nodes: flags.nodes,
    portOffset: flags.portOffset,
    agents: flags.agents,
    regions: flags.regions,
    clockOffsetsMs: flags.clockOffset,
    isProcessPerService: flags.processPerService,
    isFresh: flags.fresh,
    keepConfig: flags.keepConfig,
    analytics: !flags.withoutAnalytics,
    edge: flags.edge,
    builds: flags.builds,
    showCorrosion: flags.showCorrosion ?? false,
    environment,
    out,
  })
}

function startDetached(
  name: string,
  command: readonly string[],
  flags: StartFlags,
  { environment, out }: LocalTerminal,
): Promise<void> {
  return runDetached({
    home: environment.CORROPORT_HOME,
    name,
    args: toArguments(command, flags),
    environment,
    say: (line) => void out.write(`${line}\n`),
  })
}

/** The same as a command line; `nodes` is an option of `up` and an argument of a layer. */
function toArguments(command: readonly string[], { nodes, ...flags }: StartFlags): string[] {
  const count = nodes === undefined ? [] : [`${nodes}`]
  const options = Object.entries(flags).flatMap(([name, value]) => {
    const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    if (value === undefined || value === false) return []
    if (value === true) return [option]
    const text = typeof value === 'object' && !Array.isArray(value) ? pairs(value) : String(value)
    return [option, text]
  })
  const named = command[0] === 'up' && nodes !== undefined ? ['--nodes'] : []
  return [...command, ...named, ...count, ...options]
}

function pairs(values: Record<string, number>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}
