import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { experiments } from '../../api/experiments.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { useIsGone } from '../../components/useIsGone.ts'
import { useRefusal } from '../../shell/refusal.ts'
import { readIds } from './search.ts'
import type { SideName } from './useSide.ts'

/** Forgets an experiment, after asking; not while it runs. */
export function DeleteExperiment({ id, isRunning }: { id: string; isRunning: boolean }) {
  const [isAsking, setAsking] = useState(false)
  const refusal = useRefusal('operator') ?? (isRunning ? 'not while it runs' : undefined)
  const isGone = useIsGone()
  const queries = useQueryClient()
  const navigate = useNavigate({ from: '/analytics' })
  const forget = async (): Promise<void> => {
    await experiments.remove(id)
    toast('good', `${id} is deleted`)
    // Nobody is led back to a page that they left meanwhile.
    if (!isGone()) {
      await navigate({
        search: ({ experiment, a, b, ...rest }) => ({
          ...rest,
          ...(experiment === undefined || experiment === id ? {} : { experiment }),
          ...sideWithout('a', a, id),
          ...sideWithout('b', b, id),
        }),
        replace: true,
        resetScroll: false,
      })
    }
    queries.removeQueries({ queryKey: ['experiment', id] })
    await queries.invalidateQueries({ queryKey: ['experiments'] })
  }
  return (
    <>
      <button
        type="button"
        className="quiet"
        onClick={() => setAsking(true)}
        disabled={refusal !== undefined}
        title={refusal}
        aria-label={`Delete ${id}`}
      >
        Delete
      </button>
      {isAsking && (
        <Confirm
          title={`Delete ${id}?`}
          action={`Delete ${id}`}
          isDangerous
          onConfirm={forget}
          onClose={() => setAsking(false)}
        >
          <p>
            Its records and figures are gone for good. Export them first if somebody may ask for
            them.
          </p>
        </Confirm>
      )}
    </>
  )
}

function sideWithout(side: SideName, ids: string | undefined, id: string) {
  const rest = readIds(ids).filter((each) => each !== id)
  return rest.length === 0 ? {} : { [side]: rest.join(',') }
}
