import { useState } from 'react'
import { Dialog } from '../../components/Dialog.tsx'
import { formatBytes, formatCount } from '../../format/number.ts'
import { type Cell, cellText, sizeOf } from './cell.ts'

const shownCharacters = 40

/** A value so that its kind is seen: NULL is no text, bytes have a size. */
export function CellView({ cell }: { cell: Cell }) {
  if (cell === null) return <span className="query-null">NULL</span>
  const text = cellText(cell)
  if (typeof cell === 'object' && '$blob' in cell) {
    return (
      <>
        <Cut text={text} /> <small className="aside">{formatBytes(sizeOf(cell))}</small>
      </>
    )
  }
  return typeof cell === 'string' ? <Cut text={text} /> : <span className="mono">{text}</span>
}

/** A long text is shown whole on demand. */
function Cut({ text }: { text: string }) {
  const [isOpen, setOpen] = useState(false)
  if (text === '') return <span className="aside">empty text</span>
  if (text.length <= shownCharacters && !text.includes('\n')) return <span>{text}</span>
  return (
    <>
      {text.slice(0, shownCharacters)}
      <button type="button" className="quiet query-more" onClick={() => setOpen(true)}>
        … {formatCount(text.length)} characters
      </button>
      {isOpen && (
        <Dialog title="The whole value" onClose={() => setOpen(false)}>
          <pre className="query-whole">{text}</pre>
        </Dialog>
      )}
    </>
  )
}
