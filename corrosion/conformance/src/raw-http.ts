import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

export interface Request {
  method: string
  path: string
  /** Whole lines, so that nothing is added, sorted or refused on the way. */
  headers?: readonly string[]
  body?: string
}

export interface Answer {
  status: number
  /** In the order sent, names in lower case. */
  headers: readonly (readonly [name: string, value: string])[]
  body: string
}

export interface Address {
  host: string
  port: number
}

/** An answer that has not ended. */
export interface LineFeed extends Disposable {
  readonly status: number
  readonly headers: Answer['headers']
  /** The next lines; fewer when the deadline passes or the answer ends before. */
  take(count: number): Promise<string[]>
  /** What comes in a time in which nothing should. */
  takeFor(ms: number): Promise<string[]>
  /** Waits for the end of the answer; false when it has not come. */
  ends(withinMs: number): Promise<boolean>
}

const answerTimeoutMs = 15_000
/** A subscription's line waits for a flush of 600 ms; the rest is for a machine with much to do. */
const lineTimeoutMs = 5_000

/** The first answer to bytes that need not be a proper request. */
export async function askBytes(address: Address, bytes: Buffer): Promise<Answer> {
  using response = await send(address, bytes, AbortSignal.timeout(answerTimeoutMs))
  const parts: Buffer[] = []
  for await (const part of response.parts) parts.push(part)
  return { ...response, body: Buffer.concat(parts).toString() }
}

export async function openLines(address: Address, request: Request): Promise<LineFeed> {
  const response = await send(address, encode(address, request))
  const lines: string[] = []
  let hasEnded = false
  let wake = () => {}
  const read = async () => {
    let rest = ''
    const decoder = new TextDecoder()
    try {
      for await (const part of response.parts) {
        const pieces = (rest + decoder.decode(part, { stream: true })).split('\n')
        rest = pieces.pop() ?? ''
        lines.push(...pieces)
        wake()
      }
    } catch {
      // Cut off: for the reader of an endless answer that is an end like any other.
    }
    if (rest !== '') lines.push(rest)
    hasEnded = true
    wake()
  }
  void read()

  const waitFor = async (isThere: () => boolean, withinMs: number) => {
    const signal = AbortSignal.timeout(withinMs)
    while (!isThere() && !signal.aborted) {
      const arrived = Promise.withResolvers<void>()
      wake = arrived.resolve
      signal.addEventListener('abort', wake)
      await arrived.promise
    }
  }
  return {
    status: response.status,
    headers: response.headers,
    async take(count) {
      await waitFor(() => lines.length >= count || hasEnded, lineTimeoutMs)
      return lines.splice(0, count)
    },
    async takeFor(ms) {
      await wait(ms)
      return lines.splice(0)
    },
    async ends(withinMs) {
      await waitFor(() => hasEnded, withinMs)
      return hasEnded
    },
    [Symbol.dispose]: response[Symbol.dispose],
  }
}

interface Response extends Disposable {
  status: number
  headers: Answer['headers']
  parts: AsyncIterable<Buffer>
}

async function send(address: Address, request: Buffer, signal?: AbortSignal): Promise<Response> {
  const socket = connect({ ...address, ...(signal && { signal }) })
  socket.setNoDelay()
  // Its failures reach the reader below as the end of the bytes.
  socket.on('error', () => {})
  try {
    socket.write(request)
    const bytes = createByteReader(socket)
    let head = parseHead(await bytes.until('\r\n\r\n'))
    // `100 Continue` and its like come before the answer.
    while (head.status < 200) head = parseHead(await bytes.until('\r\n\r\n'))
    const { status, headers } = head
    const values = new Map(headers)
    const hasBody = !request.toString('latin1', 0, 5).startsWith('HEAD ')
    return {
      status,
      headers,
      parts: !hasBody
        ? noParts()
        : values.get('transfer-encoding') === 'chunked'
          ? chunks(bytes)
          : sized(bytes, Number(values.get('content-length') ?? 0)),
      [Symbol.dispose]: () => void socket.destroy(),
    }
  } catch (error) {
    socket.destroy()
    const [line] = request.toString('latin1').split('\r\n')
    throw new Error(`no answer to ${line}`, { cause: error })
  }
}

function parseHead(head: Buffer): Pick<Answer, 'status' | 'headers'> {
  const [statusLine = '', ...lines] = head.toString('latin1').split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { status: Number(statusLine.split(' ')[1]), headers }
}

/** The bytes of a request, so that a test can hold back some of them. */
export function encode({ host, port }: Address, request: Request): Buffer {
  const { body = '' } = request
  const lines = [
    `${request.method} ${request.path} HTTP/1.1`,
    `host: ${host}:${port}`,
    ...(request.headers ?? []),
    ...(request.body === undefined ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

async function* noParts(): AsyncGenerator<Buffer> {}

async function* sized(bytes: ByteReader, length: number): AsyncGenerator<Buffer> {
  if (length > 0) yield await bytes.take(length)
}

async function* chunks(bytes: ByteReader): AsyncGenerator<Buffer> {
  for (;;) {
    const size = Number.parseInt((await bytes.until('\r\n')).toString(), 16)
    if (Number.isNaN(size)) throw new Error('a chunk has no size')
    if (size > 0) yield await bytes.take(size)
    await bytes.take(2)
    if (size === 0) return
  }
}

interface ByteReader {
  take(length: number): Promise<Buffer>
  /** What comes before the mark; the mark is passed over. */
  until(mark: string): Promise<Buffer>
}

function createByteReader(socket: Socket): ByteReader {
  const pieces = socket[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  const more = async () => {
    const next = await pieces.next()
    if (next.done === true) throw new Error('the connection ended')
    held = Buffer.concat([held, next.value])
  }
  const take = async (length: number) => {
    while (held.length < length) await more()
    const taken = held.subarray(0, length)
    held = held.subarray(length)
    return taken
  }
  return {
    take,
    async until(mark) {
      while (!held.includes(mark)) await more()
      const taken = await take(held.indexOf(mark))
      await take(mark.length)
      return taken
    },
  }
}
