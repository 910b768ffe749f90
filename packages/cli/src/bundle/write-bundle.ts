import { chmod, lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import {
  createParser,
  type Experiment,
  ExportLine,
  PairsReply,
  type ReceiverFigures,
  type StoredEvent,
} from '@corroport/contracts'
import type { Static } from 'typebox'
import { askExperiment, askFigures, experimentPath, isOver } from '../experiment-progress.ts'
import { Failure } from '../failure.ts'
import { type Gateway, withQuery } from '../gateway-client.ts'
import { renderReport } from '../report/report.ts'
import { createHashedFile } from './hashed-file.ts'
import { readLines } from './lines.ts'
import { bundleFormat, bundleVersion, type Manifest, type RecordFile } from './manifest.ts'
import { createRecordPictures, type RecordPictures } from './record-pictures.ts'
import { maxZipBytes, writeZip } from './write-zip.ts'

type Pairs = Static<typeof ReceiverFigures>[]

const parseLine = createParser('export', ExportLine)
const parsePairs = createParser('pairs', PairsReply)

export function isZip(out: string): boolean {
  return extname(out).toLowerCase() === '.zip'
}

/** Writes an ended experiment into a new folder or zip, which is there as a whole or not at all. */
export async function writeBundle(
  gateway: Gateway,
  id: string,
  { out, version, now }: { out: string; version: string; now: string },
): Promise<Manifest> {
  if (await lstat(out).catch(() => undefined)) {
    throw new Failure(`${out} exists: choose another --out`)
  }
  const { experiment, progress } = await askExperiment(gateway, id)
  if (!isOver(experiment))
    throw new Failure(`${id} is ${experiment.status}: export it when it ended`)
  const figures = await askFigures(gateway, id)
  const pairs = await askPairs(gateway, id)

  const parent = dirname(out)
  await mkdir(parent, { recursive: true })
  const draft = await mkdtemp(join(parent, `.${basename(out)}-`))
  try {
    const pictures = createRecordPictures()
    const files = await writeRecords(gateway, id, draft, pictures)
    const report = renderReport({ experiment, progress, figures, pairs, pictures, exportedAt: now })
    for (const [name, text] of [
      ['figures.json', asJson(figures)],
      ['pairs.json', asJson(pairs)],
      ['report.html', report],
    ] as const) {
      await using file = await createHashedFile(draft, name)
      await file.write(text)
      files.push(await file.finish())
    }
    const manifest: Manifest = {
      format: bundleFormat,
      version: bundleVersion,
      exported_at: now,
      exported_by: version,
      experiment,
      progress,
      commands: commandsOf(experiment, basename(out)),
      files,
    }
    await writeFile(join(draft, 'manifest.json'), asJson(manifest), { flag: 'wx' })
    if (isZip(out)) await rename(await zipDraft(draft, manifest), out)
    else {
      await chmod(draft, 0o755) // a temporary folder is its owner's alone
      await rename(draft, out)
    }
    return manifest
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function writeRecords(
  gateway: Gateway,
  id: string,
  folder: string,
  pictures: RecordPictures,
): Promise<Manifest['files']> {
  await using events = await createHashedFile(folder, 'events.ndjson')
  await using clocks = await createHashedFile(folder, 'clocks.ndjson')
  await using samples = await createHashedFile(folder, 'samples.ndjson')
  let count = 0
  let said: number | undefined
  const body = await gateway.openBody(`${experimentPath(id)}/events`)
  for await (const text of readLines(body)) {
    const line = parseLine(JSON.parse(text))
    if ('experiment' in line) continue
    if ('end' in line) {
      said = line.end.events
      continue
    }
    count += 1
    pictures.add(line)
    const file = { 'clocks.ndjson': clocks, 'samples.ndjson': samples, 'events.ndjson': events }
    await file[fileOf(line)].write(`${JSON.stringify(line)}\n`)
  }
  if (count !== said)
    throw new Failure(`the records of ${id} were cut off after ${count}: try again`)
  return [await events.finish(), await clocks.finish(), await samples.finish()]
}

async function zipDraft(draft: string, { experiment, files }: Manifest): Promise<string> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  if (bytes > maxZipBytes) {
    throw new Failure(`${bytes} bytes are too many for a zip: export to a folder`)
  }
  const zip = join(draft, 'bundle.zip')
  await writeZip(zip, {
    from: draft,
    names: ['manifest.json', ...files.map(({ name }) => name)],
    folder: `${experiment.id}.bundle`,
  })
  return zip
}

function fileOf({ kind }: StoredEvent): RecordFile {
  if (kind === 'clock') return 'clocks.ndjson'
  return kind === 'sample' || kind === 'audit' ? 'samples.ndjson' : 'events.ndjson'
}

async function askPairs(gateway: Gateway, id: string): Promise<Pairs> {
  const pairs: Pairs = []
  let after: string | undefined
  do {
    const page = await gateway.get(withQuery(`${experimentPath(id)}/pairs`, { after }), parsePairs)
    pairs.push(...page.pairs)
    after = page.next ?? undefined
  } while (after !== undefined)
  return pairs
}

function commandsOf({ id, plan }: Experiment, bundle: string): string[] {
  const transport = plan.transports.length > 1 ? 'both' : (plan.transports[0] ?? 'gossip')
  const run = [
    'corroport experiment run',
    `--transport ${transport}`,
    `--origins ${plan.origins.join(',')}`,
    `--count ${plan.count}`,
    `--interval ${plan.interval_ms}ms`,
    `--warmup ${plan.warmup}`,
    `--payload ${plan.payload_bytes}`,
    `--seed ${plan.seed}`,
  ].join(' ')
  return [
    `corroport experiment import ${bundle}`,
    `corroport experiment rerun ${bundle}`,
    run,
    `corroport experiment compare ${id} <other>`,
  ]
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
