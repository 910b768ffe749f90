import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'

const yearMs = 365 * 24 * 3_600_000

/** The console: files of its build, and its one document for every address of a page. */
export async function registerPages(
  app: App,
  { config: { webDir } }: { config: { webDir: string } },
): Promise<void> {
  await app.register(fastifyStatic, {
    root: webDir,
    serve: false,
    preCompressed: true,
    cacheControl: false,
  })

  app.get<{ Params: { '*': string } }>(
    '/assets/*',
    { config: { access: 'public' }, schema: { hide: true } },
    async ({ params }, reply) => {
      // Their names hold a digest of what is in them. With the file only: a gateway of another version
      // has none of that name, and a browser would keep its 404 for as long.
      const kept = { cacheControl: true, maxAge: yearMs, immutable: true }
      return reply.sendFile(join('assets', params['*']), kept)
    },
  )
  app.get(
    '/icon.svg',
    { config: { access: 'public' }, schema: { hide: true } },
    (_request, reply) => reply.sendFile('icon.svg'),
  )
  app.get<{ Params: { '*': string } }>(
    '/*',
    { config: { access: 'public' }, schema: { hide: true } },
    async ({ url, headers, params }, reply) => {
      const isPage = !params['*'].startsWith('api/') && headers.accept?.includes('text/html')
      if (!isPage) throw new ProblemError(404, `there is no GET ${url.split('?')[0]}`)
      if (!existsSync(join(webDir, 'index.html'))) {
        throw new ProblemError(503, 'the console is not built: npm run build -w web')
      }
      reply.header('cache-control', 'no-cache')
      return reply.sendFile('index.html')
    },
  )
}
