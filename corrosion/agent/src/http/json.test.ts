import { describe, expect, test } from '@jest/globals'
import { type Json, JsonObject, JsonReader } from './json.ts'
import { JsonError } from './json-scanner.ts'

function parse(text: string | Buffer): unknown {
  const reader = new JsonReader(Buffer.from(text))
  const json = reader.value()
  reader.end()
  return plain(json)
}

/** Objects as their entries. */
function plain(json: Json): unknown {
  if (json instanceof JsonObject) return json.entries.map(([name, value]) => [name, plain(value)])
  return Array.isArray(json) ? json.map(plain) : json
}

function errorOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof JsonError) return error.message
    throw error
  }
  return 'no error'
}

test.each<[string, unknown]>([
  ['null', null],
  [' true ', true],
  ['0', 0n],
  ['-0', -0],
  ['1.0', 1],
  ['1e3', 1000],
  ['1E+3', 1000],
  ['9007199254740993', 9007199254740993n],
  ['9223372036854775807', 9223372036854775807n],
  ['9223372036854775808', 2 ** 63],
  ['-9223372036854775808', -9223372036854775808n],
  ['-9223372036854775809', -(2 ** 63)],
  ['18446744073709551616', 2 ** 64],
  ['0.1', 0.1],
  ['1e-400', 0],
  ['0e99999999999', 0],
  ['123456789012345678901234567890', 1.2345678901234568e29],
  // Not the nearest: serde_json multiplies without extra digits.
  ['2.2250738585072014e-308', 2.2250738585072014e-308],
  [`0.${'0'.repeat(400)}1`, 0],
  ['"a\\u00e9\\ud83d\\ude00\\n\\/"', 'aé😀\n/'],
  ['"é😀"', 'é😀'],
  ['""', ''],
  ['[]', new Uint8Array()],
  ['[0, 1 ,255]', Uint8Array.of(0, 1, 255)],
  ['[0,1\r,\t255\n]', Uint8Array.of(0, 1, 255)],
  ['[0,256]', [0n, 256n]],
  ['[0,-1]', [0n, -1n]],
  ['[0,1.0]', [0n, 1]],
  ['[0,[1]]', [0n, Uint8Array.of(1)]],
  [
    '{"a":1,"a":{"b":[]}}',
    [
      ['a', 1n],
      ['a', [['b', new Uint8Array()]]],
    ],
  ],
])('%s is read', (text, value) => {
  expect(parse(text)).toEqual(value)
})

// What the real agent says of the same bodies.
test.each([
  ['', 'EOF while parsing a value at line 1 column 0'],
  ['nul', 'EOF while parsing a value at line 1 column 3'],
  ['nulx', 'expected ident at line 1 column 4'],
  ["'a'", 'expected value at line 1 column 1'],
  ['01', 'invalid number at line 1 column 2'],
  ['-', 'EOF while parsing a value at line 1 column 1'],
  ['-a', 'invalid number at line 1 column 2'],
  ['1.', 'EOF while parsing a value at line 1 column 2'],
  ['1.x', 'invalid number at line 1 column 3'],
  ['1e', 'EOF while parsing a value at line 1 column 2'],
  ['1e999', 'number out of range at line 1 column 5'],
  ['"a', 'EOF while parsing a string at line 1 column 2'],
  ['"a\n"', 'control character (\\u0000-\\u001F) found while parsing a string at line 2 column 0'],
  ['"\\x"', 'invalid escape at line 1 column 3'],
  ['"\\u12g4"', 'invalid escape at line 1 column 7'],
  ['"\\udc00"', 'lone leading surrogate in hex escape at line 1 column 7'],
  ['"\\ud800"', 'unexpected end of hex escape at line 1 column 8'],
  ['"\\ud800\\u0041"', 'lone leading surrogate in hex escape at line 1 column 13'],
  ['[', 'EOF while parsing a list at line 1 column 1'],
  ['[1', 'EOF while parsing a list at line 1 column 2'],
  ['[1 2', 'expected `,` or `]` at line 1 column 4'],
  ['[1,]', 'trailing comma at line 1 column 4'],
  ['[1,', 'EOF while parsing a value at line 1 column 3'],
  ['[1,[2,x', '[1][1]: expected value at line 1 column 7'],
  ['{', 'EOF while parsing an object at line 1 column 1'],
  ['{1', 'key must be a string at line 1 column 2'],
  ['{"a"', 'EOF while parsing an object at line 1 column 4'],
  ['{"a" 1', 'expected `:` at line 1 column 6'],
  ['{"a":', 'a: EOF while parsing a value at line 1 column 5'],
  ['{"a":1 2', 'expected `,` or `}` at line 1 column 8'],
  ['{"a":1,}', 'trailing comma at line 1 column 8'],
  ['{"a":{"b":[1,\n x', 'a.b[1]: expected value at line 2 column 2'],
  ['{"a":{1', 'a.?: key must be a string at line 1 column 7'],
  ['1 2', 'trailing characters at line 1 column 3'],
])('%j is refused', (text, message) => {
  expect(errorOf(() => parse(text))).toBe(message)
})

