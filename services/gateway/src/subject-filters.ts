import { ProblemError } from './errors.ts'

const filterForm = /^[^\s.,]+(\.[^\s.,]+)*$/
const mostFilters = 50

/** A list of filters as of NATS, with commas. */
export function readFilters(list: string): string[] {
  const filters = list.split(',').map((filter) => filter.trim())
  const malformed = filters.find(
    (filter) => !filterForm.test(filter) || filter.slice(0, -1).includes('>'),
  )
  if (malformed !== undefined) {
    throw new ProblemError(400, `subjects: ${JSON.stringify(malformed)} is not a filter of NATS`)
  }
  if (filters.length > mostFilters) {
    throw new ProblemError(400, `subjects: ${filters.length} filters are more than ${mostFilters}`)
  }
  return filters
}
