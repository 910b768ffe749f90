import { isUtf8 } from 'node:buffer'
import { realText } from './value-text.ts'

/**
 * JSON as serde reads it: an integer within 64 bits is a bigint, any other number a number; a list of
 * bytes, `[]` too, is a Uint8Array.
 */
export type Json = null | boolean | bigint | number | string | Uint8Array | Json[] | JsonObject

/** In the order of the text; a name may be there twice. */
export class JsonObject {
  readonly entries: [string, Json][] = []
}

/** The message is serde_json's, with line, column and the path that axum puts before it. */
export class JsonError extends Error {
  override name = 'JsonError'
  readonly kind: 'syntax' | 'data'

  constructor(kind: 'syntax' | 'data', message: string) {
    super(message)
    this.kind = kind
  }
}

const depthLimit = 128
const maxU64 = 2n ** 64n - 1n
const maxI64 = 2n ** 63n - 1n
const minI64 = -(2n ** 63n)
const maxExponent = 2 ** 31 - 1

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/**
 * Reads one document, piece by piece, so that an error is the first that serde would meet. Errors
 * are thrown as `JsonError`.
 */
export class JsonReader {
  readonly #bytes: Buffer
  #at = 0
  #depth = 0
  /** Where the value that is read lies; undefined is a name that is not known yet. */
  readonly #path: (string | number | undefined)[] = []
  /** How much of the path is told. */
  #knownDepth = Infinity

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  value(): Json {
    const byte = this.#next()
    if (byte === -1) throw this.#peekError('EOF while parsing a value')
    if (byte === 0x22) return this.#string()
    if (byte === 0x5b) return this.#array()
    if (byte === 0x7b) return this.#object()
    if (byte === 0x2d || isDigit(byte)) return this.#number()
    if (byte === 0x6e) return this.#word('null', null)
    if (byte === 0x74) return this.#word('true', true)
    if (byte === 0x66) return this.#word('false', false)
    throw this.#peekError('expected value')
  }

