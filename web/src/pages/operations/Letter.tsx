import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { gateway } from '../../api/gateway.ts'
import { Copy } from '../../components/Copy.tsx'
import { InView } from '../../components/InView.tsx'
import { DataPanel } from '../../components/Panel.tsx'
import { Time } from '../../components/Time.tsx'
import { formatBytes } from '../../format/number.ts'
import { useRefusal } from '../../shell/refusal.ts'
import type { Asked } from './AskLetters.tsx'

interface LetterProps {
  sequence: number
  onAsk: (asked: Asked) => void
}

/** One dead letter with the record that is in it. */
export function Letter({ sequence, onAsk }: LetterProps) {
  const navigate = useNavigate({ from: '/operations' })
  const refusal = useRefusal('operator')
  const query = useQuery({
    queryKey: ['dead-letters', 'one', sequence],
    queryFn: () => gateway.deadLetter(sequence),
  })
  const close = (): void =>
    void navigate({
      search: ({ letter: _letter, ...old }) => old,
      replace: true,
      resetScroll: false,
    })
  return (
    <InView>
      <DataPanel
        title={`Dead letter ${sequence}`}
        what="the dead letter"
        query={query}
        actions={
          <button type="button" onClick={close}>
            Close
          </button>
        }
      >
        {({ letter }) => {
          const text = letter.text ?? JSON.stringify(letter.payload, null, 2)
          return (
            <>
              <p>
                {letter.durable} refused <code>{letter.subject}</code> of {letter.stream} after{' '}
                {letter.deliveries} {letter.deliveries === 1 ? 'delivery' : 'deliveries'} at{' '}
                <Time at={letter.dead_at} withDate />. The record has{' '}
                {formatBytes(letter.size_bytes)}
                {!letter.is_whole &&
                  ', of which a part was too large to keep: it cannot be redriven'}
                .
              </p>
              <p className="note bad operations-reason">{letter.reason}</p>
              <div className="toolbar">
                <button
                  type="button"
                  className="primary"
                  disabled={!letter.is_whole || refusal !== undefined}
                  title={refusal}
                  onClick={() => onAsk({ action: 'redrive', sequences: [sequence] })}
                >
                  Redrive …
                </button>
                <button
                  type="button"
                  className="danger"
                  disabled={refusal !== undefined}
                  title={refusal}
                  onClick={() => onAsk({ action: 'delete', sequences: [sequence] })}
                >
                  Delete …
                </button>
                <Copy text={text} label="Copy the record" />
              </div>
              <pre
                tabIndex={0}
                role="region"
                aria-label="The record"
                className="operations-payload"
              >
                {text}
              </pre>
            </>
          )
        }}
      </DataPanel>
    </InView>
  )
}
