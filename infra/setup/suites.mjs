import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the use of a part looks like in the text of a suite. */
const uses = {
  nats: /\bstart(NatsServer|Cluster)\(/,
  /** Of either kind. */
  agents: /\bstart(CorrosionAgent|Cluster)\(/,
  postgres: /\bstartPostgres\(|\banalytics: true\b/,
  /** Only real ones will do. */
  corrosion: /\bstartRealAgent\(/,
  network: /\bunshare(Network|Mounts)\b/,
  browser: /\bstartBrowser\(/,
  prometheus: /\bstartPrometheus\(/,
  docker: /\bnew DockerComposeEnvironment\(|\bstartCompose\(/,
  /** What documents tell a person to type. */
  documents: /\bcommandsOf\(|\bjoin\(root, 'docs\//,
}

/** The suites that start one of these parts, by themselves or through a file of tests. */
export function suitesUsing(parts, root) {
  const wanted = parts.flatMap((part) => uses[part] ?? [])
  return globSync('{packages,services,infra,corrosion,web}/**/*.test.ts', {
    cwd: root,
    exclude: (path) => path.endsWith('node_modules'),
  })
    .concat(globSync('test/*.test.ts', { cwd: root }))
    .filter((path) => {
      const texts = readWithNeighbours(join(root, path))
      return wanted.some((use) => texts.some((text) => use.test(text)))
    })
    .toSorted()
}

/** Texts of a file and of what it imports from its own folder, or from another one of tests. */
function readWithNeighbours(path, seen = new Set()) {
  if (seen.has(path)) return []
  seen.add(path)
  const text = readFileSync(path, 'utf8')
  const imports = [...text.matchAll(/ from '(\.\/[^/']+\.ts|\.\.[^']*\/test\/[^/']+\.ts)'/g)]
  return [text, ...imports.flatMap(([, name]) => readWithNeighbours(join(path, '..', name), seen))]
}

/** Twenty containers and more leave no room for the clusters and the deadlines of another suite. */
export function suitesRunAlone(root) {
  return suitesUsing(['docker'], root)
}

/** The suites to be held once more to development agents, after they ran on real ones. */
export function suitesForBothKinds(root) {
  // What a browser shows, what Prometheus is told and what a document says to type do not depend on
  // the kind of agent.
  const once = suitesUsing(['corrosion', 'browser', 'prometheus', 'documents'], root)
  return suitesUsing(['agents'], root).filter((path) => !once.includes(path))
}
