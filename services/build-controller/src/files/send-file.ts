import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../refusal.ts'
import type { Storage } from './storage.ts'

export interface SentFile {
  buildId: string
  name: string
  sha256: Buffer
  /** What a browser or curl -OJ calls it. */
  fileName: string
  type: string
}

/** The whole file or, where one is asked for, one range of it; not at all where the client has it. */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  storage: Storage,
  file: SentFile,
): Promise<FastifyReply> {
  const etag = `"${file.sha256.toString('hex')}"`
  reply
    .header('etag', etag)
    .header('accept-ranges', 'bytes')
    .header('content-disposition', `attachment; filename="${file.fileName}"`)
    .type(file.type)
  const known = request.headers['if-none-match']
  if (
    known !== undefined &&
    known.split(',').some((one) => one.trim().replace('W/', '') === etag)
  ) {
    return reply.code(304).send()
  }
  const handle = await storage.open(file.buildId, file.name).catch((error: unknown) => {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  if (!handle) throw new Refusal(404, 'Build or file not found')
  const { size } = await handle.stat()
  const onlyIf = request.headers['if-range']
  const asked = onlyIf === undefined || onlyIf === etag ? request.headers.range : undefined
  const range = asked === undefined ? undefined : parseRange(asked, size)
  if (range === 'none') {
    await handle.close()
    reply.header('content-range', `bytes */${size}`)
    throw new Refusal(416, `the file has ${size} bytes`)
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  if (range) reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`)
  reply.header('content-length', end - start + 1)
  if (request.method === 'HEAD' || size === 0) {
    await handle.close()
    return reply.send('')
  }
  return reply.send(handle.createReadStream({ start, end, highWaterMark: 256 * 1024 }))
}

/** Undefined: the whole. Several ranges, or what is no range, are not honoured, as RFC 9110 allows. */
export function parseRange(
  text: string,
  size: number,
): { start: number; end: number } | 'none' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text) ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'none' : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'none' : { start, end }
}
