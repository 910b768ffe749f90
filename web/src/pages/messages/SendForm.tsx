import type { Transport } from '@corroport/contracts'
import { maxContentBytes } from '@corroport/contracts'
import { useLocation } from '@tanstack/react-router'
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import { messageOf, UnreachedError } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { Choice } from '../../components/Field.tsx'
import { toast } from '../../components/toasts.ts'
import { useIsGone } from '../../components/useIsGone.ts'
import { formatCount } from '../../format/number.ts'
import { keepDraft, readDraft } from '../../shell/kept-drafts.ts'
import { problemOf, sizeOf } from './content.ts'

const draftName = 'message'
const transports: { value: Transport; label: string }[] = [
  { value: 'gossip', label: 'gossip: a row through Corrosion' },
  { value: 'direct', label: 'direct: over NATS alone' },
]

/** Sends a text from this gateway's node to all others; what was typed stays until it was sent. */
export function SendForm({ onSent }: { onSent: (pk: string) => void }) {
  const [content, setContent] = useState(keptContent)
  const [transport, setTransport] = useState<Transport>('gossip')
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const isGone = useIsGone()
  const text = useRef<HTMLTextAreaElement>(null)
  const id = useId()
  const { hash } = useLocation()
  const size = sizeOf(content)
  const shown = problem ?? (size > maxContentBytes ? problemOf(content) : undefined)

  useEffect(() => {
    if (hash === 'send') text.current?.focus()
  }, [hash])

  useEffect(() => {
    keepDraft(draftName, content || undefined)
  }, [content])

  const send = async (): Promise<void> => {
    const wrong = problemOf(content)
    setProblem(wrong)
    if (wrong !== undefined || isBusy) return
    setBusy(true)
    try {
      const { message } = await gateway.sendMessage(content, transport)
      const { length } = message.expected
      toast('good', `sent by ${transport} to ${length} ${length === 1 ? 'node' : 'nodes'}`)
      // What was typed while it was under way is the next message.
      setContent((typed) => (typed === content ? '' : typed))
      if (!isGone()) onSent(message.pk)
      // The form of another page may have other words by now.
      else if (readDraft(draftName) === content) keepDraft(draftName, undefined)
    } catch (error) {
      if (isGone()) toast('bad', whyNot(error))
      setProblem(whyNot(error))
    } finally {
      setBusy(false)
    }
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void send()
  }

  return (
    <form className="messages-send" onSubmit={submit} id="send">
      <div className={shown === undefined ? 'field' : 'field wrong'}>
        <label htmlFor={id}>Text</label>
        <textarea
          ref={text}
          id={id}
          rows={2}
          value={content}
          aria-invalid={shown !== undefined}
          aria-describedby={`${id}-size ${id}-error`}
          onChange={({ target }) => {
            setContent(target.value)
            setProblem(undefined)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event)
          }}
        />
        <p className="hint" id={`${id}-size`}>
          {formatCount(size)} of {formatCount(maxContentBytes)} bytes
        </p>
        <p className="error" id={`${id}-error`} aria-live="polite">
          {shown}
        </p>
      </div>
      <div className="row">
        <Choice label="Transport" value={transport} options={transports} onChange={setTransport} />
        <button type="submit" className="primary" aria-busy={isBusy} title="Ctrl Enter">
          {isBusy ? 'Sending …' : 'Send'}
        </button>
      </div>
    </form>
  )
}

function keptContent(): string {
  const kept = readDraft(draftName)
  return typeof kept === 'string' ? kept : ''
}

function whyNot(error: unknown): string {
  // The message may be under way all the same, and would be sent twice.
  return error instanceof UnreachedError
    ? `it may not have been sent: ${messageOf(error)}; look into the list of messages before you try again`
    : `not sent: ${messageOf(error)}`
}
