import type { ReactNode } from 'react'

export interface Figure {
  label: string
  /** Null: not known. */
  value: ReactNode
  note?: ReactNode
}

/** Names and values side by side, as many as fit. */
export function Figures({ of }: { of: readonly Figure[] }) {
  return (
    <dl className="figures">
      {of.map(({ label, value, note }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {value ?? <span className="aside">not known</span>}
            {note !== undefined && <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
