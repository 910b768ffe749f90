import { InvalidArgumentError } from 'commander'

/** For commander: `0.1%` as 0.001. */
export function parsePercent(text: string): number {
  const percent = /^\d{1,4}(\.\d{1,6})?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN
  if (Number.isNaN(percent)) throw new InvalidArgumentError('Give a share such as 0.1%.')
  return percent / 100
}
