export type ServerName = More | { state: 'done'; serverName: string | undefined } | Bad

type More = { state: 'more' }
type Bad = { state: 'bad'; reason: string }

const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
const hostNameType = 0
const recordHeadBytes = 5
const messageHeadBytes = 4
const versionAndRandomBytes = 34
const mostSessionIdBytes = 32
const mostRecordBytes = 16_384

/** Of the connection, from its start to the end of the ClientHello. */
const mostBytes = 16_384

const labels = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/
const mostNameCharacters = 253

const more: More = { state: 'more' }
const noHello = bad('no ClientHello of TLS')
const malformed = bad('a malformed ClientHello')
const tooLong = bad(`a ClientHello of more than ${mostBytes} bytes`)

/**
 * The name that a TLS client asks for, from the first bytes of its connection: `more` until its whole
 * ClientHello is there, at most 16 KiB. In lower case and without a dot at its end; undefined when the
 * client names none.
 */
export function readServerName(bytes: Uint8Array): ServerName {
  const found = readMessage(bytes.subarray(0, mostBytes))
  if (found.state === 'whole') return serverNameOf(found.message)
  return found.state === 'more' && bytes.length >= mostBytes ? tooLong : found
}

/** The body of the first message of the handshake, which may be spread over records of any size. */
function readMessage(bytes: Uint8Array): { state: 'whole'; message: Uint8Array } | More | Bad {
  const pieces: Uint8Array[] = []
  let heldBytes = 0
  let end: number | undefined
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord || (bytes[at + 1] ?? 3) !== 3) return noHello
    if (at + recordHeadBytes > bytes.length) return more
    const recordBytes = numberAt(bytes, at + 3, 2)
    if (recordBytes === 0 || recordBytes > mostRecordBytes) return malformed
    at += recordHeadBytes
    const piece = bytes.subarray(at, at + recordBytes)
    pieces.push(piece)
    heldBytes += piece.length
    at += recordBytes

    if ((pieces[0]?.[0] ?? clientHello) !== clientHello) return noHello
    if (end === undefined && heldBytes >= messageHeadBytes) {
      end = messageHeadBytes + numberAt(Buffer.concat(pieces), 1, 3)
      if (end > mostBytes) return tooLong
    }
    if (end !== undefined && heldBytes >= end) {
      return { state: 'whole', message: Buffer.concat(pieces).subarray(messageHeadBytes, end) }
    }
  }
  return more
}

function serverNameOf(hello: Uint8Array): ServerName {
  const from: Reader = { bytes: hello, at: versionAndRandomBytes }
  const sessionId = takeVector(from, 1)
  const cipherSuites = takeVector(from, 2)
  const compressions = takeVector(from, 1)
  if (!sessionId || !cipherSuites || !compressions || hello[0] !== 3) return malformed
  if (sessionId.length > mostSessionIdBytes || compressions.length === 0) return malformed
  if (cipherSuites.length === 0 || cipherSuites.length % 2 !== 0) return malformed
  if (isAtEnd(from)) return { state: 'done', serverName: undefined }

  const extensions = takeVector(from, 2)
  if (!extensions || !isAtEnd(from)) return malformed
  let names: Uint8Array | undefined
  for (const each: Reader = { bytes: extensions, at: 0 }; !isAtEnd(each); ) {
    const type = numberAt(extensions, each.at, 2)
    each.at += 2
    const data = takeVector(each, 2)
    // Two names would let whoever stands behind this proxy read another one than it does.
    if (!data || (type === serverNameExtension && names)) return malformed
    if (type === serverNameExtension) names = data
  }
  return names ? hostNameOf(names) : { state: 'done', serverName: undefined }
}

function hostNameOf(extension: Uint8Array): ServerName {
  const outer: Reader = { bytes: extension, at: 0 }
  const list = takeVector(outer, 2)
  if (!list || list.length === 0 || !isAtEnd(outer)) return malformed
  let hostName: Uint8Array | undefined
  for (const each: Reader = { bytes: list, at: 0 }; !isAtEnd(each); ) {
    const type = list[each.at]
    each.at += 1
    const name = takeVector(each, 2)
    if (!name) return malformed
    if (type === hostNameType) hostName ??= name
  }
  if (!hostName) return { state: 'done', serverName: undefined }
  const serverName = Buffer.from(hostName).toString('latin1').toLowerCase().replace(/\.$/, '')
  return serverName.length <= mostNameCharacters && labels.test(serverName)
    ? { state: 'done', serverName }
    : bad('a server name that is no name of a host')
}

interface Reader {
  readonly bytes: Uint8Array
  at: number
}

/** A length in `lengthBytes` bytes, and so many bytes; undefined when they are not all there. */
function takeVector(from: Reader, lengthBytes: number): Uint8Array | undefined {
  const start = from.at + lengthBytes
  if (start > from.bytes.length) return undefined
  const end = start + numberAt(from.bytes, from.at, lengthBytes)
  if (end > from.bytes.length) return undefined
  from.at = end
  return from.bytes.subarray(start, end)
}

function isAtEnd(from: Reader): boolean {
  return from.at >= from.bytes.length
}

/** Big-endian; what is beyond the end counts as zero. */
function numberAt(bytes: Uint8Array, at: number, length: number): number {
  let number = 0
  for (let place = 0; place < length; place += 1) number = number * 256 + (bytes[at + place] ?? 0)
  return number
}

function bad(reason: string): Bad {
  return { state: 'bad', reason }
}
