import { expect, test } from '@jest/globals'
import { createHearing } from './hearing.ts'

/** Whether it is sure after each look, a second apart; `ages` of the node's own last word. */
function sureAfter(ages: (number | undefined)[]): boolean[] {
  let age: number | undefined
  const hearing = createHearing(() => age)
  return ages.map((next, second) => {
    age = next
    hearing.look(second * 1000)
    return hearing.isSure
  })
}

test.each([
  ['heard for two seconds', [1000, 1000, 1000], [false, false, true]],
  ['never heard', [undefined, undefined, undefined, undefined], [false, false, false, false]],
  [
    'silent for less than a node that is lost',
    [1000, 1000, 1000, 1900],
    [false, false, true, false],
  ],
  [
    'back for less than the others need to speak again',
    [1000, 1000, 1000, 5000, 500, 1000, 1000],
    [false, false, true, false, false, false, true],
  ],
])('%s', (_, ages, sure) => {
  expect(sureAfter(ages)).toEqual(sure)
})
