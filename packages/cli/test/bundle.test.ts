import { cp, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTemporaryFolder } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
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

test('a bundle is run again as it was planned', async () => {
  using folder = createTemporaryFolder()
  const out = await exported(folder.path)
  await using gateway = await analytics()

  const ended = await corroport(['experiment', 'rerun', out, '--detach', '--url', gateway.url])

  expect(ended.code).toBe(0)
  const { transports: _, ...plan } = experimentReply().experiment.plan
  expect(JSON.parse(gateway.asked[0]?.body ?? '')).toEqual({
    ...plan,
    transport: 'both',
    repeat_of: id,
  })
})

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

const harms: Record<string, [(out: string) => Promise<unknown>, string]> = {
  'cut short': [(out) => truncate(join(out, 'events.ndjson'), 100), 'changed or cut short'],
  'with a changed byte': [
    async (out) => {
      const file = join(out, 'events.ndjson')
      await writeFile(file, (await readFile(file, 'utf8')).replace('node3', 'node4'))
    },
    'changed or cut short',
  ],
  'without its records': [(out) => rm(join(out, 'events.ndjson')), 'is missing'],
  'with a link in place of its records': [
    async (out) => {
      await rm(join(out, 'events.ndjson'))
      await symlink('/etc/passwd', join(out, 'events.ndjson'))
    },
    'is no regular file',
  ],
  'without a manifest': [(out) => rm(join(out, 'manifest.json')), 'has no manifest.json'],
  'with half a manifest': [
    (out) => truncate(join(out, 'manifest.json'), 200),
    'no JSON, damaged or cut short',
  ],
  'of another format': [
    (out) => writeFile(join(out, 'manifest.json'), '{"format":"x","version":1}'),
    'of another format than corroport-experiment',
  ],
  'of a later version': [
    (out) => writeFile(join(out, 'manifest.json'), '{"format":"corroport-experiment","version":2}'),
    'has version 2; this corroport reads 1',
  ],
  'with a path for a name': [
    async (out) => {
      const file = join(out, 'manifest.json')
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replace('"samples.ndjson"', '"../../samples.ndjson"'))
    },
    'does not fit its contract',
  ],
  'with a manifest that is too long': [
    (out) => writeFile(join(out, 'manifest.json'), ' '.repeat(4_000_001)),
    'is longer than 4000000 bytes',
  ],
}

test.each(Object.entries(harms))(
  'a bundle %s is refused in one line, and nothing is sent',
  async (_, harm) => {
    const [damage, words] = harm
    using folder = createTemporaryFolder()
    const out = await exported(folder.path)
    await using gateway = await analytics()
    await damage(out)

    const ended = await corroport(['experiment', 'import', out, '--url', gateway.url])

    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain(words)
    expect(ended.stderr.trim().split('\n')).toHaveLength(1)
    expect(gateway.asked).toEqual([])
  },
)

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
