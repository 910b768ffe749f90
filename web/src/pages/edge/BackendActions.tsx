import type { EdgeBackend, EdgeBackendChange } from '@corroport/contracts'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { messageOf } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { Confirm } from '../../components/Confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { useRefusal } from '../../shell/refusal.ts'

/** Drains a backend, takes it back, or removes its row; written by the node that owns it, or by any. */
export function BackendActions({ backend }: { backend: EdgeBackend }) {
  const { id, draining, owner, connections } = backend
  const queries = useQueryClient()
  const refusal = useRefusal('operator')
  const [isBusy, setBusy] = useState(false)
  const [isAsking, setAsking] = useState(false)
  const at = owner ?? undefined
  const shown = () => queries.invalidateQueries({ queryKey: ['edge-backends'] })

  const change = async (to: EdgeBackendChange, undo?: EdgeBackendChange): Promise<void> => {
    setBusy(true)
    try {
      await gateway.changeBackend(id, to, at)
      const text = to.draining ? `${id} is draining` : `${id} takes connections again`
      toast('good', text, undo && { label: 'Undo', run: () => void change(undo) })
      await shown()
    } catch (error) {
      toast('bad', `${id} was not changed: ${messageOf(error)}`)
    }
    setBusy(false)
  }
  const remove = async (): Promise<void> => {
    await gateway.removeBackend(id, at)
    toast('good', `${id} is removed`)
    await shown()
  }

  const isOff = isBusy || refusal !== undefined
  return (
    <span>
      <button
        type="button"
        disabled={isOff}
        title={refusal ?? 'It keeps what it has; nothing new is sent there.'}
        onClick={() => void change({ draining: !draining }, { draining })}
        aria-label={`${draining ? 'Take back' : 'Drain'} ${id}`}
      >
        {draining ? 'Take back' : 'Drain'}
      </button>
      <button
        type="button"
        disabled={isOff}
        title={refusal}
        onClick={() => setAsking(true)}
        aria-label={`Remove ${id}`}
      >
        Remove …
      </button>
      {isAsking && (
        <Confirm
          title={`Remove ${id}`}
          action={`Remove ${id}`}
          isDangerous
          onConfirm={remove}
          onClose={() => setAsking(false)}
        >
          <p>
            Its row is deleted, and no point of presence sends anybody there any more.{' '}
            {connections > 0
              ? `The ${connections} connections that this point of presence has to it are not ended.`
              : 'This point of presence has no connection to it.'}
            {owner !== null && ' A program that keeps it alive registers it anew.'}
          </p>
        </Confirm>
      )}
    </span>
  )
}
