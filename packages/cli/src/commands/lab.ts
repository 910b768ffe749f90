import { type Direction, type Lab, type LabLink, type LabNode, openLab } from '@corroport/local'
import { type Command, InvalidArgumentError } from 'commander'
import { Failure } from '../failure.ts'
import { jsonOption } from '../gateway-options.ts'
import { printTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { Part } from '../text.ts'

interface LabOptions {
  json?: boolean
}

interface WayOptions extends LabOptions {
  oneWay?: boolean
}

interface LinkOptions extends WayOptions {
  delay?: number
  jitter?: number
  loss?: number
  bandwidth?: number | null
}

export function registerLab(program: Command, terminal: Terminal): void {
  const group = program
    .command('lab')
    .description('Bends the network and the clocks of a local cluster of development agents.')
    .addHelpText(
      'after',
      `
Without a command it shows what holds. Changes last until an agent is started again; what holds from
the start is said by npm start -- --regions iad,fra,syd --clock-offset node2=-500.

Examples:
  $ corroport lab
  $ corroport lab cut node1
  $ corroport lab heal`,
    )
  const open = (): Lab => openLab(terminal.environment.CORROPORT_HOME)
  const show = async (lab: Lab, { json = false }: LabOptions) => {
    const nodes = await lab.show()
    if (json) terminal.printJson({ nodes: nodes.map(toJson) })
    else showLinks(nodes, terminal)
    return nodes.every(({ problem }) => problem === null) ? 'ok' : 'degraded'
  }

  group
    .command('show', { isDefault: true })
    .description("Shows each node's clock and, one way, what it sends to each other node.")
    .addOption(jsonOption())
    .addHelpText('after', examples('lab show', 'lab show --json'))
    .action(terminal.action((options: LabOptions) => show(open(), options)))

  group
    .command('link')
    .description('Changes the link between two nodes; what is not given stays.')
    .argument('<from>', 'node1 or 1', parseNode)
    .argument('<to>', 'the other node', parseNode)
    .option('--delay <ms>', 'one way', parseNumber(0, 600_000))
    .option('--jitter <ms>', 'up to this much more, at random', parseNumber(0, 600_000))
    .option('--loss <share>', 'from 0 to 1', parseNumber(0, 1))
    .option('--bandwidth <kbps>', 'kilobits a second, or none for no limit', (text) =>
      text === 'none' ? null : parseNumber(1, 1_000_000_000)(text),
    )
    .option('--one-way', 'only what the first sends to the second')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'lab link node1 node2 --delay 120 --jitter 10',
        'lab link node1 node3 --loss 0.05 --bandwidth 500 --one-way',
      ),
    )
    .action(
      terminal.action(async (from: number, to: number, options: LinkOptions) => {
        const { delay, jitter, loss, bandwidth } = options
        const settings = {
          ...(delay !== undefined && { delayMs: delay }),
          ...(jitter !== undefined && { jitterMs: jitter }),
          ...(loss !== undefined && { loss }),
          ...(bandwidth !== undefined && { bandwidthKbps: bandwidth }),
        }
        if (Object.keys(settings).length === 0) {
          throw new Failure('nothing to change: give --delay, --jitter, --loss or --bandwidth', {
            exit: 'usage',
          })
        }
        const lab = open()
        await lab.bend(linksBetween(lab, [from, to], options), settings)
        return show(lab, options)
      }),
    )

  group
    .command('cut')
    .description('Lets nothing through between two nodes, or between one and all others.')
    .argument('<node>', 'node1 or 1', parseNode)
    .argument('[other]', 'all others without it', parseNode)
    .option('--one-way', 'only what the first sends')
    .addOption(jsonOption())
    .addHelpText('after', examples('lab cut node1', 'lab cut node1 node2 --one-way'))
    .action(
      terminal.action(async (node: number, other: number | undefined, options: WayOptions) => {
        const lab = open()
        const ends = other === undefined ? [node] : [node, other]
        await lab.bend(linksBetween(lab, ends, options), { isCut: true })
        return show(lab, options)
      }),
    )

  group
    .command('heal')
    .description('Ends cuts: all of them, those of one node, or those between some.')
    .argument('[nodes...]', 'node1 or 1', (text: string, before?: number[]) => [
      ...(before ?? []),
      parseNode(text),
    ])
    .addOption(jsonOption())
    .addHelpText('after', examples('lab heal', 'lab heal node1', 'lab heal node1 node2'))
    .action(
      terminal.action(async (nodes: number[], options: LabOptions) => {
        const lab = open()
        const ends = nodes.length === 0 ? lab.nodes : nodes
        await lab.bend(linksBetween(lab, ends, {}), { isCut: false })
        return show(lab, options)
      }),
    )

  group
    .command('regions')
    .description('Gives all links the delays between regions, which the nodes have in turn.')
    .argument('<list>', 'iad,fra,syd')
    .addOption(jsonOption())
    .addHelpText('after', examples('lab regions iad,fra,syd'))
    .action(
      terminal.action(async (list: string, options: LabOptions) => {
        const lab = open()
        await lab.place(list.split(','))
        terminal.note(`services take their regions when started: npm start -- --regions ${list}`)
        return show(lab, options)
      }),
    )

  group
    .command('clock')
    .description("Puts the clock of a node's agent ahead, or back by a negative number.")
    .argument('<node>', 'node1 or 1', parseNode)
    .argument('<offset-ms>', 'of what the clock of the machine says', parseNumber(-1e12, 1e12))
    .addOption(jsonOption())
    .addHelpText('after', examples('lab clock node2 300', 'lab clock node2 -- -500'))
    .action(
      terminal.action(async (node: number, offsetMs: number, options: LabOptions) => {
        const lab = open()
        requireNodes(lab, [node])
        await lab.setClock(node, offsetMs)
        terminal.note(
          `services of node${node} take it when started: npm start -- --clock-offset node${node}=${offsetMs}`,
        )
        return show(lab, options)
      }),
    )

  group
    .command('reset')
    .description('Puts back what held when the agents were started.')
    .addOption(jsonOption())
    .addHelpText('after', examples('lab reset'))
    .action(
      terminal.action(async (options: LabOptions) => {
        const lab = open()
        await lab.reset()
        return show(lab, options)
      }),
    )
}

