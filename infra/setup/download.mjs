import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

// Short: a machine without a way out goes on to the next possibility.
const answerTimeoutMs = 5000
const stallTimeoutMs = 30_000

/** Writes what the address answers to a file; returns its SHA-256. */
export async function download(url, path, onBytes) {
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  try {
    let received = 0
    await fetchChunks(url, async (chunk, total) => {
      received += chunk.length
      onBytes(received, total)
      hash.update(chunk)
      await file.write(chunk)
    })
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

export async function downloadText(url) {
  const chunks = []
  await fetchChunks(url, (chunk) => chunks.push(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

async function fetchChunks(url, take) {
  const abort = new AbortController()
  const giveUp = () => abort.abort(new Error(`${new URL(url).host} does not answer`))
  let timer = setTimeout(giveUp, answerTimeoutMs)
  try {
    const response = await fetch(url, { signal: abort.signal })
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    const total = Number(response.headers.get('content-length')) || undefined
    for await (const chunk of response.body) {
      clearTimeout(timer)
      timer = setTimeout(giveUp, stallTimeoutMs)
      await take(chunk, total)
    }
  } catch (error) {
    // The message of `fetch` is only "fetch failed"; why is in its cause.
    if (error.cause === undefined) throw error
    const why = error.cause.message || error.cause.code
    throw new Error(`download from ${new URL(url).host} failed: ${why}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/** "12 of 18 MB" */
export function formatBytes(received, total) {
  const ofTotal = total === undefined ? '' : ` of ${Math.round(total / 1e6)}`
  return `${Math.round(received / 1e6)}${ofTotal} MB`
}
