import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  type Answer,
  type DecodedPacket,
  decode,
  encode,
  type Packet,
  type Question,
} from 'dns-packet'
import { answerDns } from './dns-answer.ts'
import { mutate } from './mutate.ts'

const many = Array.from({ length: 100 }, (_, at) => `10.0.0.${at}`)
const table: Record<string, string[]> = {
  web: ['192.0.2.9', '2001:db8::9', '192.0.2.1', '2001:db8::1', 'fe80::1%eth0', 'db.example'],
  'eu.web': ['192.0.2.1'],
  old: ['192.0.2.3'],
  new: ['2001:db8::3'],
  idle: [],
  many,
  twenty: many.slice(0, 20),
}

function answer(query: Uint8Array, options: { domain?: string; asked?: unknown[] } = {}) {
  return answerDns(query, {
    domain: options.domain ?? 'internal',
    ttlSeconds: 30,
    lookup(name) {
      options.asked?.push(name)
      const key = name.region === undefined ? name.app : `${name.region}.${name.app}`
      return Object.hasOwn(table, key) ? table[key] : undefined
    },
  })
}

// What the library reads besides what its types say.
type Decoded = DecodedPacket & { rcode: string; opcode: string }

function ask(question: Question, packet: Packet = {}, domain?: string): Decoded {
  const query = encode({ type: 'query', id: 4711, questions: [question], ...packet })
  const bytes = answer(query, domain === undefined ? {} : { domain }) ?? Buffer.alloc(0)
  return decode(bytes) as Decoded
}

function edns(udpPayloadSize: number, flags = 0, ednsVersion = 0): Packet {
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion,
    flags,
  } as const
  return { additionals: [{ ...opt, flag_do: flags !== 0, options: [] }] }
}

const dataOf = (records: Answer[] | undefined): unknown[] =>
  (records ?? []).map((record) => ('data' in record ? record.data : record))
const noRecords = { answers: [], additionals: [] }
const soa = { type: 'SOA', name: 'internal', ttl: 30 }

test.each([
  ['A', 'web.internal', ['192.0.2.9', '192.0.2.1']],
  ['AAAA', 'web.internal', ['2001:db8::9', '2001:db8::1']],
  ['A', 'eu.web.internal', ['192.0.2.1']],
] as const)(
  '%s of %s are its addresses of that family, in their order',
  (type, name, addresses) => {
    const reply = ask({ type, name })

    expect(reply).toMatchObject({ type: 'response', id: 4711, rcode: 'NOERROR', flag_aa: true })
    expect(reply).toMatchObject({
      flag_ra: false,
      flag_tc: false,
      authorities: [],
      additionals: [],
    })
    expect(reply.questions).toEqual([{ type, name, class: 'IN' }])
    expect(reply.answers).toMatchObject(
      addresses.map((data) => ({ type, name, class: 'IN', ttl: 30, data })),
    )
  },
)

test('names are the same in any case, and answered in the case that was asked', () => {
  const reply = ask({ type: 'A', name: 'eU.Web.INTERNAL' })

  expect(reply.questions).toMatchObject([{ name: 'eU.Web.INTERNAL' }])
  expect(reply.answers).toMatchObject([{ name: 'eU.Web.INTERNAL', data: '192.0.2.1' }])
})

test('the lookup is asked in lower case', () => {
  const asked: unknown[] = []
  answer(encode({ questions: [{ type: 'A', name: 'eU.Web.Internal' }] }), { asked })
  answer(encode({ questions: [{ type: 'A', name: 'OLD.Internal' }] }), { asked })

  expect(asked).toEqual([
    { app: 'web', region: 'eu' },
    { app: 'old', region: undefined },
  ])
})

test.each(['w b', 'w*', 'ü', 'a.b.c'])('the lookup is not asked for %j', (name) => {
  const asked: unknown[] = []
  const query = encode({ questions: [{ type: 'A', name: `${name}.internal` }] })

  expect(answer(query, { asked })).toBeDefined()
  expect(asked).toEqual([])
})

test('a domain may have several labels', () => {
  const name = 'eu.web.edge.example'
  expect(dataOf(ask({ type: 'A', name }, {}, 'edge.example').answers)).toEqual(['192.0.2.1'])
  expect(ask({ type: 'A', name: 'web.example' }, {}, 'edge.example').rcode).toBe('REFUSED')
})

