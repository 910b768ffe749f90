import { cp, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Experiment } from '@corroport/contracts'
import { createTemporaryFolder } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { zipSync } from 'fflate'
import { writeZip } from '../src/bundle/write-zip.ts'
import { corroport } from './corroport.ts'
import {
  acked,
  answered,
  clock,
  experimentReply,
  figuresReply,
  id,
  pairsReply,
  recordStream,
} from './experiment-answers.ts'
import { type Answer, startGateway } from './gateway.ts'

const records = [
  acked({ ackNodeId: 'node2', messageId: 'node1_1' }),
  clock(),
  acked({ ackNodeId: 'node3', messageId: 'node1_1' }),
]
const importRoute = 'POST /api/experiments/import'
const imported = { stored: 1, experiment: experimentReply().experiment, ...answered }

function analytics(stream: Answer = recordStream(records), change = {}) {
  return startGateway({
    [`GET /api/experiments/${id}`]: experimentReply(change),
    [`GET /api/experiments/${id}/figures`]: figuresReply(),
    [`GET /api/experiments/${id}/pairs`]: pairsReply(),
    [`GET /api/experiments/${id}/events`]: stream,
    [importRoute]: imported,
    'POST /api/experiments': experimentReply({ status: 'running' }),
  })
}

const original = createTemporaryFolder()
const bundle = join(original.path, 'bundle')

beforeAll(async () => {
  await using gateway = await analytics()
  await corroport(['experiment', 'export', id, '--out', bundle, '--url', gateway.url])
})

afterAll(() => original[Symbol.dispose]())

/** A bundle of the example, in a folder of its own. */
async function exported(folder: string): Promise<string> {
  const copy = join(folder, 'bundle')
  await cp(bundle, copy, { recursive: true })
  return copy
}

test('an experiment is exported, and imported as it was told', async () => {
  using folder = createTemporaryFolder()
  await using gateway = await analytics()

  const out = await exported(folder.path)
  const ended = await corroport(['experiment', 'import', out, '--url', gateway.url])

  const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'))
  expect(manifest).toMatchObject({ format: 'corroport-experiment', version: 1, experiment: { id } })
  expect(manifest.commands[2]).toContain('--transport both --origins node1 --count 200')
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`${id} is imported`) })
  const pages = gateway.asked.map(({ body }) => JSON.parse(body))
  expect(pages).toHaveLength(1)
  expect(pages[0]).toMatchObject({
    page: 0,
    is_last: true,
    experiment: manifest.experiment,
    events: [records[0], records[2], records[1]],
  })
})

test('records that do not fit into one page are sent in several', async () => {
  using folder = createTemporaryFolder()
  const many = Array.from({ length: 6000 }, (_, index) => acked({ messageId: `node1_${index}` }))
  await using gateway = await analytics(recordStream(many))
  const out = join(folder.path, 'many')

  await corroport(['experiment', 'export', id, '--out', out, '--url', gateway.url])
  const ended = await corroport(['experiment', 'import', out, '--url', gateway.url])

  expect(ended.code).toBe(0)
  const bodies = gateway.asked.filter(({ line }) => line === importRoute).map(({ body }) => body)
  const pages = bodies.map((body) => JSON.parse(body))
  expect(Math.max(...bodies.map((body) => body.length))).toBeLessThanOrEqual(900_000)
  expect(pages.map(({ page }) => page)).toEqual(pages.map((_, index) => index))
  expect(pages.map(({ is_last: isLast }) => isLast)).toEqual(
    pages.map((_, index) => index === pages.length - 1),
  )
  expect(pages.filter(({ experiment }) => experiment !== undefined)).toHaveLength(1)
  expect(new Set(pages.map(({ import_id: importId }) => importId)).size).toBe(1)
  expect(pages.flatMap(({ events }) => events)).toEqual(many)
})

test('a page that nobody could take yet is sent again; the first one is not', async () => {
  using folder = createTemporaryFolder()
  const many = Array.from({ length: 6000 }, (_, index) => acked({ messageId: `node1_${index}` }))
  await using source = await analytics(recordStream(many))
  const out = join(folder.path, 'many')
  await corroport(['experiment', 'export', id, '--out', out, '--url', source.url])
  const busy = { title: 'analytics is silent', status: 503 }
  const silentAt = (silent: number) => {
    let asked = 0
    return startGateway({
      [importRoute]: (response) => {
        const isSilent = asked++ === silent
        response.writeHead(isSilent ? 503 : 200, { 'content-type': 'application/json' })
        response.end(JSON.stringify(isSilent ? busy : imported))
      },
    })
  }
  await using atSecond = await silentAt(1)
  await using atFirst = await silentAt(0)

  const patient = await corroport(['experiment', 'import', out, '--url', atSecond.url])
  const refused = await corroport(['experiment', 'import', out, '--url', atFirst.url])

  expect(patient.code).toBe(0)
  const bodies = atSecond.asked.map(({ body }) => body)
  expect(bodies[2]).toBe(bodies[1])
  expect(refused.code).toBe(1)
  expect(atFirst.asked).toHaveLength(1)
})

