import { createContext, useContext, useEffect, useEffectEvent, useSyncExternalStore } from 'react'
import type { Live, LiveState, LiveWish, NamedEvent } from './live.ts'

export const LiveContext = createContext<Live | undefined>(undefined)

export function useLive(): Live {
  const live = useContext(LiveContext)
  if (!live) throw new Error('unreachable: a page outside of LiveContext')
  return live
}

export function useLiveState(): LiveState {
  const live = useLive()
  return useSyncExternalStore(live.onChange, live.read)
}

/** Calls back before a frame is painted with the events that came since the one before. */
export function useLiveEvents(wish: LiveWish, onEvents: (events: NamedEvent[]) => void): void {
  const live = useLive()
  const listener = useEffectEvent(onEvents)
  const { topics = [], subjects, rate } = wish
  const topicList = topics.join(',')
  useEffect(() => {
    const wanted = {
      topics: topicList.split(',').filter((topic) => topic !== '') as NonNullable<
        LiveWish['topics']
      >,
      ...(subjects === undefined ? {} : { subjects }),
      ...(rate === undefined ? {} : { rate }),
    }
    return live.hear(wanted, (events) => listener(events))
  }, [live, topicList, subjects, rate])
}
