/** As many have folders in the image, for the volumes that `init` mounts. */
export const mostComposeNodes = 20

const nodesInFile = 3

/**
 * An override of a compose file, whose text is given, with so many nodes: those beyond the third are
 * written as the third is, those that are not wanted get a profile that nobody asks for.
 */
export function composeNodes(composeFile: string, count: number): string {
  const services = blocksOf(sectionOf(composeFile, 'services'))
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  const added = numbers.filter((number) => number > nodesInFile)
  const nodeIds = numbers.map((number) => `node${number}`).join(',')
  const third = [...services].filter(([name]) => name.endsWith(String(nodesInFile)))
  const shares = linesOf(services.get('init') ?? [], /^ {6}- \S*3:\/volumes\/node3\//)
  const addedShares =
    added.length === 0
      ? []
      : ['    volumes:', ...added.flatMap((number) => shares.map(asNode(number)))]
  const volumes = linesOf(sectionOf(composeFile, 'volumes'), /^ {2}\S*3(-\S+)?:/)
  const withNodes = `    environment: { CLUSTER_NODES: "${nodeIds}" }`
  const kept = numbers.slice(0, nodesInFile)
  /** Whether a container is told of all nodes, as the first of its kind is. */
  const isTold = (name: string): boolean =>
    services.get(name.replace(/\d+$/, '1'))?.some((line) => line.includes('*node')) ?? false

  return [
    '# Written by deploy compose-nodes; it belongs into docker-compose.override.yml.',
    'services:',
    '  init:',
    withNodes,
    ...addedShares,
    '  migrate:',
    withNodes,
    ...(added.length === 0 ? [] : ['  deploy:', ...addedShares]),
    ...kept.flatMap((number) =>
      [...services.keys()]
        .filter((name) => name.endsWith(String(number)) && isTold(name))
        .flatMap((name) => [`  ${name}:`, withNodes]),
    ),
    ...third.flatMap(([name]) =>
      Array.from({ length: nodesInFile - kept.length }, (_, index) => [
        `  ${name.slice(0, -1)}${count + index + 1}:`,
        '    profiles: !override [absent]',
      ]).flat(),
    ),
    ...added.flatMap((number) =>
      third.flatMap(([name, block]) =>
        block.flatMap(ofNewNode(number, isTold(name) ? nodeIds : undefined)),
      ),
    ),
    ...(added.length === 0
      ? []
      : ['volumes:', ...added.flatMap((number) => volumes.map(asNode(number)))]),
    '',
  ].join('\n')
}

/** The lines of a section, without its name. */
function sectionOf(text: string, name: string): string[] {
  const lines = text.split('\n')
  const start = lines.indexOf(`${name}:`)
  if (start < 0) throw new Error(`the compose file has no ${name}`)
  const end = lines.findIndex((line, index) => index > start && /^\S/.test(line))
  return lines.slice(start + 1, end < 0 ? undefined : end)
}

/** What belongs to each name of a section, its own line among it; comments are left out. */
function blocksOf(section: readonly string[]): Map<string, string[]> {
  const blocks = new Map<string, string[]>()
  let block: string[] = []
  for (const line of section) {
    const name = /^ {2}([\w-]+):/.exec(line)?.[1]
    if (name !== undefined) {
      block = []
      blocks.set(name, block)
    }
    if (line.trim() !== '' && !line.trimStart().startsWith('#')) block.push(line)
  }
  return blocks
}

function linesOf(block: readonly string[], pattern: RegExp): string[] {
  return block.filter((line) => pattern.test(line))
}

/** A line of the third node as one of another: its names, its ports and its variables. */
function asNode(number: number): (line: string) => string {
  return (line) =>
    line
      .replaceAll(
        /(agent|subscriber|ack-sender|config-manager|gateway|edge-proxy|backend|node|NODE|EDGE)3/g,
        `$1${number}`,
      )
      .replaceAll('4003', String(4000 + number))
      .replaceAll('7003', String(7000 + number))
      .replaceAll('web-ap-1', `web-ap-${number - nodesInFile + 1}`)
}

function ofNewNode(number: number, nodeIds: string | undefined): (line: string) => string[] {
  return (line) => {
    const own = asNode(number)(line)
    const base = /^ {4}extends: ([\w-]+1)$/.exec(line)?.[1]
    if (base !== undefined) {
      return [`    extends: { file: docker-compose.yml, service: ${base} }`]
    }
    if (nodeIds === undefined) return [own]
    if (/^ {4}environment:$/.test(own)) return [own, `      CLUSTER_NODES: "${nodeIds}"`]
    return [own.replace(/^ {4}environment: \{/, `    environment: { CLUSTER_NODES: "${nodeIds}",`)]
  }
}
