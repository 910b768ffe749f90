import { queryLimits } from '@corroport/contracts'
import { useState } from 'react'
import { Field } from '../../components/Field.tsx'
import { formatCount } from '../../format/number.ts'
import type { QueryChange, QuerySearch } from './search.ts'

interface LimitsProps {
  draft: QuerySearch
  onChange: (part: QueryChange) => void
}

/** Bounds of the answer, and how rows of several nodes are matched. */
export function Limits({ draft, onChange }: LimitsProps) {
  const { rows, timeoutMs } = queryLimits
  return (
    <div className="query-limits">
      <Bounded
        label="Rows at most"
        bounds={rows}
        value={draft.rows}
        onChange={(value) => onChange({ rows: value })}
      />
      <Bounded
        label="Time at most, ms"
        bounds={timeoutMs}
        value={draft.timeout}
        onChange={(value) => onChange({ timeout: value })}
      />
      {draft.nodes !== undefined && draft.source === undefined && (
        <Field
          label="Match rows by"
          hint="columns with commas; empty: the first that tell rows apart"
          value={draft.key ?? ''}
          onChange={({ target }) => onChange({ key: target.value })}
        />
      )}
    </div>
  )
}

interface BoundedProps {
  label: string
  bounds: { least: number; default: number; most: number }
  value: number | undefined
  onChange: (value: number | undefined) => void
}

/** A whole number in its bounds; what is not, stays as it was typed, beside what would be right. */
function Bounded({ label, bounds, value, onChange }: BoundedProps) {
  const { least, default: usual, most } = bounds
  const [text, setText] = useState(value === undefined ? '' : String(value))
  const [known, setKnown] = useState(value)
  if (value !== known) {
    setKnown(value)
    if (value !== readBounded(text, bounds)) setText(value === undefined ? '' : String(value))
  }
  const isWrong = text !== '' && readBounded(text, bounds) === undefined
  return (
    <Field
      label={label}
      inputMode="numeric"
      placeholder={String(usual)}
      value={text}
      error={isWrong ? `a whole number from ${least} to ${formatCount(most)}` : undefined}
      onChange={({ target }) => {
        setText(target.value)
        onChange(readBounded(target.value, bounds))
      }}
    />
  )
}

function readBounded(text: string, { least, most }: BoundedProps['bounds']): number | undefined {
  const number = Number(text)
  return /^\d+$/.test(text) && number >= least && number <= most ? number : undefined
}
