import { resolve } from 'node:path'
import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { Command } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { importRecords } from '../bundle/import-records.ts'
import { readImport } from '../bundle/read-import.ts'
import { refuseFile } from '../bundle/refuse-file.ts'
import { isZip, writeBundle } from '../bundle/write-bundle.ts'
import { type GatewayOptions, openGateway, withGateway } from '../gateway-options.ts'
import type { Terminal } from '../terminal.ts'

export function registerExperimentBundle(experiment: Command, terminal: Terminal): void {
  withGateway(experiment.command('export'))
    .description('Writes an ended experiment: records, figures, a report to read.')
    .argument('<id>', 'of the experiment')
    .option('--out <path>', 'a new folder, or a new .zip; <id>.bundle by default')
    .addHelpText(
      'after',
      `
manifest.json has the plan, the environment and the sha256 of each file; report.html opens in any
browser; events.ndjson, clocks.ndjson and samples.ndjson are what the services told.

Examples:
  $ corroport experiment export gossip-baseline
  $ corroport experiment export gossip-baseline --out /tmp/measured.zip`,
    )
    .action(
      terminal.action(async (id: string, options: GatewayOptions & { out?: string }) => {
        const out = resolve(options.out ?? `${id}.bundle`)
        const now = toTimestamp(nowMicroseconds())
        const manifest = await writeBundle(openGateway(options, terminal), id, {
          out,
          version: packageJson.version,
          now,
        }).catch(refuseFile)
        if (options.json) terminal.printJson({ out, manifest })
        else {
          const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
          terminal.print(`${out}: ${manifest.files.length + 1} files, ${bytes} bytes`)
          if (!isZip(out)) terminal.print(`file://${out}/report.html`)
        }
        return 'ok'
      }),
    )

  withGateway(experiment.command('import'))
    .description('Stores an experiment that was measured elsewhere; its figures are computed anew.')
    .argument('<path>', 'a bundle (folder or zip), or a JSON export with raw events')
    .addHelpText(
      'after',
      `
A bundle is checked against its manifest before anything is sent. An id that exists is refused.

Examples:
  $ corroport experiment import gossip-baseline.bundle
  $ corroport experiment import measured.zip
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
