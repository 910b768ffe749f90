import { isUtf8 } from 'node:buffer'

/** The message is serde_json's, with line, column and the path that axum puts before it. */
export class JsonError extends Error {
  override name = 'JsonError'
  readonly kind: 'syntax' | 'data'

  constructor(kind: 'syntax' | 'data', message: string) {
    super(message)
    this.kind = kind
  }
}

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
 * The tokens of a JSON text, as serde_json reads them. Errors are thrown as `JsonError`, and begin with
 * what `place` gives.
 */
export class JsonScanner {
  readonly #bytes: Buffer
  readonly #place: () => string
  #at = 0

  constructor(bytes: Buffer, place: () => string) {
    this.#bytes = bytes
    this.#place = place
  }

  /** How many bytes are taken. */
  get at(): number {
    return this.#at
  }

  textSince(at: number): string {
    return this.#bytes.toString('latin1', at, this.#at)
  }

  /** Takes one byte. */
  skip(): void {
    this.#at++
  }

  /** The first byte that is no white space, not yet taken; -1 at the end. */
  next(): number {
    const bytes = this.#bytes
    for (; this.#at < bytes.length; this.#at++) {
      const byte = bytes[this.#at] ?? 0
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
    }
    return -1
  }

  peek(): number {
    return this.#bytes[this.#at] ?? -1
  }

  /** Takes an integer of 0 to 255; -1 when something else comes. */
  byte(): number {
    let value = 0
    let at = this.#at
    for (; at < this.#at + 3; at++) {
      const byte = this.#bytes[at] ?? 0
      if (!isDigit(byte)) break
      value = value * 10 + byte - 0x30
    }
    const digits = at - this.#at
    if (digits === 0 || value > 255 || (digits > 1 && this.peek() === 0x30)) return -1
    const after = this.#bytes[at] ?? 0
    // A point, an exponent or a fourth digit make it another number.
    if (after !== 0x2c && after !== 0x5d && after !== 0x20 && after !== 0x0a) return -1
    this.#at = at
    return value
  }

  word<T>(word: string, value: T): T {
    this.#at++
    for (const character of word.slice(1)) {
      if (this.#at === this.#bytes.length) throw this.#error('EOF while parsing a value')
      if (this.#bytes[this.#at++] !== character.charCodeAt(0)) throw this.#error('expected ident')
    }
    return value
  }

  string(): string {
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

  number(): bigint | number {
    const isNegative = this.peek() === 0x2d
    if (isNegative) this.#at++
    const start = this.#at
    const first = this.peek()
    if (first === -1) throw this.#error('EOF while parsing a value')
    this.#at++
    if (!isDigit(first)) throw this.#error('invalid number')
    if (first === 0x30 && isDigit(this.peek())) throw this.peekError('invalid number')
    this.#skipDigits()
    const after = this.peek()
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
    while (isDigit(this.peek())) this.#at++
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
    if (this.peek() === 0x2e) {
      const fraction = ++this.#at
      if (this.#skipDigits() === 0) {
        throw this.peekError(this.peek() === -1 ? 'EOF while parsing a value' : 'invalid number')
      }
      isFull = false
      take(fraction, this.#at, true)
    }
    if (this.peek() === 0x65 || this.peek() === 0x45) exponent += this.#exponent(significand)
    return this.#scale(significand, exponent) * (isNegative ? -1 : 1)
  }

  #exponent(significand: bigint): number {
    this.#at++
    const sign = this.peek()
    if (sign === 0x2b || sign === 0x2d) this.#at++
    const first = this.peek()
    if (first === -1) throw this.#error('EOF while parsing a value')
    this.#at++
    if (!isDigit(first)) throw this.#error('invalid number')
    let exponent = first - 0x30
    while (isDigit(this.peek())) {
      exponent = exponent * 10 + this.peek() - 0x30
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

  /** About the byte that was taken last. */
  #error(message: string): JsonError {
    return new JsonError('syntax', `${this.#place()}${message}${this.position()}`)
  }

  /** About the byte that comes. */
  peekError(message: string): JsonError {
    const at = Math.min(this.#at + 1, this.#bytes.length)
    return new JsonError('syntax', `${this.#place()}${message}${this.position(at)}`)
  }

  position(at = this.#at): string {
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

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function powerOfTen(exponent: number): number {
  // `10 ** 23` is not the number next to 10^23; the literal is. Beyond 1e308 it is Infinity.
  return Number(`1e${exponent}`)
}
