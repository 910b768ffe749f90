import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { given, type RawSearch, readText } from '../search.ts'

/** Which pictures are shown as tables; the same for all pages, in the address. */
interface TwinSearch {
  tables?: string
}

export function readTwins(raw: RawSearch): TwinSearch {
  return given({ tables: readText(raw.tables, 200) })
}

interface TwinProps {
  /** Names the picture in the address. */
  id: string
  picture: ReactNode
  table: ReactNode
}

/** A picture, and the same figures as a table. */
export function Twin({ id, picture, table }: TwinProps) {
  const { tables = '' } = useSearch({ strict: false }) as TwinSearch
  const navigate = useNavigate()
  const ids = tables.split(',').filter((each) => each !== '')
  const isTable = ids.includes(id)
  const show = (asTable: boolean): void => {
    const others = ids.filter((each) => each !== id)
    const next = asTable ? [...others, id].join(',') : others.join(',')
    void navigate({
      to: '.',
      search: ({ tables: _tables, ...rest }) => (next === '' ? rest : { ...rest, tables: next }),
      replace: true,
      resetScroll: false,
    })
  }
  return (
    <div>
      <div className="twin" role="group" aria-label="Show as">
        <button type="button" className="quiet" aria-pressed={!isTable} onClick={() => show(false)}>
          Picture
        </button>
        <button type="button" className="quiet" aria-pressed={isTable} onClick={() => show(true)}>
          Table
        </button>
      </div>
      {isTable ? table : picture}
    </div>
  )
}
