import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'
import { fromBufferPromise, type ZipFile } from 'yauzl'
import { Refusal } from '../refusal.ts'

const cipherName = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

/** Of what a person chose: the key that encrypts certificates at rest. */
export function deriveKey(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'corroport certificates', 32))
}

/** Clear text in; initialization vector, cipher text and tag out. */
export function encrypting(key: Buffer): Transform {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv(cipherName, key, iv)
  let isBegun = false
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      if (!isBegun) this.push(iv)
      isBegun = true
      done(null, cipher.update(chunk))
    },
    flush(done: TransformCallback) {
      if (!isBegun) this.push(iv)
      this.push(cipher.final())
      this.push(cipher.getAuthTag())
      done()
    },
  })
}

/** Throws where the file was changed, or encrypted with another key. */
export function decrypt(key: Buffer, file: Buffer): Buffer {
  const decipher = createDecipheriv(cipherName, key, file.subarray(0, ivBytes))
  decipher.setAuthTag(file.subarray(file.length - tagBytes))
  return Buffer.concat([
    decipher.update(file.subarray(ivBytes, file.length - tagBytes)),
    decipher.final(),
  ])
}

export interface SigningMaterial {
  p12: Buffer
  password: string
  profiles: Buffer[]
}

const maxEntries = 100
const maxUnpackedBytes = 50 * 1024 * 1024

/**
 * A bundle as the clients make it: a ZIP with one `*.p12`, `password.txt` at its root, any number of
 * `*.mobileprovision`. What it says of its sizes is not believed.
 */
export async function readBundle(bundle: Buffer): Promise<SigningMaterial> {
  let zip: ZipFile
  try {
    zip = await fromBufferPromise(bundle, { lazyEntries: true, strictFileNames: true })
  } catch {
    throw new Refusal(422, 'Certs bundle is no ZIP archive')
  }
  if (zip.entryCount > maxEntries) {
    throw new Refusal(413, `Certs bundle has more than ${maxEntries} entries`)
  }
  let left = maxUnpackedBytes
  let p12: Buffer | undefined
  let password = ''
  const profiles: Buffer[] = []
  const read = async (entry: Parameters<ZipFile['openReadStreamPromise']>[0]): Promise<Buffer> => {
    const chunks: Buffer[] = []
    const stream = await zip.openReadStreamPromise(entry)
    for await (const chunk of stream) {
      if (!Buffer.isBuffer(chunk)) throw new Error('unreachable: a stream of bytes gave text')
      left -= chunk.length
      if (left < 0) throw new Refusal(413, 'Certs bundle too large')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
  try {
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName
      if (name.endsWith('/')) continue
      if (name.endsWith('.p12') && !p12) p12 = await read(entry)
      else if (name === 'password.txt') password = (await read(entry)).toString('utf8').trim()
      else if (name.endsWith('.mobileprovision')) profiles.push(await read(entry))
    }
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(422, 'Certs bundle is broken')
  }
  if (!p12) throw new Refusal(422, 'Certs bundle holds no .p12')
  return { p12, password, profiles }
}
