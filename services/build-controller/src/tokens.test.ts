import { expect, test } from '@jest/globals'
import { createId } from './tokens.ts'

test('an id can stand on a command line', () => {
  const ids = Array.from({ length: 1000 }, createId)

  expect(ids.filter((id) => !/^\w[\w-]{20}$/.test(id))).toEqual([])
  expect(new Set(ids).size).toBe(1000)
})
