import { realText } from '../value-text.ts'
import { isDigit, JsonError, JsonScanner } from './json-scanner.ts'

/**
 * JSON as serde reads it: an integer within 64 bits is a bigint, any other number a number; a list of
 * bytes, `[]` too, is a Uint8Array.
 */
export type Json = null | boolean | bigint | number | string | Uint8Array | Json[] | JsonObject

/** In the order of the text; a name may be there twice. */
export class JsonObject {
  readonly entries: [string, Json][] = []
}

const depthLimit = 128

/**
 * Reads one document, piece by piece, so that an error is the first that serde would meet. Errors
 * are thrown as `JsonError`.
 */
export class JsonReader {
  readonly #scanner: JsonScanner
  #depth = 0
  /** Where the value that is read lies; undefined is a name that is not known yet. */
  readonly #path: (string | number | undefined)[] = []
  /** How much of the path is told. */
  #knownDepth = Infinity

  constructor(bytes: Buffer) {
    this.#scanner = new JsonScanner(bytes, () => this.#pathText())
  }

  value(): Json {
    const byte = this.#scanner.next()
    if (byte === -1) throw this.#scanner.peekError('EOF while parsing a value')
    if (byte === 0x22) return this.#scanner.string()
    if (byte === 0x5b) return this.#array()
    if (byte === 0x7b) return this.#object()
    if (byte === 0x2d || isDigit(byte)) return this.#scanner.number()
    if (byte === 0x6e) return this.#scanner.word('null', null)
    if (byte === 0x74) return this.#scanner.word('true', true)
    if (byte === 0x66) return this.#scanner.word('false', false)
    throw this.#scanner.peekError('expected value')
  }

