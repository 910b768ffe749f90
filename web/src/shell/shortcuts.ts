import { useEffect, useEffectEvent } from 'react'

interface Shortcuts {
  /** The key after `g`. */
  onGo: (key: string) => void
  onPalette: () => void
  onHelp: () => void
}

const goWithinMs = 1500

/** Keys of all pages; while somebody types into a field they are letters. */
export function useShortcuts({ onGo, onPalette, onHelp }: Shortcuts): void {
  const go = useEffectEvent(onGo)
  const openPalette = useEffectEvent(onPalette)
  const openHelp = useEffectEvent(onHelp)
  useEffect(() => {
    let goUntil = 0
    const listener = (event: KeyboardEvent): void => {
      const isCommand = event.ctrlKey || event.metaKey
      if (isCommand && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        openPalette()
        return
      }
      if (isCommand || event.altKey || isTyping(event)) return
      if (event.timeStamp < goUntil) {
        goUntil = 0
        go(event.key)
      } else if (event.key === 'g') {
        goUntil = event.timeStamp + goWithinMs
      } else if (event.key === '/') {
        event.preventDefault()
        openPalette()
      } else if (event.key === '?') {
        openHelp()
      }
    }
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
}

function isTyping(event: KeyboardEvent): boolean {
  // Of an editor in a shadow tree the event's own target is only the host.
  const [target] = event.composedPath()
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable ||
    target.closest('dialog') !== null ||
    ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
  )
}
