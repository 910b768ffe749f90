import { expect, test } from '@jest/globals'
import { JsonReader } from './json.ts'
import { JsonError } from './json-scanner.ts'
import { readStatement, readStatements } from './statement.ts'

function read(text: string): unknown {
  return readStatement(new JsonReader(Buffer.from(text)))
}

function errorOf(task: () => unknown): string {
  try {
    task()
  } catch (error) {
    if (error instanceof JsonError) return error.message
    throw error
  }
  return 'no error'
}

test.each<[string, object | unknown[]]>([
  ['"x"', []],
  ['["x",[]]', []],
  ['["x",[1,2]]', [1n, 2n]],
  [
    '["x",[null,true,false,1,1.5,"a",[1,2],[]]]',
    [null, 1n, 0n, 1n, 1.5, 'a', Uint8Array.of(1, 2), new Uint8Array()],
  ],
  ['["x",{":a":1,":b":null}]', { ':a': 1n, ':b': null }],
  ['["x",{":a":1,":a":2}]', { ':a': 2n }],
  ['{"query":"x"}', []],
  ['{"query":"x","params":[1]}', [1n]],
  ['{"query":"x","named_params":{":a":1}}', { ':a': 1n }],
  ['{"query":"x","params":[1],"named_params":{":a":1}}', [1n]],
  ['{"query":"x","params":null,"named_params":null,"other":{}}', []],
])('%s is a statement', (text, params) => {
  expect(read(text)).toEqual({ sql: 'x', params })
})

const mismatch = 'data did not match any variant of untagged enum Statement'

test.each([
  '["x"]',
  '["x",1]',
  '["x",null]',
  '["x",[1],2]',
  '["x",[{"a":1}]]',
  '["x",[["a"]]]',
  '["x",[[256]]]',
  '[1,[]]',
  '{"sql":"x"}',
  '{"query":1}',
  '{"query":"x","params":{}}',
  '{"query":"x","params":[1],"named_params":[1]}',
  '{"query":"x","query":"x"}',
  '5',
  'null',
  '[]',
])('%s is none', (text) => {
  expect(errorOf(() => read(text))).toBe(mismatch)
})

test.each([
  ['["a",["b",[1]]]', 'no error'],
  ['["a",5,"b"]', `[1]: ${mismatch} at line 1 column 7`],
  ['["a",5]', `[1]: ${mismatch} at line 1 column 7`],
  ['["a" 5', 'expected `,` or `]` at line 1 column 6'],
  ['"a"', 'invalid type: string "a", expected a sequence at line 1 column 3'],
  ['{}', 'invalid type: map, expected a sequence at line 1 column 0'],
])('the list %s has %s', (text, message) => {
  expect(errorOf(() => readStatements(new JsonReader(Buffer.from(text))))).toBe(message)
})
