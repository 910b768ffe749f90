import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { Command } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { type Import, importRecords } from '../bundle/import-records.ts'
import { originalToBundle } from '../bundle/original-export.ts'
import { openBundle } from '../bundle/read-bundle.ts'
import { writeBundle } from '../bundle/write-bundle.ts'
import { Failure } from '../failure.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'

type ImportSource = Pick<Import, 'experiment' | 'records'>

export function registerExperimentBundle(experiment: Command, terminal: Terminal): void {
  withGateway(experiment.command('export'))
    .description('Writes an ended experiment into a folder: records, figures, a report to read.')
    .argument('<id>', 'of the experiment')
    .option('--out <folder>', 'a new one; <id>.bundle by default')
    .addHelpText(
      'after',
      `
manifest.json has the plan, the environment and the sha256 of each file; report.html opens in any
browser; events.ndjson, clocks.ndjson and samples.ndjson are what the services told.

Examples:
  $ corroport experiment export gossip-baseline
  $ corroport experiment export gossip-baseline --out /tmp/measured`,
    )
    .action(
      terminal.action(async (id: string, options: GatewayOptions & { out?: string }) => {
        const folder = resolve(options.out ?? `${id}.bundle`)
        const now = toTimestamp(nowMicroseconds())
        const manifest = await writeBundle(openGateway(options, terminal), id, {
          folder,
          version: packageJson.version,
          now,
        })
        if (options.json) terminal.printJson({ folder, manifest })
        else {
          const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
          terminal.print(`${folder}: ${manifest.files.length + 1} files, ${bytes} bytes`)
          terminal.print(`file://${folder}/report.html`)
        }
        return 'ok'
      }),
    )

  withGateway(experiment.command('import'))
    .description('Stores an experiment that was measured elsewhere; its figures are computed anew.')
    .argument('<path>', 'a bundle of experiment export, or a JSON export with raw events')
    .addHelpText(
      'after',
      `
A bundle is checked against its manifest before anything is sent. An id that exists is refused.

Examples:
  $ corroport experiment import gossip-baseline.bundle
  $ corroport experiment import corro_oct_13.json`,
    )
    .action(
      terminal.action(async (path: string, options: GatewayOptions) => {
        const read = await readImport(path)
        const imported = await importRecords(openGateway(options, terminal), {
          ...read,
          onStored: (stored) => {
            if (!options.json) terminal.progress([`${stored} records stored`], false)
          },
        })
        if (options.json) terminal.printJson({ experiment: imported })
        else terminal.print(`${imported.id} is imported: corroport experiment show ${imported.id}`)
        return 'ok'
      }),
    )
}

async function readImport(path: string): Promise<ImportSource> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Failure(`there is no ${path}`, { cause })
  })
  if (found.isFile()) return readJsonExport(path, found.size)
  const bundle = await openBundle(path)
  return { experiment: bundle.manifest.experiment, records: bundle.records() }
}

// As text and as values at once it takes some times as much memory.
const maxExportBytes = 128 * 1024 * 1024

async function readJsonExport(path: string, size: number): Promise<ImportSource> {
  if (size > maxExportBytes) throw new Failure(`${path} is longer than ${maxExportBytes} bytes`)
  try {
    const { experiment, events } = originalToBundle(JSON.parse(await readFile(path, 'utf8')))
    return { experiment, records: events }
  } catch (cause) {
    if (cause instanceof Failure || !(cause instanceof Error)) throw cause
    const what = cause instanceof SyntaxError ? 'no JSON, damaged or cut short' : cause.message
    throw new Failure(`${path}: ${what}`, { cause })
  }
}
