import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { PostgreSQL, SQLite, sql } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import {
  Compartment,
  EditorState,
  type Extension,
  StateEffect,
  StateField,
} from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView, keymap, lineNumbers } from '@codemirror/view'
import type { QueryRelation, QuerySource } from '@corroport/contracts'
import { tags } from '@lezer/highlight'
import type { Span } from './statement-place.ts'

interface CodeEditorOptions {
  host: HTMLElement
  label: string
  text: string
  onChange: (text: string) => void
  onRun: () => void
}

export interface CodeEditor {
  /** Does nothing when the text is the same, so that the place of the cursor stays. */
  setText(text: string): void
  setLanguage(source: QuerySource, relations: readonly QueryRelation[]): void
  mark(span: Span | undefined): void
  focus(selection: Span): void
  destroy(): void
}

const setMark = StateEffect.define<Span | undefined>()
const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, { changes, effects }) {
    let next = before.map(changes)
    for (const effect of effects) if (effect.is(setMark)) next = markOf(effect.value)
    return next
  },
  provide: (field) => EditorView.decorations.from(field),
})

function markOf(span: Span | undefined): DecorationSet {
  if (!span || span.from === span.to) return Decoration.none
  return Decoration.set([Decoration.mark({ class: 'wrong' }).range(span.from, span.to)])
}

const highlighting = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--series-1)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--series-3)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--series-2)' },
  { tag: tags.typeName, color: 'var(--series-5)' },
  { tag: tags.comment, color: 'var(--faint)', fontStyle: 'italic' },
  { tag: tags.special(tags.name), color: 'var(--series-4)' },
])

// Colours are those of the page, which reach into the shadow tree and change with its theme.
const theme = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'var(--ground)', fontSize: '0.93rem' },
  '&.cm-focused': { outline: '2px solid var(--accent)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5', maxHeight: '24rem' },
  '.cm-content': { caretColor: 'var(--text)', minHeight: '8rem', padding: '0.5rem 0' },
  '.cm-gutters': {
    color: 'var(--faint)',
    backgroundColor: 'var(--raised)',
    borderRight: '1px solid var(--line)',
  },
  '.cm-content ::selection': { backgroundColor: 'var(--accent-ground)', color: 'var(--text)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--info-ground)' },
  '.wrong': { textDecoration: 'underline wavy var(--bad)', backgroundColor: 'var(--bad-ground)' },
  '.cm-tooltip': {
    color: 'var(--text)',
    backgroundColor: 'var(--raised)',
    border: '1px solid var(--frame)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    color: 'var(--on-accent)',
    backgroundColor: 'var(--accent)',
  },
  '.cm-completionDetail': { color: 'inherit', opacity: '0.8' },
})

// Where a selection with colours is typed over, Chromium puts a style attribute on what is typed, which
// the content security policy forbids. Brackets and quotes are put around a selection, elsewhere.
const replacing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { data, inputType } = event
    const isPlain = data !== null && !/^[([{'"`]$/.test(data)
    if (inputType !== 'insertText' || !isPlain || view.composing) return false
    if (view.state.selection.main.empty) return false
    view.dispatch(view.state.replaceSelection(data), { userEvent: 'input.type' })
    event.preventDefault()
    return true
  },
})

/**
 * An editor of SQL. It stands in a shadow tree because its styles are then adopted by that tree; into
 * the page itself it would put a style element, which the content security policy forbids.
 */
export function createCodeEditor(options: CodeEditorOptions): CodeEditor {
  const { host, label, text, onChange, onRun } = options
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const language = new Compartment()
  const ownKeys = keymap.of([
    {
      key: 'Mod-Enter',
      run: (target) => {
        closeCompletion(target)
        onRun()
        return true
      },
    },
    // It leaves the editor, and is not caught by the list of completions, which scrolls.
    { key: 'Tab', run: (target) => closeCompletion(target) && false },
  ])
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        ownKeys, // before the others, one of which breaks the line with these keys
        lineNumbers(),
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false }),
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...completionKeymap,
        ]),
        replacing,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
        language.of([]),
        syntaxHighlighting(highlighting),
        marks,
        theme,
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) onChange(state.doc.toString())
        }),
      ],
    }),
  })
  return {
    setText(next) {
      const { doc } = view.state
      if (doc.toString() === next) return
      view.dispatch({ changes: { from: 0, to: doc.length, insert: next } })
    },
    setLanguage(source, relations) {
      view.dispatch({ effects: language.reconfigure(languageOf(source, relations)) })
    },
    mark(span) {
      const isWithin = span !== undefined && span.to <= view.state.doc.length
      view.dispatch({ effects: setMark.of(isWithin ? span : undefined) })
    },
    focus({ from, to }) {
      view.focus()
      view.dispatch({ selection: { anchor: from, head: to } })
    },
    destroy: () => view.destroy(),
  }
}

function languageOf(source: QuerySource, relations: readonly QueryRelation[]): Extension {
  const tables = relations.map(({ name, columns }) => [
    name,
    columns.map((column) => ({
      label: column.name,
      type: 'property',
      detail: column.is_key ? `${column.type} key` : column.type,
    })),
  ])
  return sql({
    dialect: source === 'analytics' ? PostgreSQL : SQLite,
    schema: Object.fromEntries(tables),
    upperCaseKeywords: true,
  })
}
