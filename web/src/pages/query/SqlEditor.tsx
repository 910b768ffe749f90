import type { QueryRelation, QuerySource } from '@corroport/contracts'
import { useEffect, useEffectEvent, useId, useRef, useState } from 'react'
import type * as CodeEditors from './code-editor.ts'
import type { Span } from './statement-place.ts'

interface SqlEditorProps {
  text: string
  source: QuerySource
  relations: readonly QueryRelation[]
  /** What is wrong with the statement, and where. */
  error: string | undefined
  span: Span | undefined
  onChange: (text: string) => void
  onRun: () => void
}

/** A text area until the editor has come, and where it does not come. */
export function SqlEditor(props: SqlEditorProps) {
  const { text, source, relations, error, span } = props
  const area = useRef<HTMLTextAreaElement>(null)
  const host = useRef<HTMLDivElement>(null)
  const [loaded, setLoaded] = useState<{
    module: typeof CodeEditors
    selection: Span | undefined
  }>()
  const [editor, setEditor] = useState<CodeEditors.CodeEditor>()
  const id = useId()
  const onChange = useEffectEvent(props.onChange)
  const onRun = useEffectEvent(props.onRun)
  const currentText = useEffectEvent(() => text)

  useEffect(() => {
    let isGone = false
    const load = async (): Promise<void> => {
      const module = await import('./code-editor.ts')
      if (!isGone) setLoaded({ module, selection: selectionOf(area.current) })
    }
    load().catch(() => undefined) // the text area does without
    return () => {
      isGone = true
    }
  }, [])

  useEffect(() => {
    if (!loaded || !host.current) return undefined
    const made = loaded.module.createCodeEditor({
      host: host.current,
      label: 'Statement in SQL',
      text: currentText(),
      onChange: (next) => onChange(next),
      onRun: () => onRun(),
    })
    if (loaded.selection) made.focus(loaded.selection)
    setEditor(made)
    return () => {
      made.destroy()
      setEditor(undefined)
    }
  }, [loaded])

  useEffect(() => editor?.setText(text), [editor, text])
  useEffect(() => editor?.setLanguage(source, relations), [editor, source, relations])
  const [from, to] = [span?.from, span?.to]
  useEffect(() => {
    editor?.mark(from === undefined || to === undefined ? undefined : { from, to })
  }, [editor, from, to])

  return (
    <div className={error === undefined ? 'field' : 'field wrong'}>
      {loaded ? (
        <>
          <span className="query-label" aria-hidden="true">
            Statement
          </span>
          <div className="query-editor" ref={host} />
        </>
      ) : (
        <>
          <label htmlFor={id}>Statement</label>
          <textarea
            id={id}
            ref={area}
            className="query-area"
            rows={7}
            spellCheck={false}
            value={text}
            aria-invalid={error !== undefined}
            aria-describedby={`${id}-error`}
            onChange={({ target }) => props.onChange(target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
              event.preventDefault()
              props.onRun()
            }}
          />
        </>
      )}
      <p className="hint">
        <kbd>Ctrl Enter</kbd> runs, <kbd>Ctrl Space</kbd> completes, <kbd>Tab</kbd> leaves the
        editor.
      </p>
      <p className="error" id={`${id}-error`} role="alert">
        {error}
      </p>
    </div>
  )
}

/** Where somebody is typing already. */
function selectionOf(area: HTMLTextAreaElement | null): Span | undefined {
  if (!area || document.activeElement !== area) return undefined
  return { from: area.selectionStart, to: area.selectionEnd }
}
