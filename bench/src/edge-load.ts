// Clients of `edge.ts`, in a process of their own. Prints what it found as one line of JSON.
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

const [kind = '', port = '0', amount = '0', seconds = '0'] = process.argv.slice(2)
const request = 'GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n'
const answerTimeoutMs = 5000

if (kind === 'steady') await steady(Number(port), Number(amount), Number(seconds))
else if (kind === 'idle') await idle(Number(port), Number(amount))
else throw new Error(`${kind} is neither steady nor idle`)

/** New connections each millisecond, as many as are due, whatever became of those before; each asks once. */
async function steady(to: number, perSecond: number, forSeconds: number): Promise<void> {
  const failures: Record<string, number> = {}
  const total = perSecond * forSeconds
  const startedAt = performance.now()
  let answered = 0
  const under: Promise<void>[] = []
  for (let sent = 0; sent < total; ) {
    const elapsed = (performance.now() - startedAt) / 1000
    const due = Math.min(total, Math.floor(elapsed * perSecond))
    for (; sent < due; sent += 1) {
      under.push(
        ask(to).then(
          () => {
            answered += 1
          },
          (error: NodeJS.ErrnoException) => {
            const reason = error.code ?? error.message
            failures[reason] = (failures[reason] ?? 0) + 1
          },
        ),
      )
    }
    await wait(1)
  }
  await Promise.all(under)
  console.log(JSON.stringify({ total, answered, failures }))
}

function ask(to: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0
    const socket = connect({ host: '127.0.0.1', port: to, noDelay: true })
    socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk) => {
      bytes += chunk.length
    })
    socket.on('error', reject)
    socket.on('end', () => (bytes > 0 ? resolve() : reject(new Error('empty'))))
    socket.on('close', () => reject(new Error('closed')))
    socket.write(request)
  })
}

/** Opens connections that say nothing, and says so when all are open; ends with its standard input. */
async function idle(to: number, count: number): Promise<void> {
  const opened: Promise<unknown>[] = []
  for (let sent = 0; sent < count; sent += 1) {
    const socket = connect({ host: '127.0.0.1', port: to })
    opened.push(once(socket, 'connect'))
    // In bursts that a queue of connections takes.
    if (sent % 100 === 99) await Promise.all(opened)
  }
  await Promise.all(opened)
  console.log(JSON.stringify({ open: opened.length }))
  process.stdin.resume().on('end', () => process.exit())
}