test.each([
  ['an app without IPv6', 'AAAA', 'old.internal', 'NOERROR'],
  ['an app without IPv4', 'A', 'new.internal', 'NOERROR'],
  ['an app without addresses', 'A', 'idle.internal', 'NOERROR'],
  ['another type of an app', 'TXT', 'web.internal', 'NOERROR'],
  ['the domain itself', 'A', 'internal', 'NOERROR'],
  ['an unknown app', 'A', 'none.internal', 'NXDOMAIN'],
  ['another type of an unknown app', 'TXT', 'none.internal', 'NXDOMAIN'],
  ['an unknown region', 'A', 'xx.web.internal', 'NXDOMAIN'],
  ['a name below a region', 'A', 'a.eu.web.internal', 'NXDOMAIN'],
  ['an app by a name that is none', 'A', 'w b.internal', 'NXDOMAIN'],
] as const)('%s: no answer, but for how long there is none', (_name, type, name, rcode) => {
  const reply = ask({ type, name })

  expect(reply).toMatchObject({ rcode, flag_aa: true, ...noRecords, authorities: [soa] })
  expect(reply.authorities).toMatchObject([{ data: { mname: 'internal', minimum: 30 } }])
})

test.each(['example', '.', 'web.internal.example', 'webinternal', 'nal'])(
  '%s is outside of the domain and refused',
  (name) => {
    const reply = ask({ type: 'A', name })

    expect(reply).toMatchObject({ rcode: 'REFUSED', flag_aa: false, ...noRecords, authorities: [] })
    expect(reply.questions).toMatchObject([{ name }])
  },
)

test.each([
  ['IN', 'NOERROR'],
  ['ANY', 'NOERROR'],
  ['CH', 'REFUSED'],
] as const)('a question of class %s is answered with %s', (type, rcode) => {
  expect(ask({ type: 'A', name: 'web.internal', class: type }).rcode).toBe(rcode)
})

test('whether recursion is desired is copied, and no other flag', () => {
  const question = { type: 'A', name: 'web.internal' } as const
  expect(ask(question, { flags: 0x01_00 })).toMatchObject({ flags: 0x05_00 })
  expect(ask(question, { flags: 0x86_f0 & 0x7f_ff })).toMatchObject({ flags: 0x04_00 })
})

test('another operation is not implemented', () => {
  const reply = ask({ type: 'SOA', name: 'internal' }, { flags: (4 << 11) | 0x01_00 })

  expect(reply).toMatchObject({ id: 4711, rcode: 'NOTIMP', opcode: 'NOTIFY', flag_rd: true })
})

const question = { type: 'A', name: 'web.internal' } as const
const one = encode({ id: 4711, questions: [question] })
const pointing = Buffer.concat([one.subarray(0, 12), Buffer.from('c00000010001', 'hex')])
const endless = Buffer.concat([one.subarray(0, 12), Buffer.alloc(300, 1), Buffer.alloc(5)])
const opt = edns(1232).additionals ?? []
const a = '00010001000000000004c0000201'
function withCount(at: number, count: number, records = ''): Buffer {
  const bytes = Buffer.concat([one, Buffer.from(records, 'hex')])
  bytes.writeUInt16BE(count, at)
  return bytes
}

test.each([
  ['no question', encode({ id: 4711, questions: [] })],
  ['two questions', encode({ id: 4711, questions: [question, question] })],
  ['a header alone that promises a question', one.subarray(0, 12)],
  ['a question that is cut off', one.subarray(0, -1)],
  ['a name that is cut off', one.subarray(0, 18)],
  ['a name that points elsewhere', pointing],
  ['a name without an end', endless],
  ['a record that is not there', withCount(10, 1)],
  ['65,535 answers that are not there', withCount(6, 65_535)],
  ['EDNS of a name', withCount(10, 1, '016100002904d0000000000000')],
  ['a record with a label of 64', withCount(10, 1, `40${'61'.repeat(64)}00${a}`)],
  ['a record that is cut off', withCount(10, 1, `00${a}`.slice(0, -2))],
  ['EDNS twice', encode({ id: 4711, questions: [question], additionals: [...opt, ...opt] })],
  ['EDNS among the answers', encode({ id: 4711, questions: [question], answers: opt })],
])('%s is a format error', (_name, query) => {
  const reply = decode(answer(query) ?? Buffer.alloc(0))

  expect(reply).toMatchObject({ type: 'response', id: 4711, rcode: 'FORMERR', questions: [] })
})

test('records whose names point to others do not hide EDNS', () => {
  const query = withCount(10, 2, `c00c${a}00002904d0000000000000`)

  expect(decode(answer(query) ?? one).additionals).toMatchObject([{ type: 'OPT' }])
})

test.each([
  ['a response', encode({ type: 'response', questions: [question] })],
  ['nothing', Buffer.alloc(0)],
  ['less than a header', one.subarray(0, 11)],
])('%s is not answered', (_name, query) => {
  expect(answer(query)).toBeUndefined()
})

