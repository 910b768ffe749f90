import { statSync } from 'node:fs'

const everyMs = 2000

/**
 * Calls back when one of the files is another one, or was changed. Looked at again and again, since
 * files that are mounted are replaced by way of links, of which a watcher hears nothing.
 */
export function watchFiles(paths: readonly string[], onChange: () => void): Disposable {
  let stamp = stampOf(paths)
  const looking = setInterval(() => {
    const current = stampOf(paths)
    if (current === stamp) return
    stamp = current
    onChange()
  }, everyMs)
  return { [Symbol.dispose]: () => clearInterval(looking) }
}

function stampOf(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const about = statSync(path, { throwIfNoEntry: false, bigint: true })
      return about ? `${about.dev} ${about.ino} ${about.size} ${about.mtimeNs}` : 'none'
    })
    .join('\n')
}
