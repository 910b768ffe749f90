import type { DeadLettersReply } from '@corroport/contracts'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { Table } from '../../components/Table.tsx'
import { formatCount } from '../../format/number.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { useRefusal } from '../../shell/refusal.ts'
import { type Asked, AskLetters } from './AskLetters.tsx'
import { Letter } from './Letter.tsx'
import { choiceColumn, letterColumns } from './letter-columns.tsx'

const everyMs = 10_000

/** What handlers refused for ever: looked into, told again, or thrown away. */
export function DeadLetters() {
  const { before, letter } = useSearch({ from: '/operations' })
  const navigate = useNavigate({ from: '/operations' })
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set())
  const [asked, setAsked] = useState<Asked>()
  const queryKey = ['dead-letters', before]
  const query = useQuery({
    queryKey,
    queryFn: () => gateway.deadLetters(before),
    refetchInterval: everyMs,
    placeholderData: keepPreviousData,
  })
  useRefetchOn({ topics: ['operations'] }, queryKey, ({ subject }) =>
    subject.startsWith('corro.dead.'),
  )
  const choose = (sequences: readonly number[], isChosen: boolean): void =>
    setChosen((old) => {
      const next = new Set(old)
      for (const sequence of sequences) {
        if (isChosen) next.add(sequence)
        else next.delete(sequence)
      }
      return next
    })
  const settle = (done: readonly number[]): void => {
    choose(done, false)
    // What was refused may be tried again, and nothing else with it.
    const left = asked?.sequences.filter((sequence) => !done.includes(sequence)) ?? []
    if (asked && left.length > 0) setAsked({ ...asked, sequences: left })
    if (letter === undefined || !done.includes(letter)) return
    void navigate({
      search: ({ letter: _letter, ...old }) => old,
      replace: true,
      resetScroll: false,
    })
  }
  return (
    <>
      {letter !== undefined && <Letter key={letter} sequence={letter} onAsk={setAsked} />}
      <DataPanel title="Dead letters" what="the dead letters" query={query} everyMs={everyMs}>
        {({ letters, total, next }) => (
          <>
            <Toolbar letters={letters} chosen={chosen} onChoose={choose} onAsk={setAsked} />
            <Table
              caption="Dead letters, newest first"
              file="dead-letters"
              columns={[choiceColumn(chosen, choose), ...letterColumns]}
              rows={letters}
              keyOf={({ sequence }) => String(sequence)}
              isMarked={({ sequence }) => sequence === letter}
              empty={
                before === undefined
                  ? 'None: no handler refused a record for good.'
                  : 'There are no older ones.'
              }
            />
            <p className="hint">
              {formatCount(letters.length)} of n = {formatCount(total)}.{' '}
              {before !== undefined && <PageLink title="Newest" />}{' '}
              {next !== null && <PageLink title="Older" before={next} />}
            </p>
          </>
        )}
      </DataPanel>
      {asked && <AskLetters {...asked} onDone={settle} onClose={() => setAsked(undefined)} />}
    </>
  )
}

interface ToolbarProps {
  letters: DeadLettersReply['letters']
  chosen: ReadonlySet<number>
  onChoose: (sequences: readonly number[], isChosen: boolean) => void
  onAsk: (asked: Asked) => void
}

function Toolbar({ letters, chosen, onChoose, onAsk }: ToolbarProps) {
  const refusal = useRefusal('operator')
  if (letters.length === 0) return null
  const here = letters.map(({ sequence }) => sequence)
  // What others redrove meanwhile is not asked for again.
  const sequences = here.filter((sequence) => chosen.has(sequence))
  const isMore = sequences.length < here.length
  return (
    <div className="toolbar">
      <button type="button" onClick={() => onChoose(here, isMore)}>
        {isMore ? 'Choose all' : 'Choose none'}
      </button>
      {(['redrive', 'delete'] as const).map((action) => (
        <button
          key={action}
          type="button"
          className={action === 'delete' ? 'danger' : 'primary'}
          disabled={sequences.length === 0 || refusal !== undefined}
          title={refusal}
          onClick={() => onAsk({ action, sequences })}
        >
          {action === 'redrive' ? 'Redrive' : 'Delete'} chosen ({sequences.length}) …
        </button>
      ))}
    </div>
  )
}

function PageLink({ title, before }: { title: string; before?: number }) {
  return (
    <Link
      from="/operations"
      to="."
      search={({ before: _before, ...old }) => (before === undefined ? old : { ...old, before })}
    >
      {title}
    </Link>
  )
}
