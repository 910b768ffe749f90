import { useSyncExternalStore } from 'react'
import { usePreferences } from '../shell/preferences.ts'

const isDark = '(prefers-color-scheme: dark)'

function onSystemChange(listener: () => void): () => void {
  const system = matchMedia(isDark)
  system.addEventListener('change', listener)
  return () => system.removeEventListener('change', listener)
}

/** Which colours are shown, for what is painted with them rather than styled. */
export function useColourScheme(): 'light' | 'dark' {
  const { theme } = usePreferences()
  const system = useSyncExternalStore(onSystemChange, () =>
    matchMedia(isDark).matches ? 'dark' : 'light',
  )
  return theme === 'system' ? system : theme
}
