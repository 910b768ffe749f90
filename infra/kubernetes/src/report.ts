import type { Proof, StepResult } from './prove.ts'

const shown = 5

/** Tables for people, and whether everything is as it must be. */
export function reportOf(proof: Proof): { table: string; isMet: boolean } {
  const { readySeconds, steps, account, answered, cutOff, moved } = proof
  const stepRows = steps.map((step) => ({ step, isMet: isStepMet(step) }))
  const { accepted, lostMessages, surplusMessages, toldTwice, lostAcks, rowsOnEach } = account
  const facts: readonly (readonly [name: string, measured: string, isMet: boolean])[] = [
    ['apply until ready', `${readySeconds.toFixed(0)} s`, true],
    ['messages answered as written', String(answered), answered > 0],
    ['messages stored as accepted', String(accepted), accepted > 0],
    ['lost messages', listed(lostMessages), lostMessages.length === 0],
    [
      `messages without an answer, of ${cutOff} calls that were cut off`,
      listed(surplusMessages),
      surplusMessages.length <= cutOff,
    ],
    ['facts counted twice', listed(toldTwice), toldTwice.length === 0],
    ['lost acknowledgements', listed(lostAcks), lostAcks.length === 0],
    ['every record stored or named', String(account.isLedgerBalanced), account.isLedgerBalanced],
    ['all nodes hold the same rows', String(account.isConverged), account.isConverged],
    ['messages on each node', String(rowsOnEach), rowsOnEach === accepted],
    ['nodes and volumes that changed places', listed(moved), moved.length === 0],
  ]
  const remarks = steps.flatMap(({ name, failures, cutOff: cut, setbacks }) =>
    Object.entries({ failed: failures, 'cut off': cut, 'made again after': setbacks }).flatMap(
      ([what, said]) => summarized(said).map((line) => `- ${name}, ${what}: ${line}`),
    ),
  )
  const table = [
    '| step | s | calls | failed | cut off | made again | met |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...stepRows.map(({ step, isMet }) => `| ${cellsOf(step).join(' | ')} | ${verdict(isMet)} |`),
    '',
    '| figure | measured | met |',
    '| --- | --- | --- |',
    ...facts.map(([name, measured, isMet]) => `| ${name} | ${measured} | ${verdict(isMet)} |`),
    '',
    ...remarks,
  ].join('\n')
  return {
    table,
    isMet: stepRows.every(({ isMet }) => isMet) && facts.every(([, , isMet]) => isMet),
  }
}

function isStepMet({ toll, failures, cutOff, setbacks }: StepResult): boolean {
  if (failures.length > 0) return false
  if (cutOff.length > 0 && toll !== 'cut off') return false
  return setbacks.length === 0 || toll !== 'none'
}

function cellsOf({ name, seconds, calls, failures, cutOff, setbacks }: StepResult) {
  return [name, seconds.toFixed(0), calls, failures.length, cutOff.length, setbacks.length]
}

/** Each kind of answer once; ids and times make them differ. */
function summarized(said: readonly string[]): string[] {
  const kinds = Map.groupBy(said, (text) =>
    text.replaceAll(/[0-9A-Z]{26}|\d{4}-\d\d-\S+|\d+/g, '…'),
  )
  return [...kinds.values()]
    .slice(0, shown)
    .map((alike) => `${alike.length} × ${alike[0]?.slice(0, 400)}`)
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return '0'
  return `${names.length}: ${names.slice(0, shown).join(', ')}`
}

function verdict(isMet: boolean): string {
  return isMet ? 'yes' : '**no**'
}
