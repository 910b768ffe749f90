import type { IncomingMessage } from 'node:http'
import type { Readable, Transform } from 'node:stream'
import { finished } from 'node:stream/promises'
import { Busboy } from '@fastify/busboy'
import { Refusal } from '../refusal.ts'
import { type Draft, type Storage, TooLargeError } from './storage.ts'

export interface FilePart {
  maxBytes: number
  /** What it is kept as. */
  through?: (() => Transform) | undefined
}

export interface ReceivedForm<File extends string> extends AsyncDisposable {
  readonly fields: ReadonlyMap<string, string>
  readonly files: Readonly<Partial<Record<File, Draft>>>
}

const maxFields = 32
const maxFieldBytes = 16_384

/**
 * Reads a form, each file straight to the disk. `mayReceive` is asked before the first byte of a file is
 * kept, with the fields that came before it. Whatever fails leaves nothing behind.
 */
export async function receiveForm<File extends string>(
  request: IncomingMessage,
  storage: Storage,
  parts: Readonly<Record<File, FilePart>>,
  mayReceive: (fields: ReadonlyMap<string, string>) => Promise<void> = async () => undefined,
): Promise<ReceivedForm<File>> {
  const type = request.headers['content-type'] ?? ''
  if (!/^multipart\/form-data;.*boundary=/i.test(type)) {
    throw new Refusal(400, 'Content must be multipart/form-data')
  }
  const fields = new Map<string, string>()
  const files: Partial<Record<File, Draft>> = {}
  const seen = new Set<string>()
  const streams: Readable[] = []
  const under: Promise<void>[] = []
  const { promise: failed, reject: fail } = Promise.withResolvers<never>()
  failed.catch(() => undefined)

  const busboy = new Busboy({
    headers: { ...request.headers, 'content-type': type },
    limits: { fields: maxFields, fieldSize: maxFieldBytes, parts: maxFields + 8, headerPairs: 20 },
  })
  busboy.on('field', (name, value, _isNameCut, isCut) => {
    if (isCut) fail(new Refusal(413, `field ${shown(name)} is too long`))
    else if (fields.has(name)) fail(new Refusal(400, `field ${shown(name)} came twice`))
    else fields.set(name, value)
  })
  const isPart = (name: string): name is File => Object.hasOwn(parts, name)
  busboy.on('file', (name, stream) => {
    // Whoever reads it hears of its end; nobody reads what is refused.
    stream.on('error', () => undefined)
    streams.push(stream)
    if (!isPart(name)) fail(new Refusal(400, `there is no file part ${shown(name)} here`))
    else if (seen.has(name)) fail(new Refusal(400, `file ${name} came twice`))
    else under.push(keep(name, stream).catch(fail))
    seen.add(name)
  })
  busboy.on('fieldsLimit', () => fail(new Refusal(400, `more than ${maxFields} fields`)))
  busboy.on('partsLimit', () => fail(new Refusal(400, 'too many parts')))
  busboy.on('error', () => fail(new Refusal(400, 'the form is broken')))
  request.on('close', () => {
    if (!request.complete) fail(new Refusal(400, 'the form was cut off'))
  })

  const keep = async (name: File, stream: Readable): Promise<void> => {
    await mayReceive(fields)
    const { maxBytes, through } = parts[name]
    try {
      files[name] = await storage.receive(stream, maxBytes, through?.())
    } catch (error) {
      if (!(error instanceof TooLargeError)) throw error
      throw new Refusal(413, `${name} is larger than ${maxBytes} bytes`, { maxBytes })
    }
  }
  const dispose = async (): Promise<void> => {
    for (const draft of Object.values<Draft | undefined>(files))
      await draft?.[Symbol.asyncDispose]()
  }

  try {
    request.pipe(busboy)
    await Promise.race([finished(busboy), failed])
    await Promise.race([Promise.all(under), failed])
  } catch (error) {
    // What else comes is read and forgotten, so that the client can read why.
    request.unpipe(busboy)
    request.resume()
    for (const stream of streams) stream.destroy(new Error('the form failed'))
    await Promise.all(under)
    await dispose()
    throw error
  }
  return { fields, files, [Symbol.asyncDispose]: dispose }
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 40))
}
