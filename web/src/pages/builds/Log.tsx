import type { BuildLogLine } from '@corroport/contracts'
import { useEffect, useRef, useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { ErrorNote } from '../../components/Notice.tsx'
import { isOpen } from './build-text.ts'

const everyMs = 1000
const keptLines = 5000

/** The end of the log of a build, as it is written. */
export function Log({ id }: { id: string }) {
  const { lines, first, failure } = useLog(id)
  const box = useRef<HTMLPreElement>(null)
  const isAtEnd = useRef(true)
  const newest = lines.at(-1)?.number

  useEffect(() => {
    // Whoever has scrolled up reads there.
    if (newest !== undefined && isAtEnd.current) box.current?.scrollTo(0, box.current.scrollHeight)
  }, [newest])

  if (lines.length === 0 && failure === undefined) return <p className="aside">Nothing yet.</p>
  return (
    <>
      {failure !== undefined && <ErrorNote error={failure} what="the log" />}
      {first > 1 && (
        <p className="hint">
          The last {lines.length} lines. All of it: <code>npx corroport builds log {id}</code>
        </p>
      )}
      <section aria-label={`Log of build ${id}`}>
        <pre
          ref={box}
          className="log"
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls
          tabIndex={0}
          onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
            isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 20
          }}
        >
          {lines.map(({ number, level, message }) => (
            <span key={number} className={level}>
              {message}
              {'\n'}
            </span>
          ))}
        </pre>
      </section>
    </>
  )
}

function useLog(id: string) {
  const [lines, setLines] = useState<BuildLogLine[]>([])
  const [failure, setFailure] = useState<unknown>()
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isOver = false
    let after = 0
    const look = async (): Promise<void> => {
      let isComplete = false
      try {
        const { lines: more, status } = await gateway.buildLog(id, after)
        if (isOver) return
        setFailure(undefined)
        after = more.at(-1)?.number ?? after
        if (more.length > 0) setLines((old) => [...old, ...more].slice(-keptLines))
        isComplete = more.length === 0 && (status === null || !isOpen({ status }))
        if (more.length > 0) return void look()
      } catch (error) {
        if (!isOver) setFailure(error)
      }
      if (!isComplete && !isOver) timer = setTimeout(() => void look(), everyMs)
    }
    void look()
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [id])
  return { lines, first: lines[0]?.number ?? 1, failure }
}
