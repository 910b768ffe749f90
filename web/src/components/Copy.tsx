import { useState } from 'react'

/** Puts a text on the clipboard, and says so where one looks. */
export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [said, setSaid] = useState('')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('copied')
    } catch {
      setSaid('the browser refused') // without https, or without the permission
    }
    setTimeout(() => setSaid(''), 2000)
  }
  return (
    <button type="button" className="quiet" onClick={() => void copy()}>
      {said || label}
    </button>
  )
}
