import { expect, test } from '@jest/globals'
import { parameterNames, parameterProblems } from './query-parameters.ts'

test.each([
  ['SELECT :a, @b, $c, :a', ['a', 'b', 'c']],
  ['SELECT \':a\', ":b", `:c`, [:d], :e -- :f\n /* :g */', ['e']],
  ["SELECT 'it''s :a', :b /* not closed :c", ['b']],
  ['SELECT ?, ?2', []],
  ['SELECT :größe', ['größe']],
])('the names of %s, as SQLite has them', (sql, names) => {
  expect(parameterNames(sql, 'corrosion')).toEqual(names)
})

test.each([
  ["SELECT :a, x::text, ':b', \":c\", E'\\':d', :e::int", ['a', 'e']],
  ['SELECT $$ :a $$, $tag$ :b $$ :c $tag$, :d', ['d']],
  ['/* :a /* :b */ :c */ SELECT :d -- :e', ['d']],
  ['SELECT a[1:2], a[1 : n], $1, b$c', []],
  ['SELECT x:=1, $$ not closed :a', []],
  ["SELECT 'not closed :a", ['a']],
])('the names of %s, as Postgres has them', (sql, names) => {
  expect(parameterNames(sql, 'analytics')).toEqual(names)
})

test('values that are missing and values that are unknown are all named', () => {
  const params = JSON.parse('{"b":1,"constructor":2,"__proto__":3}')

  expect(parameterProblems('SELECT :a, :b, :toString', 'corrosion', params)).toEqual([
    'parameter a has no value',
    'parameter toString has no value',
    'parameter constructor is not in the statement',
    'parameter __proto__ is not in the statement',
  ])
})

test('names and positions are not mixed where the engine could not tell them apart', () => {
  expect(parameterProblems('SELECT ?, :a', 'corrosion', { a: 1 })).toHaveLength(1)
  expect(parameterProblems('SELECT :a', 'analytics', [1])).toHaveLength(1)
  expect(parameterProblems('SELECT :a', 'corrosion', [1])).toEqual([])
  expect(parameterProblems('SELECT $1', 'analytics', [1])).toEqual([])
  expect(parameterProblems('SELECT 1', 'analytics', {})).toEqual([])
})