  /** A list; `read` reads one item. */
  list(read: () => void): void {
    const byte = this.#scanner.next()
    if (byte === -1) throw this.#scanner.peekError('EOF while parsing a value')
    if (byte !== 0x5b) throw this.#invalidType('a sequence')
    this.#located(() => {
      this.#items(read)
    }, 0x5d)
  }

  text(): string {
    const byte = this.#scanner.next()
    if (byte === -1) throw this.#scanner.peekError('EOF while parsing a value')
    if (byte !== 0x22) throw this.#invalidType('a string')
    return this.#scanner.string()
  }

  /** A struct of one field, which serde also takes as a list of one. */
  struct(name: string, field: string, read: () => void): void {
    const byte = this.#scanner.next()
    if (byte === -1) throw this.#scanner.peekError('EOF while parsing a value')
    if (byte !== 0x5b && byte !== 0x7b) throw this.#invalidType(`struct ${name}`)
    if (byte === 0x5b) this.#structInList(name, read)
    else this.#structInObject(field, read)
  }

  #structInList(name: string, read: () => void): void {
    this.#located(() => {
      this.#enter()
      const byte = this.#scanner.next()
      if (byte === -1) throw this.#scanner.peekError('EOF while parsing a list')
      if (byte === 0x5d) {
        throw unlocated(`invalid length 0, expected struct ${name} with 1 element`)
      }
      this.#path.push(0)
      read()
      this.#path.pop()
      const after = this.#scanner.next()
      if (after === -1) throw this.#scanner.peekError('EOF while parsing a list')
      const isComma = after === 0x2c
      if (isComma) this.#scanner.skip()
      const isTrailing = isComma && this.#scanner.next() === 0x5d
      if (isTrailing) throw this.#scanner.peekError('trailing comma')
      if (after !== 0x5d) throw this.#scanner.peekError('trailing characters')
      this.#scanner.skip()
      this.#depth--
    }, 0x5d)
  }

  #structInObject(field: string, read: () => void): void {
    this.#located(() => {
      let isRead = false
      this.#members((key) => {
        if (key !== field) return () => this.#ignoredValue()
        if (isRead) throw unlocated(`duplicate field \`${field}\``)
        isRead = true
        return read
      })
      if (isRead) return
      throw new JsonError('data', `missing field \`${field}\`${this.#scanner.position()}`)
    }, 0x7d)
  }

  /** Its errors are told as those of the whole. */
  #ignoredValue(): void {
    this.#knownDepth = this.#path.length
    this.value()
    this.#knownDepth = Infinity
  }

  /** After the document nothing may follow. */
  end(): void {
    if (this.#scanner.next() !== -1) throw this.#scanner.peekError('trailing characters')
  }

  /** What was read is of no use, at the path where it lies. */
  refuse(message: string): JsonError {
    return this.#path.length === 0
      ? new JsonError('data', message)
      : unlocated(`${this.#pathText()}${message}`)
  }

  /** Gives an error without a position that of the end of the list or object, as serde_json does. */
  #located(read: () => void, close: number): void {
    try {
      read()
    } catch (error) {
      if (!(error instanceof UnlocatedError)) throw error
      const byte = this.#scanner.next()
      if (byte === close) this.#scanner.skip()
      else if (byte === 0x2c && close === 0x5d) {
        this.#scanner.skip()
        this.#scanner.next()
      }
      throw new JsonError('data', `${error.message}${this.#scanner.position()}`)
    }
  }

  #enter(): void {
    if (++this.#depth === depthLimit) throw this.#scanner.peekError('recursion limit exceeded')
    this.#scanner.skip()
  }

  #items(read: () => void): void {
    this.#enter()
    for (let index = 0; ; index++) {
      const byte = this.#scanner.next()
      if (byte === -1) throw this.#scanner.peekError('EOF while parsing a list')
      if (byte === 0x5d) break
      if (index > 0) {
        if (byte !== 0x2c) throw this.#scanner.peekError('expected `,` or `]`')
        this.#scanner.skip()
        const following = this.#scanner.next()
        if (following === -1) throw this.#scanner.peekError('EOF while parsing a value')
        if (following === 0x5d) throw this.#scanner.peekError('trailing comma')
      }
      this.#path.push(index)
      read()
      this.#path.pop()
    }
    this.#scanner.skip()
    this.#depth--
  }

  /** `take` gives what reads the member of that name. */
  #members(take: (name: string) => () => unknown): void {
    this.#enter()
    for (let isFirst = true; ; isFirst = false) {
      this.#path.push(undefined)
      let byte = this.#scanner.next()
      if (byte === -1) throw this.#scanner.peekError('EOF while parsing an object')
      if (byte === 0x7d) break
      if (!isFirst) {
        if (byte !== 0x2c) throw this.#scanner.peekError('expected `,` or `}`')
        this.#scanner.skip()
        byte = this.#scanner.next()
        if (byte === -1) throw this.#scanner.peekError('EOF while parsing a value')
        if (byte === 0x7d) throw this.#scanner.peekError('trailing comma')
      }
      if (byte !== 0x22) throw this.#scanner.peekError('key must be a string')
      const name = this.#scanner.string()
      this.#path.pop()
      const read = take(name)
      const colon = this.#scanner.next()
      if (colon === -1) throw this.#scanner.peekError('EOF while parsing an object')
      if (colon !== 0x3a) throw this.#scanner.peekError('expected `:`')
      this.#scanner.skip()
      this.#path.push(name)
      read()
      this.#path.pop()
    }
    this.#path.pop()
    this.#scanner.skip()
    this.#depth--
  }

  #object(): JsonObject {
    const object = new JsonObject()
    this.#members((name) => () => object.entries.push([name, this.value()]))
    return object
  }

  #array(): Json {
    let bytes = new Uint8Array(32)
    let count = 0
    let items: Json[] | undefined
    this.#items(() => {
      let byte = items === undefined ? this.#scanner.byte() : -1
      if (byte === -1) {
        const item = this.value()
        const isByte = typeof item === 'bigint' && item >= 0n && item <= 255n
        if (items !== undefined || !isByte) {
          items ??= Array.from(bytes.subarray(0, count), BigInt)
          items.push(item)
          return
        }
        byte = Number(item)
      }
      if (count === bytes.length) {
        const larger = new Uint8Array(count * 2)
        larger.set(bytes)
        bytes = larger
      }
      bytes[count++] = byte
    })
    return items ?? bytes.slice(0, count)
  }

  /** Reads the value that is not of the type, for serde names it. */
  #invalidType(expected: string): JsonError {
    const byte = this.#scanner.peek()
    const start = this.#scanner.at
    const describe = () => describeScalar(this.value(), this.#scanner.textSince(start))
    const found = byte === 0x5b ? 'sequence' : byte === 0x7b ? 'map' : describe()
    return new JsonError(
      'data',
      `${this.#pathText()}invalid type: ${found}, expected ${expected}${this.#scanner.position()}`,
    )
  }

  #pathText(): string {
    const path = this.#path.slice(0, this.#knownDepth)
    if (path.every((part) => part === undefined)) return ''
    const text = path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part ?? '?'}`))
      .join('')
    return `${text.replace(/^\./, '')}: `
  }
}

/** serde makes it without a position; the list or object around it knows one. */
class UnlocatedError extends JsonError {
  constructor(message: string) {
    super('data', message)
  }
}

function unlocated(message: string): UnlocatedError {
  return new UnlocatedError(message)
}

function describeScalar(value: Json, source: string): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return `boolean \`${value}\``
  if (typeof value === 'bigint') return `integer \`${value}\``
  if (typeof value === 'number') {
    // Up to 2^64 it is an integer to serde, though not to SQLite.
    const isInteger = /^\d{19,20}$/.test(source) && BigInt(source) < 2n ** 64n
    return isInteger ? `integer \`${source}\`` : `floating point \`${realText(value)}\``
  }
  if (typeof value === 'string') return `string ${rustDebugText(value)}`
  throw new Error('unreachable: a list or an object is no scalar')
}

const rustEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\0': '\\0',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
}

/** `{:?}` of Rust. */
function rustDebugText(text: string): string {
  const escaped = text.replace(
    /["\\]|\p{C}|(?! )\p{Z}/gu,
    (character) => rustEscapes[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
  return `"${escaped}"`
}
