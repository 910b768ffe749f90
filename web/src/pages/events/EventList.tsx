import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, memo, useEffect, useRef } from 'react'
import { EventRow } from './EventRow.tsx'
import type { LoggedEvent } from './event-log.ts'

interface EventListProps {
  events: readonly LoggedEvent[]
  /** The one that is shown whole. */
  openId: number | undefined
  onOpen: (id: number | undefined) => void
  /** Whether somebody reads: further down, or with the keys. */
  onReading: (isReading: boolean) => void
  /** Counts up when the newest is to be seen. */
  returns: number
}

// Fixed, so that nothing is measured while hundreds of events come. As in events.css.
const lineHeight = 32
const openHeight = 352

/**
 * Events, newest first; only those in sight are in the page. Kept as it is while what it shows is held:
 * each frame then only counts what waits.
 */
export const EventList = memo(function EventList(props: EventListProps) {
  const { events, openId, onOpen, onReading, returns } = props
  const scroller = useRef<HTMLElement>(null)
  const hasKeys = useRef(false)
  const virtualizer = useVirtualizer({
    count: events.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (events[index]?.id === openId ? openHeight : lineHeight),
    getItemKey: (index) => events[index]?.id ?? index,
    overscan: 8,
  })
  useEffect(() => virtualizer.measure(), [openId, virtualizer])
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 })
  }, [returns])
  useEffect(
    () => () => {
      // A list that is away is read by nobody.
      onReading(false)
      onOpen(undefined)
    },
    [onReading, onOpen],
  )
  const tell = (): void => onReading(hasKeys.current || (scroller.current?.scrollTop ?? 0) > 0)

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- its rows take them
    <section
      className="events-list"
      ref={scroller}
      aria-label="Events, newest first"
      tabIndex={0}
      onScroll={tell}
      onFocus={({ target }) => {
        hasKeys.current = target !== scroller.current && target.matches(':focus-visible')
        tell()
      }}
      onBlur={() => {
        hasKeys.current = false
        tell()
      }}
      onKeyDown={moveBetweenLines}
    >
      <ol style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map(({ index, key, start }) => {
          const event = events[index]
          if (!event) return null
          const isOpen = event.id === openId
          return (
            <li
              key={key}
              aria-setsize={events.length}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${start}px)` }}
            >
              <EventRow
                event={event}
                isOpen={isOpen}
                onToggle={() => onOpen(isOpen ? undefined : event.id)}
              />
            </li>
          )
        })}
      </ol>
    </section>
  )
})

/** From the list itself to the first line in sight, from a line to its neighbour. */
function moveBetweenLines(event: KeyboardEvent<HTMLElement>): void {
  const { key, currentTarget: list, target: from } = event
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return
  if (!(from instanceof HTMLElement)) return
  const line = from.closest('li')
  const neighbour = key === 'ArrowDown' ? line?.nextElementSibling : line?.previousElementSibling
  const next = from === list && key === 'ArrowDown' ? firstInSight(list) : neighbour
  const target = next?.querySelector<HTMLElement>('button')
  if (!target) return
  event.preventDefault()
  target.focus()
}

function firstInSight(list: HTMLElement): Element | undefined {
  const { top } = list.getBoundingClientRect()
  return [...list.querySelectorAll('li')].find((line) => line.getBoundingClientRect().top >= top)
}
