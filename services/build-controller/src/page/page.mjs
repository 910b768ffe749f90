// The page of a build controller: asks its API with the key of whoever looks.
// @ts-check

/**
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
function part(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`)
  return found
}

const everyMs = 3000
const listed = 50
const keptLines = 5000
const keyName = 'corroport-builds-key'
const state = part('state', HTMLParagraphElement)
const status = part('status', HTMLSelectElement)
const log = part('log', HTMLPreElement)

/** @type {AbortController | undefined} */
let following
let shownId = ''

/** An answer of the API that is no success. */
class Refused extends Error {
  /**
   * @param {number} code
   * @param {string} detail
   */
  constructor(code, detail) {
    super(detail)
    this.code = code
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function open(path, init = {}) {
  const headers = { 'x-api-key': sessionStorage.getItem(keyName) ?? '' }
  const response = await fetch(`api/v2/${path}`, { ...init, headers })
  if (response.ok) return response
  const body = await response.json().catch(() => ({}))
  throw new Refused(response.status, body.error ?? `answered ${response.status}`)
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function ask(path, init) {
  return (await open(path, init)).json()
}

/**
 * @param {string} name
 * @param {(string | Node)[]} children
 * @param {string} [className]
 */
function element(name, children, className) {
  const made = document.createElement(name)
  made.append(...children)
  if (className) made.className = className
  return made
}

/** @param {(string | Node)[]} cells */
function row(...cells) {
  return element(
    'tr',
    cells.map((cell) => element('td', [cell])),
  )
}

/**
 * @param {string} id
 * @param {[string, string][]} values
 */
function showFigures(id, values) {
  const figures = values.map(([name, value]) =>
    element('div', [element('dt', [name]), element('dd', [value])]),
  )
  part(id, HTMLDListElement).replaceChildren(...figures)
}

/** @param {string} id */
function chooser(id) {
  const link = element('button', [id])
  link.addEventListener('click', () => {
    history.replaceState(null, '', `#${id}`)
    void show(id)
  })
  return link
}

/** @param {string} time */
function timeOf(time) {
  return new Date(time).toLocaleString()
}

async function look() {
  const wanted = status.value === '' ? '' : `&status=${status.value}`
  const [counts, { builds }] = await Promise.all([
    ask('builds/statistics'),
    ask(`builds?limit=${listed}${wanted}`),
  ])
  showFigures('counts', [
    ['Waiting', String(counts.pending)],
    ['Building', String(counts.assigned + counts.building)],
    ['Completed', String(counts.completed)],
    ['Failed', String(counts.failed)],
    ['Lost too often', String(counts.dead)],
    ['Cancelled', String(counts.cancelled)],
  ])
  part('builds', HTMLTableSectionElement).replaceChildren(
    ...builds.map((/** @type {any} */ build) =>
      row(
        chooser(build.id),
        element('span', [build.state], build.state),
        [build.platform, ...build.labels].join(' '),
        timeOf(build.createdAt),
        build.worker_name ?? '–',
        build.error_message ?? '',
      ),
    ),
  )
  if (shownId !== '') await describe(shownId)
  await lookAtWorkers()
}

// Of administrators only.
async function lookAtWorkers() {
  const administration = part('administration', HTMLElement)
  try {
    const [{ workers }, use] = await Promise.all([ask('workers'), ask('use')])
    administration.hidden = false
    part('workers', HTMLTableSectionElement).replaceChildren(
      ...workers.map((/** @type {any} */ worker) =>
        row(
          worker.name,
          element('span', [worker.status], worker.status),
          worker.build_id === null ? '–' : chooser(worker.build_id),
          String(worker.builds_completed),
          String(worker.builds_failed),
          timeOf(worker.last_seen_at),
        ),
      ),
    )
    showFigures('use', [
      ['Claim, p50', use.claims === null ? '–' : `${use.claims.p50.toFixed(1)} ms`],
      [
        'Claim, p99',
        use.claims === null || use.claims.n < 100 ? '–' : `${use.claims.p99.toFixed(1)} ms`,
      ],
      ['Size', `${(use.database_bytes / 1e6).toFixed(1)} MB`],
      [
        'Oldest waits',
        use.oldest_pending_seconds === null ? '–' : `${Math.round(use.oldest_pending_seconds)} s`,
      ],
      ['Not told yet', String(use.untold_events)],
      ['Connections', `${use.connections.open}, ${use.connections.waiting} wanted`],
    ])
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 403) throw error
    administration.hidden = true
  }
}

/** @param {string} id */
async function describe(id) {
  const [build, { events }] = await Promise.all([ask(`builds/${id}`), ask(`builds/${id}/events`)])
  const isOpen = ['pending', 'assigned', 'building'].includes(build.state)
  part('one-title', HTMLHeadingElement).textContent = `Build ${id} is ${build.state}`
  part('cancel', HTMLButtonElement).hidden = !isOpen
  part('retry', HTMLButtonElement).hidden = isOpen
  part('download', HTMLAnchorElement).hidden = !build.has_result
  part('events', HTMLOListElement).replaceChildren(
    ...events.map((/** @type {any} */ event) =>
      element('li', [
        `${timeOf(event.at)} ${event.kind.replace('build.', '')}`,
        event.worker_id ? ` by ${event.worker_id}` : '',
        event.reason ? `: ${event.reason}` : '',
      ]),
    ),
  )
}

/** @param {string} id */
async function show(id) {
  following?.abort()
  following = new AbortController()
  const { signal } = following
  shownId = id
  log.replaceChildren()
  part('one', HTMLElement).hidden = false
  try {
    await describe(id)
    await follow(id, signal)
  } catch (error) {
    if (!signal.aborted) fail(error)
  }
}

/**
 * The log as it is written. The key is a header, so it is read as a stream and not by an EventSource.
 * @param {string} id
 * @param {AbortSignal} signal
 */
async function follow(id, signal) {
  const { body } = await open(`builds/${id}/logs/live`, { signal })
  if (!body) return
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done || signal.aborted) return
    const frames = (rest + value).split('\n\n')
    rest = frames.pop() ?? ''
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 20
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1]
      if (data === undefined) continue
      if (frame.startsWith('event: end')) {
        await describe(id)
        return
      }
      const line = JSON.parse(data)
      log.append(element('span', [`${line.message}\n`], line.level))
    }
    while (log.childNodes.length > keptLines) log.firstChild?.remove()
    if (isAtEnd) log.scrollTop = log.scrollHeight
  }
}

