import type { DeadLetter } from '@corroport/contracts'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { figureColumn } from '../../components/figure-column.ts'
import { DataPanel } from '../../components/Panel.tsx'
import { type Column, Table } from '../../components/Table.tsx'
import { Time } from '../../components/Time.tsx'
import { toast } from '../../components/toasts.ts'
import { formatBytes, formatCount } from '../../format/number.ts'
import { useRefetchOn } from '../../live/useRefetchOn.ts'
import { actOnEach } from './act-on-each.ts'
import { Letter } from './Letter.tsx'

const everyMs = 10_000

interface Asked {
  action: 'redrive' | 'delete'
  sequences: readonly number[]
}

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
  return (
    <>
      {letter !== undefined && <Letter key={letter} sequence={letter} onAsk={setAsked} />}
      <DataPanel title="Dead letters" what="the dead letters" query={query} everyMs={everyMs}>
        {({ letters, total, next }) => {
          const here = letters.map(({ sequence }) => sequence)
          // What others redrove meanwhile is not asked for again.
          const sequences = here.filter((sequence) => chosen.has(sequence))
          return (
            <>
              {letters.length > 0 && (
                <div className="toolbar">
                  <button
                    type="button"
                    onClick={() => choose(here, sequences.length < here.length)}
                  >
                    {sequences.length < here.length ? 'Choose all' : 'Choose none'}
                  </button>
                  {(['redrive', 'delete'] as const).map((action) => (
                    <button
                      key={action}
                      type="button"
                      className={action === 'delete' ? 'danger' : 'primary'}
                      disabled={sequences.length === 0}
                      onClick={() => setAsked({ action, sequences })}
                    >
                      {action === 'redrive' ? 'Redrive' : 'Delete'} chosen ({sequences.length}) …
                    </button>
                  ))}
                </div>
              )}
              <Table
                caption="Dead letters, newest first"
                file="dead-letters"
                columns={[choiceColumn(chosen, choose), ...columns]}
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
          )
        }}
      </DataPanel>
      {asked && (
        <Ask
          {...asked}
          onDone={(done) => {
            choose(done, false)
            if (letter !== undefined && done.includes(letter)) {
              void navigate({ search: ({ letter: _letter, ...old }) => old, replace: true })
            }
          }}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
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

interface AskProps extends Asked {
  onDone: (sequences: number[]) => void
  onClose: () => void
}

function Ask({ action, sequences, onDone, onClose }: AskProps) {
  const queries = useQueryClient()
  const count = sequences.length
  const letters = count === 1 ? 'the letter' : `${count} letters`
  const isDelete = action === 'delete'
  const act = async (): Promise<void> => {
    const ask = isDelete ? gateway.deleteDeadLetter : gateway.redrive
    const { done, refused } = await actOnEach(sequences, ask)
    onDone(done)
    await queries.invalidateQueries({ queryKey: ['dead-letters'] })
    const [first] = refused
    if (first)
      throw new Error(`${done.length} of ${count} done; letter ${first.sequence}: ${first.reason}`)
    toast('good', `${letters} ${isDelete ? 'deleted' : 'redriven'}`)
  }
  return (
    <Confirm
      title={`${isDelete ? 'Delete' : 'Redrive'} ${letters}`}
      action={isDelete ? 'Delete' : 'Redrive'}
      isDangerous={isDelete}
      {...(isDelete && count > 1 ? { typed: `delete ${count}` } : {})}
      onConfirm={act}
      onClose={onClose}
    >
      {isDelete ? (
        <p>The record is gone then, with the reason why it was refused. It cannot be undone.</p>
      ) : (
        <p>
          The record is told once more under its subject; every service that hears it handles it
          again, as if it were new. What made its handler refuse it should be mended first.
        </p>
      )}
    </Confirm>
  )
}

function choiceColumn(
  chosen: ReadonlySet<number>,
  choose: (sequences: readonly number[], isChosen: boolean) => void,
): Column<DeadLetter> {
  return {
    id: 'chosen',
    title: 'Choose',
    cell: ({ sequence }) => (
      <input
        type="checkbox"
        className="operations-choice"
        aria-label={`Choose letter ${sequence}`}
        checked={chosen.has(sequence)}
        onChange={({ target }) => choose([sequence], target.checked)}
      />
    ),
  }
}

const columns: Column<DeadLetter>[] = [
  {
    id: 'dead_at',
    title: 'When',
    value: ({ dead_at }) => dead_at,
    cell: ({ dead_at }) => <Time at={dead_at} withDate />,
  },
  {
    id: 'service',
    title: 'Service',
    value: ({ service }) => service,
    cell: ({ service, durable }) => <span title={durable}>{service}</span>,
  },
  {
    id: 'subject',
    title: 'Subject',
    value: ({ subject }) => subject,
    cell: ({ subject, sequence }) => (
      <Link
        from="/operations"
        to="."
        search={(old) => ({ ...old, letter: sequence })}
        replace
        resetScroll={false}
      >
        <code>{subject}</code>
      </Link>
    ),
  },
  {
    id: 'reason',
    title: 'Reason',
    value: ({ reason }) => reason,
    cell: ({ reason }) => (
      <span className="operations-text" title={reason}>
        {reason.slice(0, 300)}
      </span>
    ),
  },
  figureColumn('deliveries', 'Deliveries', ({ deliveries }) => deliveries, formatCount),
  {
    id: 'size_bytes',
    title: 'Size',
    align: 'right',
    value: ({ size_bytes }) => size_bytes,
    cell: ({ size_bytes, is_whole }) => `${formatBytes(size_bytes)}${is_whole ? '' : ', cut'}`,
  },
]