function examples(...commands: string[]): string {
  const [title, lines] = [
    commands.length === 1 ? 'Example:' : 'Examples:',
    commands.map((command) => `  $ corroport ${command}`),
  ]
  return ['', title, ...lines].join('\n')
}

/** Both ways between some nodes, or between one and all others. */
function linksBetween(lab: Lab, ends: readonly number[], { oneWay = false }: WayOptions) {
  requireNodes(lab, ends)
  const [first] = ends
  const directions = lab.nodes.flatMap((from) =>
    lab.nodes.flatMap((to): Direction[] => {
      const isAmong =
        ends.length === 1
          ? from === first || to === first
          : ends.includes(from) && ends.includes(to)
      return from !== to && isAmong && (!oneWay || from === first) ? [[from, to]] : []
    }),
  )
  if (directions.length > 0) return directions
  throw new Failure('a link is between two different nodes', { exit: 'usage' })
}

function requireNodes({ nodes }: Lab, wanted: readonly number[]): void {
  const strangers = wanted.filter((node) => !nodes.includes(node)).map((node) => `node${node}`)
  if (strangers.length === 0) return
  throw new Failure(`there is no ${strangers.join(' and no ')} among ${nodes.length} nodes`, {
    exit: 'usage',
  })
}

function showLinks(nodes: readonly LabNode[], terminal: Terminal): void {
  const rows = nodes.map(({ nodeId, clockOffsetMs, links, problem }): Part[] => [
    nodeId,
    problem === null ? `${clockOffsetMs > 0 ? '+' : ''}${clockOffsetMs} ms` : '?',
    ...nodes.map((to): Part => {
      if (to.nodeId === nodeId) return '-'
      const link = links.find((candidate) => candidate.to === to.nodeId)
      return link ? describeLink(link) : '?'
    }),
    ...(problem === null ? [] : [{ text: problem, style: 'red' } as const]),
  ])
  const problems = nodes.some(({ problem }) => problem !== null) ? ['PROBLEM'] : []
  const head = ['FROM', 'CLOCK', ...nodes.map(({ nodeId }) => `TO ${nodeId}`), ...problems]
  printTable(head, rows, terminal)
}

function describeLink({ isCut, delayMs, jitterMs, loss, bandwidthKbps, rttMs }: LabLink): Part {
  if (isCut) return { text: 'cut', style: 'red' }
  const settings = [
    `${delayMs} ms${jitterMs > 0 ? ` + ${jitterMs}` : ''}`,
    ...(loss > 0 ? [`${Number((loss * 100).toPrecision(3))} % lost`] : []),
    ...(bandwidthKbps === null ? [] : [`${bandwidthKbps} kbit/s`]),
  ]
  return `${settings.join(', ')} (rtt ${rttMs === null ? '?' : `${rttMs} ms`})`
}

function toJson({ nodeId, clockOffsetMs, links, problem }: LabNode) {
  return {
    node_id: nodeId,
    clock_offset_ms: problem === null ? clockOffsetMs : null,
    problem,
    links: links.map(({ to, delayMs, jitterMs, loss, bandwidthKbps, isCut, rttMs }) => ({
      to,
      delay_ms: delayMs,
      jitter_ms: jitterMs,
      loss,
      bandwidth_kbps: bandwidthKbps,
      cut: isCut,
      rtt_ms: rttMs,
    })),
  }
}

function parseNode(text: string): number {
  const number = /^(?:node)?([1-9]\d?)$/.exec(text)?.[1]
  if (number === undefined) throw new InvalidArgumentError('Give a node, such as node1 or 1.')
  return Number(number)
}

function parseNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = text.trim() === '' ? Number.NaN : Number(text)
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`)
  }
}