test('a bundle is run again as it was planned', async () => {
  using folder = createTemporaryFolder()
  const out = await exported(folder.path)
  await using gateway = await analytics()

  const ended = await corroport(['experiment', 'rerun', out, '--detach', '--url', gateway.url])

  expect(ended.code).toBe(0)
  const { transports: _, ...plan } = experimentReply().experiment.plan
  expect(JSON.parse(gateway.asked.at(-1)?.body ?? '')).toEqual({
    ...plan,
    transport: 'both',
    repeat_of: id,
  })
})

test('the command of a manifest measures the same plan', async () => {
  using folder = createTemporaryFolder()
  const plan = { ...experimentReply().experiment.plan, seed: 2 ** 32 - 1, interval_ms: 1.5 }
  await using gateway = await analytics(recordStream(records), { plan })
  const out = join(folder.path, 'bundle')
  await corroport(['experiment', 'export', id, '--out', out, '--url', gateway.url])
  const { commands } = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'))
  const args = commands[2].split(' ').slice(1)

  const ended = await corroport([...args, '--detach', '--url', gateway.url])

  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const { name: _name, note: _note, transports: _both, repeat_of: _first, ...numbers } = plan
  const asked = gateway.asked.find(({ line }) => line === 'POST /api/experiments')
  expect(JSON.parse(asked?.body ?? '')).toMatchObject({ ...numbers, transport: 'both' })
})

test.each(['manifest.json', 'bundle.zip', 'export.json'])(
  'an experiment is run again as %s says',
  async (name) => {
    using folder = createTemporaryFolder()
    const file = join(folder.path, name)
    const { experiment } = experimentReply()
    if (name === 'manifest.json') await cp(join(bundle, name), file)
    else if (name === 'bundle.zip') await writeFile(file, zipSync(await contentsOf(bundle)))
    else await writeFile(file, JSON.stringify(jsonExport(experiment)))
    await using gateway = await analytics()

    const ended = await corroport(['experiment', 'rerun', file, '--detach', '--url', gateway.url])

    expect(ended.code).toBe(0)
    const { name: planned, count, seed } = experiment.plan
    expect(JSON.parse(gateway.asked.at(-1)?.body ?? '')).toMatchObject({
      name: planned,
      count,
      seed,
    })
  },
)

/** As `GET /api/analytics/experiments/:id/export` tells it, with one message. */
function jsonExport({ id: experimentId, plan, status }: Experiment) {
  const sent = {
    message_id: 'm1',
    originating_node: 'node1',
    event_type: 'sent',
    event_timestamp: '2026-01-15T10:00:00.000000Z',
    transport: 'gossip',
  }
  return {
    metadata: { exporter_version: '0.1.0' },
    experiment: { id: experimentId, plan, status },
    raw_events: [sent],
  }
}

