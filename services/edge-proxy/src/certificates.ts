import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { createTermination } from './serve/terminate.ts'
import type { Certificate } from './serve/worker-messages.ts'
import { watchFiles } from './watch-files.ts'

/**
 * Reads certificates and keys, and again when a file has changed; what does not fit together leaves
 * those before. Throws when they cannot be used at the start.
 */
export function openCertificates(
  files: readonly { cert: string; key: string }[],
  onLoad: (certificates: readonly Certificate[]) => void,
  log: Logger,
): Disposable {
  const load = (): void => {
    const certificates = files.map(({ cert, key }) => ({
      cert: readFileSync(cert, 'utf8'),
      key: readFileSync(key, 'utf8'),
    }))
    createTermination(0).use(certificates)
    onLoad(certificates)
  }
  if (files.length > 0) load()
  return watchFiles(
    files.flatMap(({ cert, key }) => [cert, key]),
    () => {
      try {
        load()
        log.info({ certificates: files.map(({ cert }) => cert) }, 'certificates read again')
      } catch (error) {
        // Both files of a pair are seldom replaced at once: the next look may find them whole.
        const reason = Error.isError(error) ? error.message : String(error)
        log.error({ reason }, 'certificates not read: those before stay')
      }
    },
  )
}
