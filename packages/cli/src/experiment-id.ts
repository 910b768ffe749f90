import { ExperimentId } from '@corroport/contracts'
import { InvalidArgumentError } from 'commander'
import { Value } from 'typebox/value'

export function isExperimentId(text: string): boolean {
  return Value.Check(ExperimentId, text)
}

/** For commander. */
export function parseExperimentId(text: string): string {
  if (!isExperimentId(text)) {
    throw new InvalidArgumentError('Give 1 to 64 letters, digits, - or _.')
  }
  return text
}