test('records that were cut off leave no bundle behind', async () => {
  using folder = createTemporaryFolder()
  await using gateway = await analytics(recordStream(records, 4))
  const out = join(folder.path, 'bundle')

  const ended = await corroport(['experiment', 'export', id, '--out', out, '--url', gateway.url])

  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('were cut off after 3: try again')
  await expect(readFile(out)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('what runs is not exported, and nothing is overwritten', async () => {
  using folder = createTemporaryFolder()
  await using running = await analytics(recordStream(records), { status: 'running' })
  const out = join(folder.path, 'bundle')
  const run = ['experiment', 'export', id, '--out']

  const early = await corroport([...run, out, '--url', running.url])
  const taken = await corroport([...run, folder.path, '--url', running.url])

  expect(early.stderr).toBe(`corroport: ${id} is running: export it when it ended\n`)
  expect(taken.stderr).toBe(`corroport: ${folder.path} exists: choose another --out\n`)
})

test('a bundle that was changed is refused in one line, and nothing is sent', async () => {
  using folder = createTemporaryFolder()
  const out = await exported(folder.path)
  await using gateway = await analytics()
  await truncate(join(out, 'events.ndjson'), 100)

  const ended = await corroport(['experiment', 'import', out, '--url', gateway.url])

  const where = join(out, 'events.ndjson')
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: `corroport: ${where} is not what the manifest says: changed or cut short\n`,
  })
  expect(gateway.asked).toEqual([])
})

test('a zip is the same bundle, and the same records make the same bytes', async () => {
  using folder = createTemporaryFolder()
  await using gateway = await analytics()
  const zip = join(folder.path, 'bundle.zip')
  const names = ['manifest.json', 'events.ndjson', 'clocks.ndjson']

  const ended = await corroport(['experiment', 'export', id, '--out', zip, '--url', gateway.url])
  const first = join(folder.path, 'first')
  const second = join(folder.path, 'second')
  await writeZip(first, { from: bundle, names, folder: 'a' })
  await writeZip(second, { from: bundle, names, folder: 'a' })
  const taken = await corroport(['experiment', 'import', zip, '--url', gateway.url])

  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(await readFile(first)).toEqual(await readFile(second))
  expect(await readdir(folder.path)).toEqual(['bundle.zip', 'first', 'second'])
  expect(taken).toMatchObject({ code: 0, stderr: '' })
  const { body = '' } = gateway.asked.find(({ line }) => line === importRoute) ?? {}
  expect(JSON.parse(body).events).toEqual([records[0], records[2], records[1]])
})

test.each([{ level: 6 as const }, { level: 0 as const }])(
  'a zip of the folder by another tool is imported ($level)',
  async (options) => {
    using folder = createTemporaryFolder()
    await using gateway = await analytics()
    const file = join(folder.path, 'other.zip')
    const inside = await contentsOf(bundle)
    await writeFile(file, zipSync({ ...inside, '__MACOSX/bundle/._a': new Uint8Array() }, options))

    const ended = await corroport(['experiment', 'import', file, '--url', gateway.url])

    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(gateway.asked[0]?.body ?? '').events).toHaveLength(3)
  },
)

/** The files of a bundle by their names in a zip. */
async function contentsOf(from: string): Promise<Record<string, Uint8Array>> {
  const names = await readdir(from)
  const files = names.map(async (name) => [`bundle/${name}`, await readFile(join(from, name))])
  return Object.fromEntries(await Promise.all(files))
}

test('a place where nothing can be written or read is told in one line', async () => {
  using folder = createTemporaryFolder()
  await using gateway = await analytics()
  const file = join(folder.path, 'file')
  await writeFile(file, 'a')
  const inside = join(file, 'bundle')

  const out = await corroport(['experiment', 'export', id, '--out', inside, '--url', gateway.url])

  expect(out.code).toBe(1)
  expect(out.stderr).toMatch(/^corroport: E[A-Z]+: .*\n$/)
})

test('what is no bundle at all is refused', async () => {
  using folder = createTemporaryFolder()
  const empty = join(folder.path, 'empty')
  await mkdir(empty)

  const nothing = await corroport(['experiment', 'import', join(folder.path, 'none')])
  const hollow = await corroport(['experiment', 'import', empty])

  expect(nothing.stderr).toBe(`corroport: there is no ${join(folder.path, 'none')}\n`)
  expect(hollow.stderr).toContain('has no manifest.json')
})

test('an export of the original is imported; one that is damaged is refused', async () => {
  using folder = createTemporaryFolder()
  const file = join(folder.path, 'oct.json')
  const at = '2025-10-13T10:00:00.000000Z'
  const sent = {
    message_id: 'm1',
    originating_node: 'yyz-1',
    event_type: 'sent',
    event_timestamp: at,
  }
  const ack = {
    ...sent,
    event_type: 'acked',
    target_node: 'iad-2',
    event_timestamp: '2025-10-13T10:00:01.000000Z',
  }
  const text = JSON.stringify({
    metadata: { exporter_version: '1.0.0' },
    experiment: { id: 'rtio' },
    raw_events: [sent, ack],
  })
  await using gateway = await analytics()

  await writeFile(file, text)
  const whole = await corroport(['experiment', 'import', file, '--url', gateway.url])
  await writeFile(file, text.slice(0, -10))
  const cut = await corroport(['experiment', 'import', file, '--url', gateway.url])
  await writeFile(file, '{"hello":1}')
  const foreign = await corroport(['experiment', 'import', file, '--url', gateway.url])

  expect(whole).toMatchObject({ code: 0, stderr: '' })
  expect(gateway.asked).toHaveLength(1)
  expect(gateway.asked[0]?.body).toContain('"id":"rtio"')
  expect(cut.stderr).toBe(`corroport: ${file}: no JSON, damaged or cut short\n`)
  expect([cut.code, foreign.code]).toEqual([1, 1])
  expect(foreign.stderr.trim().split('\n')).toHaveLength(1)
})