  /** A list; `read` reads one item. */
  list(read: () => void): void {
    const byte = this.#next()
    if (byte === -1) throw this.#peekError('EOF while parsing a value')
    if (byte !== 0x5b) throw this.#invalidType('a sequence')
    this.#located(() => {
      this.#items(read)
    }, 0x5d)
  }

  text(): string {
    const byte = this.#next()
    if (byte === -1) throw this.#peekError('EOF while parsing a value')
    if (byte !== 0x22) throw this.#invalidType('a string')
    return this.#string()
  }

  /** A struct of one field, which serde also takes as a list of one. */
  struct(name: string, field: string, read: () => void): void {
    const byte = this.#next()
    if (byte === -1) throw this.#peekError('EOF while parsing a value')
    if (byte !== 0x5b && byte !== 0x7b) throw this.#invalidType(`struct ${name}`)
    if (byte === 0x5b) this.#structInList(name, read)
    else this.#structInObject(field, read)
  }

  #structInList(name: string, read: () => void): void {
    this.#located(() => {
      this.#enter()
      const byte = this.#next()
      if (byte === -1) throw this.#peekError('EOF while parsing a list')
      if (byte === 0x5d) {
        throw unlocated(`invalid length 0, expected struct ${name} with 1 element`)
      }
      this.#path.push(0)
      read()
      this.#path.pop()
      const after = this.#next()
      if (after === -1) throw this.#peekError('EOF while parsing a list')
      const isComma = after === 0x2c
      if (isComma) this.#at++
      const isTrailing = isComma && this.#next() === 0x5d
      if (isTrailing) throw this.#peekError('trailing comma')
      if (after !== 0x5d) throw this.#peekError('trailing characters')
      this.#at++
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
      throw new JsonError('data', `missing field \`${field}\`${this.#position(this.#at)}`)
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
    if (this.#next() !== -1) throw this.#peekError('trailing characters')
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
      const byte = this.#next()
      if (byte === close) this.#at++
      else if (byte === 0x2c && close === 0x5d) {
        this.#at++
        this.#next()
      }
      throw new JsonError('data', `${error.message}${this.#position(this.#at)}`)
    }
  }

  /** The first byte that is no white space, not yet taken; -1 at the end. */
  #next(): number {
    const bytes = this.#bytes
    for (; this.#at < bytes.length; this.#at++) {
      const byte = bytes[this.#at] ?? 0
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
    }
    return -1
  }

  #peek(): number {
    return this.#bytes[this.#at] ?? -1
  }

  #enter(): void {
    if (++this.#depth === depthLimit) throw this.#peekError('recursion limit exceeded')
    this.#at++
  }

  #items(read: () => void): void {
    this.#enter()
    for (let index = 0; ; index++) {
      const byte = this.#next()
      if (byte === -1) throw this.#peekError('EOF while parsing a list')
      if (byte === 0x5d) break
      if (index > 0) {
        if (byte !== 0x2c) throw this.#peekError('expected `,` or `]`')
        this.#at++
        const following = this.#next()
        if (following === -1) throw this.#peekError('EOF while parsing a value')
        if (following === 0x5d) throw this.#peekError('trailing comma')
      }
      this.#path.push(index)
      read()
      this.#path.pop()
    }
    this.#at++
    this.#depth--
  }

  /** `take` gives what reads the member of that name. */
  #members(take: (name: string) => () => unknown): void {
    this.#enter()
    for (let isFirst = true; ; isFirst = false) {
      this.#path.push(undefined)
      let byte = this.#next()
      if (byte === -1) throw this.#peekError('EOF while parsing an object')
      if (byte === 0x7d) break
      if (!isFirst) {
        if (byte !== 0x2c) throw this.#peekError('expected `,` or `}`')
        this.#at++
        byte = this.#next()
        if (byte === -1) throw this.#peekError('EOF while parsing a value')
        if (byte === 0x7d) throw this.#peekError('trailing comma')
      }
      if (byte !== 0x22) throw this.#peekError('key must be a string')
      const name = this.#string()
      this.#path.pop()
      const read = take(name)
      const colon = this.#next()
      if (colon === -1) throw this.#peekError('EOF while parsing an object')
      if (colon !== 0x3a) throw this.#peekError('expected `:`')
      this.#at++
      this.#path.push(name)
      read()
      this.#path.pop()
    }
    this.#path.pop()
    this.#at++
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
      let byte = items === undefined ? this.#byte() : -1
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

  /** Takes an integer of 0 to 255; -1 when something else comes. */
  #byte(): number {
    let value = 0
    let at = this.#at
    for (; at < this.#at + 3; at++) {
      const byte = this.#bytes[at] ?? 0
      if (!isDigit(byte)) break
      value = value * 10 + byte - 0x30
    }
    const digits = at - this.#at
    if (digits === 0 || value > 255 || (digits > 1 && this.#peek() === 0x30)) return -1
    const after = this.#bytes[at] ?? 0
    // A point, an exponent or a fourth digit make it another number.
    if (after !== 0x2c && after !== 0x5d && after !== 0x20 && after !== 0x0a) return -1
    this.#at = at
    return value
  }

  #word<T>(word: string, value: T): T {
    this.#at++
    for (const character of word.slice(1)) {
      if (this.#at === this.#bytes.length) throw this.#error('EOF while parsing a value')
      if (this.#bytes[this.#at++] !== character.charCodeAt(0)) throw this.#error('expected ident')
    }
    return value
  }

  #string(): string {
    const bytes = this.#bytes
    const start = ++this.#at
    let text = ''
    let partStart = start
    let isAscii = true
    for (;;) {
      const byte = bytes[this.#at]
      if (byte === undefined) throw this.#error('EOF while parsing a string')
      if (byte === 0x22) break
      this.#at++
      if (byte > 0x7f) isAscii = false
      else if (byte === 0x5c) {
        text += bytes.toString('utf8', partStart, this.#at - 1) + this.#escape()
        partStart = this.#at
      } else if (byte < 0x20) {
        throw this.#error('control character (\\u0000-\\u001F) found while parsing a string')
      }
    }
    const end = this.#at++
    if (isAscii) return text + bytes.toString('latin1', partStart, end)
    if (!isUtf8(bytes.subarray(start, end))) throw this.#error('invalid unicode code point')
    return text + bytes.toString('utf8', partStart, end)
  }

  #escape(): string {
    const letter = this.#takeOfString()
    const plain = escapes[String.fromCharCode(letter)]
    if (plain !== undefined) return plain
    if (letter !== 0x75) throw this.#error('invalid escape')
    const unit = this.#hex()
    if (unit >= 0xdc00 && unit <= 0xdfff) throw this.#error('lone leading surrogate in hex escape')
    if (unit < 0xd800 || unit > 0xdbff) return String.fromCharCode(unit)
    for (const expected of [0x5c, 0x75]) {
      if (this.#takeOfString() !== expected) throw this.#error('unexpected end of hex escape')
    }
    const trailing = this.#hex()
    if (trailing < 0xdc00 || trailing > 0xdfff) {
      throw this.#error('lone leading surrogate in hex escape')
    }
    return String.fromCharCode(unit, trailing)
  }

  #takeOfString(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw this.#error('EOF while parsing a string')
    this.#at++
    return byte
  }

  #hex(): number {
    if (this.#bytes.length - this.#at < 4) {
      this.#at = this.#bytes.length
      throw this.#error('EOF while parsing a string')
    }
    const digits = this.#bytes.toString('latin1', this.#at, this.#at + 4)
    this.#at += 4
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw this.#error('invalid escape')
    return Number.parseInt(digits, 16)
  }

  #number(): bigint | number {
    const isNegative = this.#peek() === 0x2d
    if (isNegative) this.#at++
    const start = this.#at
    const first = this.#peek()
    if (first === -1) throw this.#error('EOF while parsing a value')
    this.#at++
    if (!isDigit(first)) throw this.#error('invalid number')
    if (first === 0x30 && isDigit(this.#peek())) throw this.#peekError('invalid number')
    this.#skipDigits()
    const after = this.#peek()
    if (after === 0x2e || after === 0x65 || after === 0x45) return this.#real(start, isNegative)

    const digits = this.#at - start
    if (digits > 20) return this.#real(start, isNegative)
    const text = this.#bytes.toString('latin1', start, this.#at)
    const value = digits < 16 ? BigInt(Number(text)) : BigInt(text)
    if (value > maxU64) return this.#real(start, isNegative)
    if (isNegative && value !== 0n && -value >= minI64) return -value
    if (!isNegative && value <= maxI64) return value
    return isNegative ? -Number(value) : Number(value)
  }

  #skipDigits(): number {
    const start = this.#at
    while (isDigit(this.#peek())) this.#at++
    return this.#at - start
  }

  /**
   * As serde_json without `float_roundtrip`: 20 digits times a power of ten, which can be off by one
   * in the last bit; so the real agent stores it.
   */
  #real(start: number, isNegative: boolean): number {
    let significand = 0n
    let exponent = 0
    let isFull = false
    const take = (from: number, to: number, isFraction: boolean) => {
      for (let at = from; at < to; at++) {
        const digit = (this.#bytes[at] ?? 0) - 0x30
        // A text of millions of digits must not cost as many steps with a bigint.
        if (!isFull && (digit > 0 || significand > 0n)) {
          const next = significand * 10n + BigInt(digit)
          isFull = next > maxU64
          if (!isFull) significand = next
        }
        if (isFull && isFraction) return
        if (isFull) exponent++
        else if (isFraction) exponent--
      }
    }
    this.#at = start
    this.#skipDigits()
    take(start, this.#at, false)
    if (this.#peek() === 0x2e) {
      const fraction = ++this.#at
      if (this.#skipDigits() === 0) {
        throw this.#peekError(this.#peek() === -1 ? 'EOF while parsing a value' : 'invalid number')
      }
      isFull = false
      take(fraction, this.#at, true)
    }
    if (this.#peek() === 0x65 || this.#peek() === 0x45) exponent += this.#exponent(significand)
    return this.#scale(significand, exponent) * (isNegative ? -1 : 1)
  }

  #exponent(significand: bigint): number {
    this.#at++
    const sign = this.#peek()
    if (sign === 0x2b || sign === 0x2d) this.#at++
    const first = this.#peek()
    if (first === -1) throw this.#error('EOF while parsing a value')
    this.#at++
    if (!isDigit(first)) throw this.#error('invalid number')
    let exponent = first - 0x30
    while (isDigit(this.#peek())) {
      exponent = exponent * 10 + this.#peek() - 0x30
      this.#at++
      if (exponent <= maxExponent) continue
      if (sign !== 0x2d && significand !== 0n) throw this.#error('number out of range')
      this.#skipDigits()
      exponent = maxExponent
    }
    if (significand === 0n) return 0
    return sign === 0x2d ? -exponent : exponent
  }

  #scale(significand: bigint, exponent: number): number {
    let value = Number(significand)
    let rest = exponent
    while (rest < -308 && value !== 0) {
      value /= 1e308
      rest += 308
    }
    if (value === 0) return 0
    value = rest < 0 ? value / powerOfTen(-rest) : value * powerOfTen(rest)
    if (!Number.isFinite(value)) throw this.#error('number out of range')
    return value
  }

  /** Reads the value that is not of the type, for serde names it. */
  #invalidType(expected: string): JsonError {
    const byte = this.#peek()
    const start = this.#at
    const describe = () => describeScalar(this.value(), this.#bytes.subarray(start, this.#at))
    const found = byte === 0x5b ? 'sequence' : byte === 0x7b ? 'map' : describe()
    return new JsonError(
      'data',
      `${this.#pathText()}invalid type: ${found}, expected ${expected}${this.#position(this.#at)}`,
    )
  }

  /** About the byte that was taken last. */
  #error(message: string): JsonError {
    return new JsonError('syntax', `${this.#pathText()}${message}${this.#position(this.#at)}`)
  }

  /** About the byte that comes. */
  #peekError(message: string): JsonError {
    const at = Math.min(this.#at + 1, this.#bytes.length)
    return new JsonError('syntax', `${this.#pathText()}${message}${this.#position(at)}`)
  }

  #pathText(): string {
    const path = this.#path.slice(0, this.#knownDepth)
    if (path.every((part) => part === undefined)) return ''
    const text = path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part ?? '?'}`))
      .join('')
    return `${text.replace(/^\./, '')}: `
  }

  #position(at: number): string {
    let line = 1
    let lineStart = 0
    for (;;) {
      const feed = this.#bytes.indexOf(0x0a, lineStart)
      if (feed === -1 || feed >= at) break
      line++
      lineStart = feed + 1
    }
    return ` at line ${line} column ${at - lineStart}`
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

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function powerOfTen(exponent: number): number {
  // `10 ** 23` is not the number next to 10^23; the literal is. Beyond 1e308 it is Infinity.
  return Number(`1e${exponent}`)
}

function describeScalar(value: Json, source: Buffer): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return `boolean \`${value}\``
  if (typeof value === 'bigint') return `integer \`${value}\``
  if (typeof value === 'number') {
    // Up to 2^64 it is an integer to serde, though not to SQLite.
    const text = source.toString('latin1')
    const isInteger = /^\d{19,20}$/.test(text) && BigInt(text) <= maxU64
    return isInteger ? `integer \`${text}\`` : `floating point \`${realText(value)}\``
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
