import { expect, test } from '@jest/globals'
import { parameterNames } from './query-parameters.ts'
import { queryPresets } from './query-presets.ts'

test('no two presets have the same id', () => {
  const ids = queryPresets.map(({ id }) => id)

  expect(new Set(ids).size).toBe(ids.length)
})

test.each(queryPresets.map((preset) => [preset.id, preset] as const))(
  'a form of %s asks for what its statement uses',
  (_, { sql, source, parameters }) => {
    expect(parameters.map(({ name }) => name).toSorted()).toEqual(
      parameterNames(sql, source).toSorted(),
    )
  },
)