test('bytes that are no UTF-8 are refused', () => {
  const text = Buffer.from([0x22, 0x61, 0xff, 0x22])

  expect(errorOf(() => parse(text))).toBe('invalid unicode code point at line 1 column 4')
})

test('127 lists in each other are read, 128 are not', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

  expect(errorOf(() => parse(nested(127)))).toBe('no error')
  expect(errorOf(() => parse(nested(128)))).toMatch(
    /recursion limit exceeded at line 1 column 128$/,
  )
})

test.each([
  ['a string', '"x"'],
  ['a list of bytes', `[${'255,'.repeat(1_000_000)}0]`],
  ['digits', `0.${'0'.repeat(5_000_000)}`],
  ['escapes', `"${'\\n'.repeat(1_000_000)}"`],
  ['lines', `[${'\n'.repeat(5_000_000)}1]`],
])(
  '%s of millions is read, and not once more for each of them',
  (_what, text) => {
    // What looks back from each place takes hours, and fails by the time that a test has.
    expect(() => parse(text)).not.toThrow()
  },
  60_000,
)

describe('a struct', () => {
  const read = (text: string) => {
    const reader = new JsonReader(Buffer.from(text))
    const names: string[] = []
    reader.struct('TableStatRequest', 'tables', () => {
      reader.list(() => names.push(reader.text()))
    })
    return names
  }

  test('is an object, or a list of its field', () => {
    expect(read('{"x":{"y":[1]},"tables":["a","b"]}')).toEqual(['a', 'b'])
    expect(read('[["a"]]')).toEqual(['a'])
  })

  test.each([
    ['{}', 'missing field `tables` at line 1 column 2'],
    ['[]', 'invalid length 0, expected struct TableStatRequest with 1 element at line 1 column 2'],
    ['[["a"],1]', 'trailing characters at line 1 column 8'],
    ['{"tables":[],"tables":[]}', 'duplicate field `tables` at line 1 column 21'],
    ['{"tables":null}', 'tables: invalid type: null, expected a sequence at line 1 column 14'],
    ['{"tables":1}', 'tables: invalid type: integer `1`, expected a sequence at line 1 column 11'],
    [
      '{"tables":[1]}',
      'tables[0]: invalid type: integer `1`, expected a string at line 1 column 12',
    ],
    ['{"tables":["a",]}', 'tables: trailing comma at line 1 column 16'],
    ['{"x":{"y":', 'x: EOF while parsing a value at line 1 column 10'],
    [
      '"x\\n\\u0001"',
      'invalid type: string "x\\n\\u{1}", expected struct TableStatRequest at line 1 column 11',
    ],
    [
      '18446744073709551615',
      'invalid type: integer `18446744073709551615`, expected struct TableStatRequest at line 1 column 20',
    ],
    [
      '1.50',
      'invalid type: floating point `1.5`, expected struct TableStatRequest at line 1 column 4',
    ],
  ])('%s is refused', (text, message) => {
    expect(errorOf(() => read(text))).toBe(message)
  })
})
