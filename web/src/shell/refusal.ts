import type { Role } from '@corroport/contracts'
import { useQuery } from '@tanstack/react-query'
import { sessionQuery } from '../api/queries.ts'

const ranks: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 }

/** Why whoever looks at this page may not do what needs this role; undefined where they may. */
export function useRefusal(wanted: Role): string | undefined {
  const { data } = useQuery(sessionQuery)
  if (data?.is_read_only === true) return 'This gateway is read-only.'
  const role = data?.principal?.role
  if (role === undefined || ranks[role] >= ranks[wanted]) return undefined
  return `This needs the role ${wanted}; you are signed in as ${role}.`
}