/** @param {unknown} error */
function fail(error) {
  const isRefused = error instanceof Refused
  if (isRefused && (error.code === 401 || error.code === 403)) {
    sessionStorage.removeItem(keyName)
    arrange()
  }
  state.textContent = isRefused ? error.message : 'The controller is not reached.'
}

function arrange() {
  const hasKey = sessionStorage.getItem(keyName) !== null
  part('sign-in', HTMLFormElement).hidden = hasKey
  part('shown', HTMLDivElement).hidden = !hasKey
  part('sign-out', HTMLButtonElement).hidden = !hasKey
}

async function lookOnce() {
  if (sessionStorage.getItem(keyName) === null || document.hidden) return
  try {
    await look()
    state.textContent = `as of ${new Date().toLocaleTimeString()}`
  } catch (error) {
    fail(error)
  }
}

async function lookAlways() {
  await lookOnce()
  setTimeout(() => void lookAlways(), everyMs)
}

/** @param {'cancel' | 'retry'} action */
async function steer(action) {
  try {
    const { id } = await ask(`builds/${shownId}/${action}`, { method: 'POST' })
    if (action === 'retry') await Promise.race([show(id), lookOnce()])
    else await lookOnce()
  } catch (error) {
    fail(error)
  }
}

part('sign-in', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const key = part('key', HTMLInputElement)
  sessionStorage.setItem(keyName, key.value.trim())
  key.value = ''
  state.textContent = '…'
  arrange()
  void lookOnce()
})
part('sign-out', HTMLButtonElement).addEventListener('click', () => {
  following?.abort()
  sessionStorage.removeItem(keyName)
  location.replace('.')
})
status.addEventListener('change', () => void lookOnce())
part('retry', HTMLButtonElement).addEventListener('click', () => void steer('retry'))
const sure = part('sure', HTMLDialogElement)
part('cancel', HTMLButtonElement).addEventListener('click', () => sure.showModal())
sure.addEventListener('close', () => {
  if (sure.returnValue === 'yes') void steer('cancel')
  sure.returnValue = ''
})
part('download', HTMLAnchorElement).addEventListener('click', (event) => {
  event.preventDefault()
  void download()
})

async function download() {
  try {
    const response = await open(`builds/${shownId}/download`)
    const link = document.createElement('a')
    link.href = URL.createObjectURL(await response.blob())
    const given = response.headers.get('content-disposition') ?? ''
    link.download = /filename="([\w.-]+)"/.exec(given)?.[1] ?? shownId
    link.click()
    URL.revokeObjectURL(link.href)
  } catch (error) {
    fail(error)
  }
}

arrange()
void lookAlways()
if (location.hash.length > 1 && sessionStorage.getItem(keyName) !== null) {
  void show(location.hash.slice(1))
}
