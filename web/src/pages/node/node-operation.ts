import type { OperationReply } from '@corroport/contracts'
import { useNavigate } from '@tanstack/react-router'
import { toast } from '../../components/toasts.ts'

/** Begins long work on a node, and shows its steps from then on. */
export function useFollowed(): (what: string, asked: Promise<OperationReply>) => Promise<void> {
  const navigate = useNavigate({ from: '/node' })
  return async (what, asked) => {
    const { operation } = await asked
    toast('info', `${what} has begun`)
    void navigate({ search: (old) => ({ ...old, operation: operation.id }), resetScroll: false })
  }
}