test('a name with bytes of its own kind is echoed byte for byte', () => {
  const name = Buffer.from([3, 0xff, 0x2e, 0x00, 8, ...Buffer.from('Internal'), 0, 0, 1, 0, 1])
  const reply = answer(Buffer.concat([one.subarray(0, 12), name])) ?? Buffer.alloc(0)

  expect(reply.subarray(12, 12 + name.length)).toEqual(name)
  expect(decode(reply)).toMatchObject({ rcode: 'NXDOMAIN', authorities: [soa] })
})

test('a dot within a label makes no two labels of it', () => {
  const name = Buffer.from([12, ...Buffer.from('web.internal'), 0, 0, 1, 0, 1])

  expect(
    decode(answer(Buffer.concat([one.subarray(0, 12), name])) ?? Buffer.alloc(0)),
  ).toMatchObject({
    rcode: 'REFUSED',
  })
})

test.each([
  ['no EDNS', {}, 512, 16],
  ['EDNS of less than 512', edns(100), 512, 16],
  ['EDNS of 700', edns(700), 700, 22],
  ['EDNS of 4096', edns(4096), 1232, 41],
])(
  'with %s, as many whole records are given as fit, and the rest is said to be cut',
  (_name, packet, most, count) => {
    const query = encode({ questions: [{ type: 'A', name: 'many.internal' }], ...packet })
    const bytes = answer(query) ?? Buffer.alloc(0)
    const reply = decode(bytes)

    expect(bytes.length).toBeLessThanOrEqual(most)
    expect(bytes.length).toBeGreaterThan(most - 29)
    expect(reply.flag_tc).toBe(true)
    expect(dataOf(reply.answers)).toEqual(many.slice(0, count))
  },
)

test('an answer that fits to the byte is not cut', () => {
  const twenty = { type: 'A', name: 'twenty.internal' } as const
  const [exact, less] = [ask(twenty, edns(664)), ask(twenty, edns(663))]

  expect(exact).toMatchObject({ flag_tc: false, answers: { length: 20 } })
  expect(less).toMatchObject({ flag_tc: true, answers: { length: 19 } })
})

test('EDNS is answered with EDNS, and its wish for signatures copied', () => {
  const additional = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, options: [] }

  expect(ask(question, edns(4096)).additionals).toMatchObject([{ ...additional, flag_do: false }])
  expect(ask(question, edns(4096, 0x80_00)).additionals).toMatchObject([
    { ...additional, flag_do: true },
  ])
  expect(ask({ type: 'A', name: 'example' }, edns(4096)).additionals).toMatchObject([additional])
})

test('EDNS of a later version is refused as such', () => {
  const reply = ask(question, edns(4096, 0, 1))

  expect(reply).toMatchObject({ rcode: 'NOERROR', answers: [] })
  expect(reply.additionals).toMatchObject([{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }])
})

test('a query is read where it stands within a larger buffer', () => {
  const larger = new Uint8Array(one.length + 7)
  larger.set(one, 7)

  expect(answer(larger.subarray(7))).toEqual(answer(one))
})

test('20,000 mangled queries are answered in the size that is allowed, with their id, or not at all', () => {
  const seed = Date.now()
  console.info(`seed ${seed}`)
  const random = seededRandom(seed)
  const long = { type: 'A', name: `${'a'.repeat(63)}.`.repeat(3) + 'internal' } as const
  const models = [
    one,
    encode({ questions: [{ type: 'AAAA', name: 'many.internal' }], ...edns(4096) }),
    encode({ questions: [{ type: 'A', name: 'many.internal' }], ...edns(4096) }),
    encode({ questions: [long], ...edns(700, 0x80_00) }),
    encode({ questions: [question], answers: [{ type: 'CNAME', name: 'a', data: 'b.c' }] }),
  ]
  const seen: Record<string, number> = {}
  const wrong: string[] = []
  for (let round = 0; round < 20_000; round += 1) {
    const query = mutate(models[Math.floor(random() * models.length)] ?? one, random)

    const bytes = answer(query)

    const reply = bytes && (decode(bytes) as Decoded)
    const outcome = reply?.rcode ?? 'none'
    seen[outcome] = (seen[outcome] ?? 0) + 1
    const isRight =
      bytes && reply
        ? reply.flag_qr &&
          reply.id === query.readUInt16BE(0) &&
          bytes.length <= (reply.additionals?.length ? 1232 : 512)
        : query.length < 12 || query.readUInt8(2) >= 0x80
    if (!isRight) wrong.push(query.toString('hex'))
  }
  expect(wrong).toEqual([])
  expect(Object.keys(seen)).toEqual(
    expect.arrayContaining(['FORMERR', 'NOERROR', 'NOTIMP', 'NXDOMAIN', 'REFUSED', 'none']),
  )
})
