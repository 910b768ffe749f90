import { isVolumeFull } from '@corroport/bus'
import type { Logger } from 'pino'
import type { Confirmed, Receipts } from './receipts.ts'

const gatherMs = 20

export interface Confirmations extends Disposable {
  add(confirmed: Confirmed): void
}

/**
 * Notes what origins have confirmed, all of one moment in one commit: a commit for each was a tenth
 * of a busy node's time. What a killed process had not noted is sent again, which changes nothing.
 */
export function createConfirmations(receipts: Receipts, log: Logger): Confirmations {
  let gathered: Confirmed[] = []
  let timer: NodeJS.Timeout | undefined

  const note = (): void => {
    timer = undefined
    try {
      receipts.confirm(gathered)
      gathered = []
    } catch (err) {
      // Of a full volume its state file has told.
      if (!isVolumeFull(err))
        log.error({ err, count: gathered.length }, 'confirmations not stored, trying again')
      timer = setTimeout(note, 1000)
    }
  }

  return {
    add(confirmed) {
      gathered.push(confirmed)
      timer ??= setTimeout(note, gatherMs)
    },
    [Symbol.dispose]() {
      clearTimeout(timer)
      if (gathered.length > 0) receipts.confirm(gathered)
    },
  }
}
