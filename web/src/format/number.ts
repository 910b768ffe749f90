const whole = new Intl.NumberFormat('en-US')

/** 1,042 */
export function formatCount(count: number): string {
  return whole.format(count)
}

/** 1.4 MiB */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

/** Between ticks of an axis of bytes: of decimal ones each would be `95.4 MiB`. */
export const byteIncrements: readonly number[] = Array.from(
  { length: 51 },
  (_, power) => 2 ** power,
)
