import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { App, AppDeps } from './app.ts'

const folder = join(import.meta.dirname, '../page')
const files = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.mjs', file: 'page.mjs', type: 'text/javascript; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
]
// It brings everything itself, and nobody frames it.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The page of this controller: empty until somebody shows a key to the API behind it. */
export function pageRoutes(app: App, { may }: AppDeps): void {
  for (const { path, file, type } of files) {
    const text = readFileSync(join(folder, file))
    app.get(path, may.anyone, (_request, reply) => {
      reply.type(type).header('content-security-policy', policy).header('cache-control', 'no-cache')
      return reply.send(text)
    })
  }
}
