import type { DiagnosisReply } from '@corroport/contracts'
import { formatDuration } from './duration.ts'
import { printTable } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Prints each step and, last, whether all of them work. */
export function printDiagnosis(
  nodeId: string,
  { steps }: Pick<DiagnosisReply, 'steps'>,
  terminal: Terminal,
): void {
  printTable(
    ['', 'STEP', 'TOOK', 'DETAIL'],
    steps.map(({ ok, step, durationMs, detail }) => [
      ok ? { text: 'ok', style: 'green' } : { text: 'FAIL', style: 'red' },
      step,
      durationMs === undefined ? '' : formatDuration(durationMs),
      detail,
    ]),
    terminal,
  )
  const failed = steps.filter(({ ok }) => !ok).length
  const verdict = failed === 0 ? 'every step works' : `${failed} of ${steps.length} steps fail`
  terminal.print(`${nodeId}: ${verdict}`)
}
