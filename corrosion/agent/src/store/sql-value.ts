/** What SQLite holds: INTEGER is always bigint, REAL always number. */
export type SqlValue = null | bigint | number | string | Uint8Array

export type SqlRow = readonly SqlValue[]
