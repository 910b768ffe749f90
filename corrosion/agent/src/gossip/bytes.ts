/** Appends to a buffer that grows. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(256)
  #length = 0

  get length(): number {
    return this.#length
  }

  byte(value: number): this {
    const at = this.#grow(1)
    this.#buffer[at] = value
    return this
  }

  /** A whole number from 0 to 2^53 - 1: seven bits a byte, lowest first. */
  count(value: number): this {
    let rest = value
    while (rest >= 128) {
      this.byte((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    return this.byte(rest)
  }

  u64(value: bigint): this {
    const at = this.#grow(8)
    this.#buffer.writeBigUInt64BE(value, at)
    return this
  }

  i64(value: bigint): this {
    const at = this.#grow(8)
    this.#buffer.writeBigInt64BE(value, at)
    return this
  }

  real(value: number): this {
    const at = this.#grow(8)
    this.#buffer.writeDoubleBE(value, at)
    return this
  }

  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  bytes(bytes: Uint8Array): this {
    return this.count(bytes.length).raw(bytes)
  }

  text(text: string): this {
    const length = Buffer.byteLength(text)
    this.count(length)
    const at = this.#grow(length)
    this.#buffer.write(text, at, length)
    return this
  }

  /** The writer must not be used after it. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Gives the place; it may replace the buffer, so it comes before `#buffer` is read. */
  #grow(by: number): number {
    const at = this.#length
    this.#length += by
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#buffer.length * 2))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    return at
  }
}

/** Reads what `ByteWriter` wrote. Throws RangeError on bytes that it cannot have written. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  count(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte()
      value += (byte % 128) * factor
      if (!Number.isSafeInteger(value)) throw new RangeError('a number is too large')
      if (byte < 128) return value
      if (factor > 2 ** 45) throw new RangeError('a number is too long')
    }
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8))
  }

  i64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8))
  }

  real(): number {
    return this.#bytes.readDoubleBE(this.#take(8))
  }

  /** A view: it keeps the whole frame in memory. */
  raw(length: number): Buffer {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** A view: it keeps the whole frame in memory. */
  bytes(): Buffer {
    return this.raw(this.count())
  }

  text(): string {
    return this.bytes().toString()
  }

  /** Items behind their count. Nothing is reserved ahead: a false count ends with the bytes. */
  list<T>(item: () => T): T[] {
    const items: T[] = []
    for (let left = this.count(); left > 0; left--) items.push(item())
    return items
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError('a message goes on after its end')
  }

  #take(length: number): number {
    const at = this.#at
    if (at + length > this.#bytes.length) throw new RangeError('a message ends early')
    this.#at = at + length
    return at
  }
}
