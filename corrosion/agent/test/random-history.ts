/** Statements on few keys, so that nearly every one meets another. */
export const historySchema = `
CREATE TABLE pair (a TEXT NOT NULL, b INTEGER NOT NULL, x TEXT NOT NULL DEFAULT 'd', y, z REAL, PRIMARY KEY (a, b));
CREATE TABLE flag (id INTEGER NOT NULL PRIMARY KEY);
CREATE TABLE note (id TEXT NOT NULL PRIMARY KEY, v, w TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
`

export const historyTables: Readonly<Record<string, readonly string[]>> = {
  pair: ['a', 'b'],
  flag: ['id'],
  note: ['id'],
}

export type Random = () => number

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

const values =
  "1 2 1.5 1.0 0 -1 9007199254740993 -9223372036854775808 NULL 'text' '' '1' x'00ff' x''".split(' ')

export function randomStatement(random: Random): string {
  const one = <Item>(...items: readonly Item[]): Item => pick(random, items)
  const value = (): string => pick(random, values)
  const a = one("'p'", "'q'")
  const b = one(1, 2, 3)
  const here = `a = ${a} AND b = ${b}`
  const id = (): string => one("'i'", "'j'")
  const make = one(
    () =>
      `INSERT OR IGNORE INTO pair (a, b, x, y) VALUES (${a}, ${b}, ${one("'x'", "'y'")}, ${value()})`,
    () => `INSERT OR IGNORE INTO pair (a, b) VALUES (${a}, ${b})`,
    () => `UPDATE pair SET x = ${one("'k'", "'l'", "'m'")} WHERE ${here}`,
    () => `UPDATE pair SET y = ${value()} WHERE ${here}`,
    () => `UPDATE pair SET y = ${value()}, z = ${one('1', '2.5', '-3')} WHERE ${here}`,
    () => `UPDATE pair SET x = ${one("'r'", "'s'")} WHERE b >= ${b}`,
    () => `DELETE FROM pair WHERE ${here}`,
    () => `INSERT OR REPLACE INTO pair (a, b, y) VALUES (${a}, ${b}, ${value()})`,
    () =>
      `INSERT INTO pair (a, b, y) VALUES (${a}, ${b}, ${value()}) ON CONFLICT (a, b) DO UPDATE SET y = excluded.y`,
    () => `UPDATE OR REPLACE pair SET b = ${one(1, 2, 3, 4)} WHERE ${here}`,
    () => `INSERT OR IGNORE INTO flag VALUES (${b})`,
    () => `DELETE FROM flag WHERE id = ${b}`,
    () => `UPDATE OR REPLACE flag SET id = ${one(1, 2, 3)} WHERE id = ${b}`,
    () => `INSERT OR IGNORE INTO note (id, v) VALUES (${id()}, ${value()})`,
    () => `UPDATE note SET v = ${value()} WHERE id = ${id()}`,
    () => `DELETE FROM note WHERE id = ${id()}`,
    () => `UPDATE OR REPLACE note SET id = ${id()} WHERE id = ${id()}`,
  )
  return make()
}

/** Rows and clock of every table, in an order of their own: equal text is equal content. */
export function contentQueries(): string[] {
  return Object.entries(historyTables).flatMap(([table, keys]) => [
    `SELECT '${table}', * FROM ${table} ORDER BY ${keys.join(', ')}`,
    `SELECT '${table} clock', ${keys.map((key) => `p.${key}`).join(', ')}, c.col_name, c.col_version,
       c.db_version, lower(hex(s.site_id)), c.seq, c.ts
     FROM ${table}__crsql_clock c JOIN ${table}__crsql_pks p ON p.__crsql_key = c.key
     JOIN crsql_site_id s ON s.ordinal = c.site_id
     ORDER BY ${keys.map((key) => `p.${key}`).join(', ')}, c.col_name`,
  ])
}
