import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What the use of a part looks like in the text of a suite. */
const uses = {
  nats: /\bstart(NatsServer|Cluster)\(/,
  /** Of either kind. */
  agents: /\bstart(CorrosionAgent|Cluster)\(/,
  postgres: /\bstartPostgres\(/,
  /** Only real ones will do. */
  corrosion: /\bstartRealAgent\(/,
}

/** The suites that start one of these parts, by themselves or through the harness beside them. */
export function suitesUsing(parts, root) {
  const wanted = parts.flatMap((part) => uses[part] ?? [])
  return globSync('{packages,services,infra,corrosion}/**/*.test.ts', {
    cwd: root,
    exclude: (path) => path.endsWith('node_modules'),
  })
    .concat(globSync('test/*.test.ts', { cwd: root }))
    .filter((path) => {
      const harness = join(root, dirname(path), 'harness.ts')
      const text = readFileSync(join(root, path), 'utf8')
      const beside =
        text.includes('./harness.ts') && existsSync(harness) ? readFileSync(harness, 'utf8') : ''
      return wanted.some((use) => use.test(text) || use.test(beside))
    })
    .toSorted()
}

/** The suites to be held once more to development agents, after they ran on real ones. */
export function suitesForBothKinds(root) {
  const onlyReal = suitesUsing(['corrosion'], root)
  return suitesUsing(['agents'], root).filter((path) => !onlyReal.includes(path))
}
