import { expect, test } from '@jest/globals'
import { types } from 'pg'
import { cellOf } from './to-cell.ts'

const { builtins } = types

test.each([
  ['7', builtins.INT4, 7],
  ['9007199254740991', builtins.INT8, 9007199254740991],
  ['-9223372036854775808', builtins.INT8, { $integer: '-9223372036854775808' }],
  ['1.5e-07', builtins.FLOAT8, 1.5e-7],
  ['NaN', builtins.FLOAT8, 'NaN'],
  ['0.10', builtins.NUMERIC, '0.10'],
  ['t', builtins.BOOL, 'true'],
  ['\\xdead', builtins.BYTEA, { $blob: '3q0=' }],
  ['2026-01-15 10:05:06.349+00', builtins.TIMESTAMPTZ, '2026-01-15T10:05:06.349Z'],
  ['infinity', builtins.TIMESTAMPTZ, 'infinity'],
  ['2026-01-15', builtins.DATE, '2026-01-15'],
  ['{"a": 1}', builtins.JSONB, '{"a": 1}'],
  ['{1,2}', 1007, '{1,2}'],
])('%s of type %i is %j', (text, type, cell) => {
  expect(cellOf(text, type)).toEqual(cell)
})
