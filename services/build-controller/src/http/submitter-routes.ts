import { Readable } from 'node:stream'
import { buildStatuses } from '@corroport/contracts'
import { Type } from 'typebox'
import { sendFile } from '../files/send-file.ts'
import { Refusal } from '../refusal.ts'
import { type Build, countBuilds, findBuild, listBuilds } from '../store/builds.ts'
import { listEvents } from '../store/events.ts'
import { type LogLine, readLog } from '../store/logs.ts'
import { cancel } from '../store/queue.ts'
import type { KeyOwner } from './access.ts'
import type { App, AppDeps } from './app.ts'
import { Id, WithId } from './ids.ts'
import { dialectOf, toListItem, toStatus } from './shapes.ts'

const ListQuery = Type.Object({
  status: Type.Optional(Type.Enum([...buildStatuses])),
  platform: Type.Optional(Type.Enum(['ios', 'android'])),
  worker_id: Type.Optional(Type.String({ maxLength: 128 })),
  after: Type.Optional(Type.String({ maxLength: 64, description: 'id of the last one known' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})
const LogsQuery = Type.Object({
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'number of the last line known' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
})
const LiveQuery = Type.Object({ after: Type.Optional(Type.Integer({ minimum: 0 })) })

const logPage = 1000

/** What whoever submitted builds asks about them. */
export function submitterRoutes(app: App, prefix: string, deps: AppDeps): void {
  const { pool, storage, access, may, liveLogs, stopping } = deps
  const dialect = dialectOf(`${prefix}/`)
  const ownerOf = (key: KeyOwner) => (key.role === 'admin' ? undefined : key.id)

  app.get(
    `${prefix}/builds`,
    { ...may.key, schema: { querystring: ListQuery } },
    async (request) => {
      const owner = ownerOf(await access.key(request))
      const { status, platform, worker_id: workerId, after, limit = 200 } = request.query
      const filter = { owner, statuses: status && [status], platform, workerId, after, limit }
      const [builds, counts] = await Promise.all([
        listBuilds(pool, filter),
        countBuilds(pool, owner),
      ])
      return {
        builds: builds.map((build) => toListItem(build, dialect)),
        total: counts.total,
        ...(builds.length === limit && { next: builds.at(-1)?.id }),
      }
    },
  )

  app.get(`${prefix}/builds/active`, may.key, async (request) => {
    const owner = ownerOf(await access.key(request))
    const builds = await listBuilds(pool, {
      owner,
      statuses: ['assigned', 'building'],
      limit: 1000,
    })
    return {
      builds: builds.map(({ id, status, platform, worker_id, started_at, assigned_at }) => ({
        id,
        status,
        platform,
        worker_id,
        started_at: (started_at ?? assigned_at)?.toISOString() ?? null,
      })),
    }
  })

  app.get(`${prefix}/builds/statistics`, may.key, async (request) =>
    countBuilds(pool, ownerOf(await access.key(request))),
  )

  app.get(`${prefix}/builds/:id`, { ...may.build, schema: { params: WithId } }, async (request) =>
    toListItem(await access.build(request), dialect),
  )

  app.get(
    `${prefix}/builds/:id/status`,
    { ...may.build, schema: { params: WithId } },
    async (request) => toStatus(await access.build(request), dialect),
  )

  app.get(
    `${prefix}/builds/:id/events`,
    { ...may.build, schema: { params: WithId } },
    async (request) => {
      const { id } = await access.build(request)
      const events = await listEvents(pool, id)
      return {
        build_id: id,
        events: events.map(({ kind, worker_id, at, data }) => ({
          kind,
          at: at.toISOString(),
          ...(worker_id !== null && { worker_id }),
          ...data,
        })),
      }
    },
  )

  app.get(
    `${prefix}/builds/:id/logs`,
    { ...may.build, schema: { params: WithId, querystring: LogsQuery } },
    async (request, reply) => {
      const { id } = await access.build(request)
      const { after, limit } = request.query
      if (after === undefined && limit === undefined) {
        // The command line asks for all and counts what it has printed.
        reply.type('application/json')
        return reply.send(Readable.from(wholeLog(id)))
      }
      const lines = await readLog(pool, id, after ?? 0, limit ?? logPage)
      return {
        build_id: id,
        logs: lines.map(toLogEntry),
        next: Number(lines.at(-1)?.number ?? after ?? 0),
      }
    },
  )

  async function* wholeLog(id: string): AsyncGenerator<string> {
    yield `{"build_id":${JSON.stringify(id)},"logs":[`
    let after = 0
    for (;;) {
      const lines = await readLog(pool, id, after, logPage)
      const text = lines.map((line) => JSON.stringify(toLogEntry(line))).join(',')
      if (text !== '') yield after === 0 ? text : `,${text}`
      if (lines.length < logPage) break
      after += lines.length
    }
    yield ']}'
  }

  app.get(
    `${prefix}/builds/:id/logs/live`,
    { ...may.build, schema: { params: WithId, querystring: LiveQuery } },
    async (request, reply) => {
      const { id } = await access.build(request)
      const resumed = Number(request.headers['last-event-id'] ?? Number.NaN)
      const after = Number.isInteger(resumed) ? resumed : (request.query.after ?? 0)
      const gone = new AbortController()
      request.raw.on('close', () => gone.abort())
      const ended = AbortSignal.any([gone.signal, stopping])
      reply.type('text/event-stream')
      return reply.send(Readable.from(liveLog(id, after, ended)))
    },
  )

  async function* liveLog(id: string, from: number, signal: AbortSignal): AsyncGenerator<string> {
    yield ': the log of a build\n\n'
    let after = from
    while (!signal.aborted) {
      // Before the lines: those that come after the last look are of a build that has not ended.
      const found = await findBuild(pool, id)
      const lines = await readLog(pool, id, after, logPage)
      for (const line of lines) {
        yield `id: ${line.number}\ndata: ${JSON.stringify(toLogEntry(line))}\n\n`
      }
      after = Number(lines.at(-1)?.number ?? after)
      if (lines.length === logPage) continue
      if (!found || found.finished_at) {
        const status = found ? toStatus(found, dialect) : { status: 'gone' }
        yield `event: end\ndata: ${JSON.stringify(status)}\n\n`
        return
      }
      await liveLogs.changed(id, signal)
      if (lines.length === 0) yield ':\n\n'
    }
  }

  for (const path of ['download', 'download/:type']) {
    app.get(
      `${prefix}/builds/:id/${path}`,
      {
        ...may.build,
        schema: { params: Type.Object({ id: Id, type: Type.Optional(Type.String()) }) },
      },
      async (request, reply) => {
        const { id, type = 'result' } = request.params
        const build = await access.build(request)
        if (type === 'source') {
          return sendFile(request, reply, storage, sourceOf(build))
        }
        if (type !== 'result') throw new Refusal(400, 'Invalid file type')
        if (build.result_name === null || build.result_sha256 === null) {
          if (build.finished_at === null) throw new Refusal(400, 'Build not completed')
          throw new Refusal(404, 'Build or file not found')
        }
        return sendFile(request, reply, storage, {
          buildId: id,
          name: build.result_name,
          sha256: build.result_sha256,
          fileName: `${id}.${build.platform === 'ios' ? 'ipa' : 'apk'}`,
          type: 'application/octet-stream',
        })
      },
    )
  }

  app.post(
    `${prefix}/builds/:id/cancel`,
    { ...may.build, schema: { params: WithId } },
    async (request) => {
      const build = await access.build(request)
      const { outcome, status } = await cancel(pool, build.id, 'Build cancelled by user')
      if (outcome === 'unknown') throw new Refusal(404, 'Build not found')
      if (outcome === 'ended') {
        throw new Refusal(400, 'Build cannot be cancelled in current state', { status })
      }
      liveLogs.wake(build.id)
      return { success: true, status: 'cancelled' }
    },
  )
}

/** The source, as its submitter and its worker get it. */
export function sourceOf(build: Build) {
  return {
    buildId: build.id,
    name: build.source_name,
    sha256: build.source_sha256,
    fileName: `${build.id}.zip`,
    type: 'application/zip',
  }
}

function toLogEntry({ number, at, level, message }: LogLine) {
  return { seq: Number(number), timestamp: at.toISOString(), level, message }
}
