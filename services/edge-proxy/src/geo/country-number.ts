const letters = 26
const first = 'A'.charCodeAt(0)

/** A two-letter code as a number; -1: none. */
export function countryNumber(code: string | undefined): number {
  if (code === undefined || !/^[A-Z]{2}$/.test(code)) return -1
  return (code.charCodeAt(0) - first) * letters + code.charCodeAt(1) - first
}
