/** A unified diff; the signs at the beginnings of its lines say the same as the colours. */
export function Diff({ of, label }: { of: string; label: string }) {
  return (
    <pre className="diff" tabIndex={0} role="region" aria-label={label}>
      {of
        .trimEnd()
        .split('\n')
        .map((line, index) => {
          const text = `${line}\n`
          const isHead = line.startsWith('+++') || line.startsWith('---')
          // Lines repeat, and never change their places.
          if (isHead) return <b key={index}>{text}</b>
          if (line.startsWith('+')) return <ins key={index}>{text}</ins>
          if (line.startsWith('-')) return <del key={index}>{text}</del>
          return <span key={index}>{text}</span>
        })}
    </pre>
  )
}
