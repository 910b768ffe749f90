import type { OperationReply } from '@corroport/contracts'
import { useNavigate } from '@tanstack/react-router'
import { toast } from '../components/toasts.ts'

export type Follow = (what: string, asked: Promise<OperationReply>) => Promise<void>

/** Begins long work on a node; from then on that page shows its steps. */
export function useFollowed(page: '/cluster' | '/node'): Follow {
  const navigate = useNavigate()
  return async (what, asked) => {
    const { operation } = await asked
    toast('info', `${what} has begun`)
    void navigate({
      to: page,
      search: (old) => ({ ...old, operation: operation.id }),
      resetScroll: false,
    })
  }
}
