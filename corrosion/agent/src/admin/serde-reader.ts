/** JSON that is not what is expected; the message is the one of serde_json. */
export class DecodeError extends Error {
  override name = 'DecodeError'
}

/** One of the forms of an enum: a name alone, or a name and a value. */
export type Variant<T> =
  | { kind: 'unit'; value: T }
  | { kind: 'newtype' | 'struct'; read(reader: SerdeReader): T }

export type Variants<T> = Readonly<Record<string, Variant<T>>>

const integerTypes = { u16: 0xffffn, u64: 0xffff_ffff_ffff_ffffn }
const space = /[ \t\r\n]*/y
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const otherTokenPattern = /[^\s"{}[\],:]+/y

/**
 * Reads JSON in the order and with the messages of serde_json's derived types. serde_json reads
 * from a stream here, so the column of a message counts all bytes taken from it, the one that was
 * only peeked at too.
 */
export class SerdeReader {
  /** One character for each byte. */
  readonly #text: string
  #at = 0
  #taken = 0

  constructor(bytes: Buffer) {
    this.#text = bytes.toString('latin1')
  }

  /** Nothing but white space may follow. */
  end(): void {
    if (this.#next() !== undefined) throw this.#error('trailing characters')
  }

  /** `unlisted` ones are read too, but are not among those expected in a message. */
  variant<T>(variants: Variants<T>, unlisted: Variants<T> = {}): T {
    const opening = this.#next()
    if (opening === undefined) throw this.#error('EOF while parsing a value')
    if (opening !== '{' && opening !== '"') throw this.#error('expected value')
    if (opening === '{') this.#at++
    const name = this.string('variant identifier')
    const known = [variants, unlisted].find((each) => Object.hasOwn(each, name))
    const variant = known?.[name]
    if (variant === undefined) {
      throw this.#error(`unknown variant \`${name}\`, expected ${oneOf(Object.keys(variants))}`)
    }
    if (opening === '"') {
      if (variant.kind === 'unit') return variant.value
      throw new DecodeError(`invalid type: unit variant, expected ${variant.kind} variant`)
    }
    this.#colon()
    const value = variant.kind === 'unit' ? this.#unit(variant.value) : variant.read(this)
    const closing = this.#next()
    if (closing === undefined) throw this.#error('EOF while parsing an object')
    if (closing !== '}') throw this.#error('expected value')
    this.#at++
    return value
  }

  /** `fields` read what they are called by; unknown ones are passed over. */
  struct(
    name: string,
    fields: Readonly<Record<string, () => void>>,
    required: readonly string[] = Object.keys(fields),
  ): void {
    if (this.#next() !== '{') throw this.#unexpected(`struct variant ${name}`)
    this.#at++
    const given = new Set<string>()
    for (let isFirst = true; this.#hasKey(isFirst); isFirst = false) {
      const key = this.#string()
      if (given.has(key)) {
        this.#next() // serde_json looks for the end of the map before it tells the column
        throw this.#error(`duplicate field \`${key}\``)
      }
      this.#colon()
      const read = Object.hasOwn(fields, key) ? fields[key] : undefined
      if (read) given.add(key)
      else this.any()
      read?.()
    }
    const missing = required.find((key) => !given.has(key))
    if (missing !== undefined) throw this.#error(`missing field \`${missing}\``)
    this.#at++
  }

  string(expected = 'a string'): string {
    if (this.#next() !== '"') throw this.#unexpected(expected)
    return this.#string()
  }

  /** 32 hex digits, of a UUID in its forms. */
  uuid(): string {
    const text = this.string('a formatted UUID string')
    const wrong = /[^0-9a-fA-F-]/.exec(text)
    const digits = text.replaceAll('-', '')
    const problem = wrong
      ? `invalid character: expected an optional prefix of \`urn:uuid:\` followed by [0-9a-fA-F-], found \`${wrong[0]}\` at ${wrong.index + 1}`
      : `invalid length: expected length 32 for simple format, found ${digits.length}`
    if (wrong || digits.length !== 32) throw this.#error(`UUID parsing failed: ${problem}`)
    return digits.toLowerCase()
  }

  nullOr<T>(read: () => T): T | null {
    return this.#next() === 'n' ? this.#word('null', null) : read()
  }

  integer(type: keyof typeof integerTypes): number {
    if (!/[-\d]/.test(this.#next() ?? '')) throw this.#unexpected(type)
    const start = this.#at
    const source = this.#number()
    if (!/^-?\d+$/.test(source)) {
      this.#at = start
      throw this.#unexpected(type)
    }
    if (source.startsWith('-') || BigInt(source) > integerTypes[type]) {
      throw this.#error(`invalid value: integer \`${source}\`, expected ${type}`)
    }
    return Number(source)
  }

  /** Any value, as JavaScript has it. */
  any(): unknown {
    const first = this.#next()
    const start = this.#at
    let depth = 0
    for (let next = first; ; next = this.#next()) {
      if (next === undefined) throw this.#error('EOF while parsing a value')
      if (next === '"') this.#string()
      else if (/[{}[\],:]/.test(next)) {
        this.#at++
        if (next === '{' || next === '[') depth++
        else if (next === '}' || next === ']') depth--
      } else this.#token(otherTokenPattern)
      if (depth <= 0) break
    }
    try {
      return JSON.parse(utf8(this.#text.slice(start, this.#at)))
    } catch {
      throw this.#error('expected value') // where in it serde_json would stop is not worth the code
    }
  }

  #unit<T>(value: T): T {
    if (this.#next() !== 'n') throw this.#unexpected('unit')
    return this.#word('null', value)
  }

  /** Stands at the opening quote of the next key, or at the closing brace. */
  #hasKey(isFirst: boolean): boolean {
    let next = this.#next()
    if (next === '}') return false
    if (next === undefined) throw this.#error('EOF while parsing an object')
    if (!isFirst) {
      if (next !== ',') throw this.#error('expected `,` or `}`')
      this.#at++
      next = this.#next()
      if (next === '}') throw this.#error('trailing comma')
      if (next === undefined) throw this.#error('EOF while parsing a value')
    }
    if (next !== '"') throw this.#error('key must be a string')
    return true
  }

  #colon(): void {
    const next = this.#next()
    if (next === undefined) throw this.#error('EOF while parsing an object')
    if (next !== ':') throw this.#error('expected `:`')
    this.#at++
  }

  #string(): string {
    const start = this.#at
    for (let at = start + 1; ; at++) {
      this.#taken = Math.max(this.#taken, Math.min(at + 1, this.#text.length))
      const next = this.#text[at]
      if (next === undefined) throw this.#error('EOF while parsing a string')
      if (next < ' ') {
        throw this.#error('control character (\\u0000-\\u001F) found while parsing a string')
      }
      if (next === '\\') at++
      else if (next === '"') {
        this.#at = at + 1
        break
      }
    }
    const source = utf8(this.#text.slice(start, this.#at))
    try {
      return String(JSON.parse(source))
    } catch {
      throw this.#error('invalid escape') // all else that JSON refuses in a string is refused above
    }
  }

  #number(): string {
    const source = this.#token(numberPattern)
    this.#next()
    return source
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#error('expected ident')
    this.#at += word.length
    this.#taken = Math.max(this.#taken, this.#at)
    return value
  }

  #token(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [token] = pattern.exec(this.#text) ?? []
    if (token === undefined) throw this.#error('invalid number')
    this.#at += token.length
    return token
  }

  /** Names the value that is there. */
  #unexpected(expected: string): DecodeError {
    const next = this.#next()
    if (next === undefined) return this.#error('EOF while parsing a value')
    return this.#error(`invalid type: ${this.#describe(next)}, expected ${expected}`)
  }

  #describe(next: string): string {
    if (next === '[') return 'sequence'
    if (next === '{') return 'map'
    if (next === '"') return `string ${JSON.stringify(this.#string())}`
    if (next === 'n') return this.#word('null', 'null')
    if (next === 't') return this.#word('true', 'boolean `true`')
    if (next === 'f') return this.#word('false', 'boolean `false`')
    if (!/[-\d]/.test(next)) throw this.#error('expected value')
    const source = this.#number()
    return /^-?\d+$/.test(source) ? `integer \`${source}\`` : `floating point \`${source}\``
  }

  /** Past white space. */
  #next(): string | undefined {
    this.#token(space)
    this.#taken = Math.max(this.#taken, Math.min(this.#at + 1, this.#text.length))
    return this.#text[this.#at]
  }

  #error(message: string): DecodeError {
    const lines = this.#text.slice(0, this.#taken).split('\n')
    return new DecodeError(`${message} at line ${lines.length} column ${lines.at(-1)?.length ?? 0}`)
  }
}

function oneOf(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``)
  return quoted.length > 2 ? `one of ${quoted.join(', ')}` : quoted.join(' or ')
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}
