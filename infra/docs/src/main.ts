import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as contracts from '@corroport/contracts'
import packageJson from '../../../package.json' with { type: 'json' }
import { metrics, nodeMetrics } from '../../observability/src/metrics.ts'
import { createAsyncApi } from './asyncapi.ts'
import { createCatalogue } from './catalogue.ts'
import { renderEvents } from './events-page.ts'
import { withPart } from './generated-part.ts'
import { renderMetrics } from './metrics-page.ts'
import { services, voices } from './services.ts'
import { renderServices } from './services-table.ts'
import { renderVariables } from './variables-table.ts'

// node infra/docs/src/main.ts writes the generated documents; with --check it names the stale ones.
const root = join(import.meta.dirname, '../../..')
const read = (path: string): string => {
  const file = join(root, path)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

const { definitionsAmong, streams } = contracts
const entries = createCatalogue({
  definitions: definitionsAmong(Object.values(contracts)),
  streams,
  voices,
  fixtureFolder: join(root, 'packages/contracts/fixtures'),
})
const documents = {
  'docs/events.md': renderEvents(entries, streams),
  'docs/asyncapi.json': `${JSON.stringify(createAsyncApi(entries, packageJson.version), undefined, 2)}\n`,
  'docs/metrics.md': renderMetrics(metrics, nodeMetrics),
  'README.md': withPart(read('README.md'), 'services', renderServices(services)),
  ...Object.fromEntries(
    services.map(({ name, variables }) => {
      const path = `services/${name}/README.md`
      return [path, withPart(read(path), 'variables', renderVariables(variables))]
    }),
  ),
}

const stale = Object.entries(documents).filter(([path, text]) => read(path) !== text)
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is stale: run node infra/docs/src/main.ts`)
  process.exitCode = stale.length === 0 ? 0 : 1
} else {
  for (const [path, text] of stale) {
    writeFileSync(join(root, path), text)
    console.log(`${path} written`)
  }
}
