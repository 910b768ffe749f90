import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a node proves its acknowledgements with. Made at its first start, kept in its state folder. */
export interface NodeKey {
  /** Raw Ed25519 public key, base64url. */
  readonly publicKey: string
  /** Equal as long as the state folder is the same. */
  readonly instanceId: string
  /** Signature over the UTF-8 bytes, base64url. */
  sign(text: string): string
}

/** Reads the key of a state folder, or makes it. Services of one node that start at once agree. */
export function openNodeKey(stateFolder: string): NodeKey {
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 })
  const path = join(stateFolder, 'node-key.pem')
  const privateKey = readKey(path) ?? makeKey(path)
  const publicKey = String(createPublicKey(privateKey).export({ format: 'jwk' }).x)
  return {
    publicKey,
    instanceId: createHash('sha256').update(publicKey).digest('hex').slice(0, 16),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
  }
}

function readKey(path: string): KeyObject | undefined {
  let pem: string
  try {
    pem = readFileSync(path, 'utf8')
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined
    throw new Error(`cannot read ${path}`, { cause: error })
  }
  return createPrivateKey(pem)
}

function makeKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519')
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  try {
    // A link fails when the file exists, so the first of two makers wins for both.
    linkSync(draft, path)
  } catch (error) {
    if (!(Error.isError(error) && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const stored = readKey(path)
  if (!stored) throw new Error(`${path} vanished while it was made`)
  return stored
}

const publicKeys = new Map<string, KeyObject>()

/** Whether `signature` (base64url) over `text` was made with the key that belongs to `publicKey`. */
export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  let key = publicKeys.get(publicKey)
  if (!key) {
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
    // Announced by nodes, so few; bounded all the same.
    if (publicKeys.size > 10_000) publicKeys.clear()
    publicKeys.set(publicKey, key)
  }
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'))
}
